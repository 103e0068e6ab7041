"""A turn of a conversation: who answers, what of the conversation is read, and what is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.utils import count_tokens_approximately

from agentkit import HashingEmbedder, Index, StopReason, index_folder
from agentkit.agents import Agent, TextPiece, ToolStarted
from agentkit.errors import ContextLengthError
from agentkit.models.messages import text_of
from agentkit.models.scripted import ScriptedModel
from agentkit.pipelines.conversation import Conversation, ConversationEvent, QuestionRewritten
from agentkit.pipelines.history import Exchange
from agentkit.results import Step
from agentkit.strategies import strategy
from agentkit.tools.calculator import calculator

QUOTE = "The Lumen lamp draws 41 watts."
CITED = f'[1] "{QUOTE}"\nAnswer: It draws 41 watts.'


class StrictModel(ScriptedModel):
    """A scripted model that refuses what its context has no room for."""

    limit: int

    def _stream(self, messages: list[BaseMessage], *rest: Any, **options: Any) -> Iterator[Any]:
        if count_tokens_approximately(messages) + options["max_tokens"] > self.limit:
            raise ContextLengthError("too long")
        return super()._stream(messages, *rest, **options)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lamp.txt").write_text(QUOTE)
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as opened:
        index_folder(opened, [tmp_path / "docs"])
        yield opened


def _asked(conversation: Conversation, question: str, *history: Exchange, text: str = "") -> tuple[Any, list[Any]]:
    events: list[ConversationEvent] = []
    answer = conversation.answer(question, history, on_event=events.append, text=text)
    return answer, events


def test_a_plain_chat_goes_on_with_what_was_said() -> None:
    model = ScriptedModel(replies=["Forty two."])
    answer, events = _asked(Conversation(model, system="Be brief."), "And now?", Exchange("Hi", "Hello."))
    assert model.calls == [
        [SystemMessage("Be brief."), HumanMessage("Hi"), AIMessage("Hello."), HumanMessage("And now?")]
    ]
    assert (answer.text, answer.is_grounded, answer.warnings) == ("Forty two.", False, ())
    assert "".join(event.text for event in events) == "Forty two."


def test_with_an_index_the_answer_has_true_quotes(index: Index) -> None:
    model = ScriptedModel(replies=[CITED])
    answer, events = _asked(Conversation(model, retriever=index.as_retriever()), "How many watts?")
    assert (answer.text, answer.citations[0].quote) == ("It draws 41 watts.", QUOTE)
    assert all(isinstance(event, TextPiece) for event in events)
    assert len(model.calls) == 1


def test_a_follow_up_is_rewritten_told_and_searched_for(index: Index) -> None:
    model = ScriptedModel(replies=["How many watts does the Lumen lamp draw?", CITED])
    conversation = Conversation(model, retriever=index.as_retriever())
    answer, events = _asked(conversation, "How many watts?", Exchange("What is Lumen?", "A lamp."))
    assert events[0] == QuestionRewritten("How many watts does the Lumen lamp draw?")
    assert "Question: How many watts does the Lumen lamp draw?" in text_of(model.calls[1][-1])
    assert answer.is_grounded


def test_a_follow_up_that_stays_as_it_is_is_not_told(index: Index) -> None:
    model = ScriptedModel(replies=["How many watts?", CITED])
    conversation = Conversation(model, retriever=index.as_retriever())
    _, events = _asked(conversation, "How many watts?", Exchange("What is Lumen?", "A lamp."))
    assert not any(isinstance(event, QuestionRewritten) for event in events)


def test_what_the_documents_do_not_answer_is_said(index: Index) -> None:
    model = ScriptedModel(replies=["NOT FOUND"])
    answer, _ = _asked(Conversation(model, retriever=index.as_retriever()), "Who is king?")
    assert (answer.stop_reason, answer.is_grounded) == (StopReason.NOT_FOUND, False)


def test_a_text_is_answered_from_itself_and_not_from_the_index(index: Index) -> None:
    model = ScriptedModel(replies=["Rain."])
    answer, _ = _asked(Conversation(model, retriever=index.as_retriever()), "What falls?", text="Rain falls.")
    assert answer.text == "Rain."
    assert model.calls == [[HumanMessage("Rain falls.\n\nWhat falls?")]]


def test_with_tools_the_agent_answers_with_the_history() -> None:
    call = AIMessage("I count.", tool_calls=[{"name": "calculator", "args": {"expression": "6*7"}, "id": "1"}])
    model = ScriptedModel(replies=[call, "It is 42."])
    answer, events = _asked(
        Conversation(model, agent=Agent(model, tools=[calculator])), "6 by 7?", Exchange("Hi", "Ho")
    )
    assert answer.text == "It is 42."
    assert [type(event) for event in events][:3] == [TextPiece, ToolStarted, Step]
    assert [text_of(message) for message in model.calls[0][1:]] == ["Hi", "Ho", "6 by 7?"]


def test_an_agent_with_an_index_searches_first_for_the_rewritten_question(index: Index) -> None:
    rewritten = "How many watts does the Lumen lamp draw?"
    model = ScriptedModel(replies=[rewritten, "It draws 41 watts."])
    conversation = Conversation(model, agent=Agent(model, tools=[calculator], index=index))
    _, events = _asked(conversation, "And how many watts?", Exchange("What is Lumen?", "A lamp."))
    assert events[:2] == [QuestionRewritten(rewritten), ToolStarted("retrieval", {"query": rewritten})]
    assert "And how many watts?" in [text_of(message) for message in model.calls[1]]


def test_a_strategy_reasons_over_the_conversation() -> None:
    model = ScriptedModel(replies=["They are 6 and 7. Their product is 42.\n\nAnswer: 42"])
    conversation = Conversation(model, system="Be brief.", strategy=strategy("cot"))
    answer, _ = _asked(
        conversation, "What is their product?", Exchange("Name two numbers.", "6 and 7"), text="(a note)"
    )
    assert answer.text == "42"
    assert model.calls[0][0] == SystemMessage("Be brief.")
    prompt = "\n".join(map(text_of, model.calls[0]))
    assert "User: Name two numbers.\nAssistant: 6 and 7\n\n(a note)" in prompt


def test_two_hundred_turns_in_a_small_context_go_on_and_say_what_was_left_out() -> None:
    replies = [f"Answer number {n}. " + "All is well with the harbour and its boats. " * 4 for n in range(200)]
    model = StrictModel(replies=replies, limit=2048, profile={"max_input_tokens": 2048})
    conversation = Conversation(model, system="You keep the harbour's log.", max_tokens=512)
    history: list[Exchange] = []
    beginnings = set()
    for n in range(200):
        answer, _ = _asked(conversation, f"Question number {n}?", *history)
        read = model.calls[-1]
        assert read[0] == SystemMessage("You keep the harbour's log.")
        assert text_of(read[-1]) == f"Question number {n}?"
        if n:
            assert text_of(read[-2]) == history[-1].answer
        assert bool(answer.warnings) == (len(read) < 2 * n + 2)
        beginnings.add(text_of(read[1]))
        history.append(Exchange(f"Question number {n}?", answer.text))
    assert "oldest turns" in answer.warnings[0]
    assert len(beginnings) < 50, "the beginning must stay for several turns, or nothing is found in the cache"
    use = conversation.context_use(history)
    assert use.limit == 2048
    assert 0 < use.tokens < 2048
    assert use.left_out > 150


def test_a_question_that_can_never_fit_is_an_error_that_says_so() -> None:
    model = ScriptedModel(replies=[], profile={"max_input_tokens": 300})
    with pytest.raises(ContextLengthError, match=r"context has 300: ask a shorter one"):
        _asked(Conversation(model), "word " * 2000, Exchange("Hi", "Hello."))


def test_a_nearly_full_context_gives_a_shorter_answer_instead_of_an_error() -> None:
    model = StrictModel(replies=["Yes."], limit=300, profile={"max_input_tokens": 300})
    answer, _ = _asked(Conversation(model, max_tokens=512), "word " * 200)
    assert answer.text == "Yes."
