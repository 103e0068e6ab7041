"""The ReAct loop over a scripted model: every path, and whatever a model may write."""

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import BaseTool
from langchain_core.tools import tool as langchain_tool
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, TypeAdapter

from agentkit import HashingEmbedder, Index, ScriptedModel, StopReason, index_folder
from agentkit.agents import Agent, AgentLimits, PendingCall, TextPiece, ToolStarted
from agentkit.agents.model import AgentModel
from agentkit.agents.react import INSTRUCTIONS
from agentkit.agents.structured import structured
from agentkit.errors import ContextLengthError, MessageError, ToolSetupError
from agentkit.models.chat import LocalChatModel
from agentkit.models.constraints import Constraint
from agentkit.results import Answer, Step
from agentkit.tools import tool
from agentkit.tools.calculator import calculator


@tool(effects=True)
def send(text: str) -> str:
    """Send a message to everybody.

    Args:
        text: What to send.
    """
    SENT.append(text)
    return "sent"


@tool(parallel=True)
def slow(word: str) -> str:
    """Say a word after a while.

    Args:
        word: The word.
    """
    time.sleep(0.2)
    return word


@langchain_tool
def broken(x: int) -> str:
    """Break."""
    raise RuntimeError(f"no {x}")


SENT: list[str] = []


def _call(name: str, number: int = 1, /, thought: str = "I look.", **arguments: Any) -> AIMessage:
    return AIMessage(thought, tool_calls=[{"name": name, "args": arguments, "id": f"c{number}"}])


def _agent(*replies: str | AIMessage, **options: Any) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel(replies=list(replies))
    return Agent(model, tools=[calculator, send, slow, broken], **options), model


def test_an_answer_without_a_call_is_the_answer() -> None:
    agent, model = _agent("It is so.")
    answer = agent.run("Is it so?", history=[HumanMessage("Hello"), AIMessage("Hello.")])
    assert (answer.text, answer.stop_reason, answer.steps) == ("It is so.", StopReason.COMPLETED, ())
    kinds = [type(message) for message in model.calls[0]]
    assert kinds == [SystemMessage, HumanMessage, AIMessage, HumanMessage]


def test_a_call_is_run_and_its_result_is_shown_to_the_model() -> None:
    agent, model = _agent(_call("calculator", expression="17 * 3"), "It is 51.")
    answer = agent.run("17 * 3?")
    (step,) = answer.steps
    assert (step.tool, step.thought, step.observation, step.error) == ("calculator", "I look.", "51", None)
    assert answer.calls == {"calculator": 1}
    assert isinstance(model.calls[1][-1], ToolMessage)
    assert model.calls[1][-1].content == "51"
    assert model.calls[1][: len(model.calls[0])] == model.calls[0]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (_call("nothing"), "nothing"),
        (_call("calculator"), "expression"),
        (_call("calculator", expression="__import__('os')"), ""),
        (_call("broken", x=3), "RuntimeError: no 3"),
    ],
)
def test_what_goes_wrong_is_an_observation(call: AIMessage, reason: str) -> None:
    agent, _ = _agent(call, "I could not.")
    (step,) = agent.run("x").steps
    assert step.error is not None
    assert reason in step.observation
    assert "Traceback" not in step.observation


def test_a_model_that_says_nothing_to_what_a_tool_gave_is_asked_for_the_answer() -> None:
    agent, model = _agent(_call("calculator", thought="", expression="2+2"), "", "It is 4.")
    assert agent.run("Reckon.").text == "It is 4."
    assert str(model.calls[-1][-1].content).startswith("Answer now")
    agent, _ = _agent(_call("calculator", expression="2+2"), "", "")
    assert agent.run("Reckon.").text == "I look."
    assert _agent("")[0].run("Reckon.").text == ""


def test_events_come_in_order_and_the_answer_last() -> None:
    agent, _ = _agent(_call("calculator", expression="1+1"), "Two it is.")
    events = list(agent.stream("1+1?"))
    kinds = [type(event) for event in events]
    assert kinds.index(ToolStarted) < kinds.index(Step)
    assert kinds[-1] is Answer
    assert "".join(event.text for event in events if isinstance(event, TextPiece)).endswith("Two it is.")


def test_a_repeated_call_is_answered_from_the_transcript_and_two_end_the_exploration() -> None:
    calls = [_call("calculator", number, expression="2*2") for number in range(3)]
    agent, model = _agent(*calls, "Four.")
    answer = agent.run("2*2?")
    assert answer.stop_reason is StopReason.REPEATED_CALL
    assert [step.is_repeated for step in answer.steps] == [False, True, True]
    assert "made this call before" in answer.steps[1].observation
    assert answer.text == "Four."
    assert "Answer now" in str(model.calls[-1][-1].content)


def test_a_call_made_again_after_one_with_effects_is_run_again() -> None:
    shelf = ["old"]

    @tool
    def look() -> str:
        """See what is there."""
        return ", ".join(shelf)

    @tool(effects=True)
    def put(what: str) -> str:
        """Put something there.

        Args:
            what: A thing.
        """
        shelf.append(what)
        return "done"

    calls = [_call("look", 1), _call("put", 2, what="new"), _call("look", 3), _call("put", 4, what="new")]
    model = ScriptedModel(replies=[*calls, "It is there."])
    steps = Agent(model, tools=[look, put], approve=lambda call: True).run("Put it there.").steps
    assert [step.observation for step in steps[:3]] == ["old", "done", "old, new"]
    assert steps[3].is_repeated, "what has effects is not done twice"
    refused = Agent(ScriptedModel(replies=[*calls[:3], "It is not."]), tools=[look, put])
    assert refused.run("Put it there.").steps[2].is_repeated


def test_the_last_step_can_only_answer() -> None:
    calls = [_call("calculator", number, expression=f"{number}+1") for number in range(9)]
    agent, model = _agent(*calls, limits=AgentLimits(steps=3))
    answer = agent.run("go on")
    assert answer.stop_reason is StopReason.MAX_STEPS
    assert len(answer.steps) == 2
    assert len(model.calls) == 3
    assert answer.text == "I look."
    assert any("max steps" in warning for warning in answer.warnings)


def test_time_ends_a_run_with_what_there_is(hang: BaseTool) -> None:
    model = ScriptedModel(replies=[_call("hang"), "never"])
    answer = Agent(model, tools=[hang], limits=AgentLimits(seconds=1)).run("x")
    assert answer.stop_reason is StopReason.TIMEOUT
    assert answer.text == "I look."


def test_calls_of_one_reply_run_side_by_side_where_tools_allow_it() -> None:
    calls = [{"name": "slow", "args": {"word": str(n)}, "id": str(n)} for n in range(4)]
    agent, _ = _agent(AIMessage("All at once.", tool_calls=calls), "Done.")
    started = time.monotonic()
    answer = agent.run("x")
    assert [step.observation for step in answer.steps] == ["0", "1", "2", "3"]
    assert time.monotonic() - started < 0.7


def test_effects_wait_for_a_person() -> None:
    SENT.clear()
    refusing, _ = _agent(_call("send", text="a"), "Not sent.")
    assert "did not approve" in refusing.run("x").steps[0].observation
    assert SENT == []
    asked: list[PendingCall] = []

    def approve(call: PendingCall) -> bool:
        asked.append(call)
        return True

    agent, _ = _agent(_call("send", text="b"), "Sent.", approve=approve)
    agent.run("x")
    assert SENT == ["b"]
    assert (asked[0].tool, asked[0].arguments) == ("send", {"text": "b"})


def test_wrong_tools_and_limits_are_refused_at_once() -> None:
    with pytest.raises(ToolSetupError, match="calculator"):
        Agent(ScriptedModel(replies=[]), tools=[calculator, calculator])


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ({"steps": 0}, "steps of"),
        ({"steps": "3"}, "steps of .*steps='3'.* whole numbers"),
        ({"steps": 2.5, "tokens": 0}, "steps, tokens of"),
        ({"repeats": None}, "repeats of"),
        ({"seconds": 0}, "seconds of"),
        ({"seconds": math.nan}, "seconds of .*seconds=nan.* a number above 0"),
        ({"seconds": "5"}, "seconds of"),
    ],
)
def test_limits_that_are_none_are_named(limits: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        AgentLimits(**limits)


def test_who_is_asked_about_a_call_cannot_change_it() -> None:
    SENT.clear()

    def approve(call: PendingCall) -> bool:
        call.arguments["text"] = "changed"
        return True

    agent, _ = _agent(_call("send", text="a"), "Done.", approve=approve, before_call=approve)
    (step,) = agent.run("x").steps
    assert (SENT, step.arguments) == (["a"], {"text": "a"})


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text("# Mill\n\nThe mill was built in 1871. It has a wheel.")
    (folder / "ferry.md").write_text("# Ferry\n\nBrida was built in 1979. She is green.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        yield index


def test_cited_numbers_become_true_spans_of_files(index: Index) -> None:
    replies = [
        _call("retrieval", query="When was the mill built?"),
        "The mill was built in 1871 [1], Brida in 1979 [2]. Nobody knows more [77].",
    ]
    answer = Agent(ScriptedModel(replies=replies), index=index).run("Which is older?")
    assert answer.is_grounded
    assert {citation.path for citation in answer.citations} == {"mill.md", "ferry.md"}
    for citation in answer.citations:
        assert index.document_text(citation.path)[citation.start : citation.end] == citation.quote
        assert "built in" in citation.quote


def test_a_tool_that_has_the_name_of_an_index_s_own_is_refused_with_where_both_are_from(index: Index) -> None:
    @tool
    def read_document(path: str) -> str:
        """Read.

        Args:
            path: A file.
        """
        return path

    with pytest.raises(ToolSetupError, match="the index and the program both have a tool 'read_document'"):
        Agent(ScriptedModel(replies=[]), tools=[read_document], index=index)


@pytest.mark.parametrize("chars", [500, 1200, 6000])
def test_only_what_the_model_was_shown_is_a_passage(tmp_path: Path, chars: int) -> None:
    (tmp_path / "docs").mkdir()
    for number in range(6):
        text = f"Mill {number} grinds oats. " + f"It is number {number}. " * 50 + f"Its miller is Ada{number}."
        (tmp_path / "docs" / f"{number}.md").write_text(text)
    replies = [_call("read_document", path="1.md", length=6000), "The miller is Ada1 [1], or so, of oats [2] [5]."]
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [tmp_path / "docs"])
        agent = Agent(ScriptedModel(replies=replies), index=index, limits=AgentLimits(observation_chars=chars))
        answer = agent.run("Which mill grinds oats?")
    found, read = [step.observation for step in answer.steps]
    assert "[cut here" not in found + read
    assert max(len(found), len(read)) <= chars
    assert "more passages are left out" in found or chars == 6000
    assert "(it goes on: start=" in read or chars > 500
    for citation in answer.citations:
        assert citation.quote in found + read


def test_a_task_over_documents_begins_with_a_search_in_its_own_words(index: Index) -> None:
    model = ScriptedModel(replies=["It was built in 1871."])
    answer = Agent(model, index=index).run("When was the mill built?")
    (step,) = answer.steps
    assert (step.tool, step.arguments) == ("retrieval", {"query": "When was the mill built?"})
    assert isinstance(model.calls[0][-1], ToolMessage)
    assert [citation.quote for citation in answer.citations] == ["The mill was built in 1871."]
    assert answer.is_grounded


def test_a_number_or_name_that_was_nowhere_read_is_a_warning(index: Index) -> None:
    made_up = Agent(ScriptedModel(replies=["The mill was built in 1871 by Tove Arnesen."]), index=index)
    assert made_up.run("Who built the mill?").warnings == (
        "Tove Arnesen: in no passage that was read, nor given by a tool",
    )
    asked = Agent(ScriptedModel(replies=["Tove Arnesen did not build it."]), index=index)
    assert asked.run("Was it Tove Arnesen who built the mill?").warnings == ()
    reckoned = ScriptedModel(replies=[_call("calculator", expression="1871 + 100"), "It was 100 years old in 1971."])
    assert Agent(reckoned, index=index, tools=[calculator]).run("When was the mill 100 years old?").warnings == ()


def test_without_an_index_the_numbers_of_an_answer_stay() -> None:
    text = "Use `xs[0]` and xs[1]; the sorted list is [3]. See RFC [2616]."
    agent, _ = _agent(text)
    assert agent.run("x").text == text


def test_an_answer_that_cites_nothing_is_not_grounded(index: Index) -> None:
    answer = Agent(ScriptedModel(replies=["I think so."]), index=index).run("x")
    assert not answer.is_grounded


_ARGUMENTS = st.dictionaries(
    st.sampled_from(["expression", "text", "word", "x", "zzz"]),
    st.none() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2),
    max_size=3,
)
_NAMES = st.sampled_from(["calculator", "send", "broken", "retrieval", "", "calculator "])
_REPLIES = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
    st.builds(
        lambda text, calls: AIMessage(
            text,
            tool_calls=[{"name": name, "args": args, "id": str(n)} for n, (name, args) in enumerate(calls)],
            usage_metadata=UsageMetadata(input_tokens=40, output_tokens=0, total_tokens=40),
        ),
        st.text(max_size=10),
        st.lists(st.tuples(_NAMES, _ARGUMENTS), max_size=3),
    ),
)


_RANDOM_REPLIES = int(os.environ.get("RANDOM_REPLIES", "1200"))
"""How many in all; the issue's 10,000 take a minute."""


@settings(max_examples=_RANDOM_REPLIES // 6)
@given(st.lists(_REPLIES, min_size=6, max_size=6), st.integers(1, 5), st.none() | st.integers(1, 3000))
def test_whatever_a_model_writes_the_run_ends_within_its_limits(
    replies: list[str | AIMessage], steps: int, tokens: int | None
) -> None:
    SENT.clear()
    agent, model = _agent(*replies, limits=AgentLimits(steps=steps, tokens=tokens))
    answer = agent.run("x")
    assert len(model.calls) <= steps
    assert SENT == []
    assert isinstance(answer, Answer)
    if tokens is not None:
        assert answer.usage.prompt_tokens + answer.usage.completion_tokens < tokens


def test_a_model_that_cannot_call_tools_is_refused_and_others_are_named() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("Hello.")]))
    with pytest.raises(ToolSetupError, match=r"GenericFakeChatModel cannot call tools.*LocalChatModel"):
        Agent(model, tools=[calculator])
    assert Agent(model).run("Hi").text == "Hello."


@pytest.mark.parametrize(
    ("given", "hint"), [("qwen", r"LocalChatModel\(model='qwen'\)"), (ScriptedModel(replies=[]).bind(n=1), "itself")]
)
def test_what_is_no_chat_model_is_named_with_what_to_give(given: Any, hint: str) -> None:
    with pytest.raises(ToolSetupError, match=rf"is no chat model of LangChain's.*{hint}"):
        Agent(given)


@pytest.mark.parametrize("name", ["approve", "before_call", "after_call"])
def test_what_would_have_to_be_awaited_is_refused(name: str) -> None:
    async def listen(_: object) -> bool:
        return False

    callbacks: Any = {name: listen}
    with pytest.raises(ToolSetupError, match=f"{name} is a coroutine function"):
        Agent(ScriptedModel(replies=[]), **callbacks)


def test_an_approval_that_is_to_be_awaited_is_no_yes() -> None:
    class Question:
        def __await__(self) -> Iterator[None]:
            yield

    asked: Any = Question
    agent, _ = _agent(_call("send", text="x"), "Sent.", approve=lambda _: asked())
    SENT.clear()
    with pytest.raises(ToolSetupError, match=r"send was not run: approve gave a Question.*True or False"):
        agent.run("x")
    assert SENT == []


@pytest.fixture
def hang() -> Iterator[BaseTool]:
    """A tool that hangs until the test is over."""
    is_over = threading.Event()

    @tool
    def hang() -> str:
        """Wait."""
        is_over.wait(60)
        return "late"

    yield hang
    is_over.set()
    for thread in threading.enumerate():
        if thread.name == "tool hang":
            thread.join()


def test_a_cancel_ends_the_wait_for_a_tool(hang: BaseTool) -> None:
    cancel = threading.Event()
    agent = Agent(ScriptedModel(replies=[_call("hang"), "never"]), tools=[hang])
    started = time.monotonic()
    threading.Timer(0.2, cancel.set).start()
    answer = agent.run("x", cancel=cancel)
    assert time.monotonic() - started < 5
    assert answer.stop_reason is StopReason.CANCELLED
    assert answer.text == "I look."
    assert "cancelled" in str(answer.steps[0].error)


class Hanging(ScriptedModel):
    """Says a word and then nothing for long."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="Well"))
        threading.Event().wait(20)


def test_a_cancel_and_a_time_limit_end_the_wait_for_a_model_that_hangs() -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    started = time.monotonic()
    *_, cancelled = Agent(Hanging(replies=[])).stream("x", cancel=cancel)
    *_, late = Agent(Hanging(replies=[]), limits=AgentLimits(seconds=0.2)).stream("x")
    assert isinstance(cancelled, Answer)
    assert isinstance(late, Answer)
    assert time.monotonic() - started < 5
    assert (cancelled.text, cancelled.stop_reason) == ("Well", StopReason.CANCELLED)
    assert (late.text, late.stop_reason) == ("Well", StopReason.TIMEOUT)
    assert late.usage.prompt_tokens > 10


def test_a_tool_takes_no_longer_than_the_run_has_left(hang: BaseTool) -> None:
    started = time.monotonic()
    answer = Agent(ScriptedModel(replies=[_call("hang")]), tools=[hang], limits=AgentLimits(seconds=0.3)).run("x")
    assert time.monotonic() - started < 5
    assert answer.stop_reason is StopReason.TIMEOUT


def test_leaving_the_stream_ends_the_run() -> None:
    agent, model = _agent(_call("calculator", expression="1+1"), "never")
    for event in agent.stream("x"):
        if isinstance(event, Step):
            break
    assert len(model.calls) == 1


def test_tokens_end_a_run() -> None:
    used = UsageMetadata(input_tokens=60, output_tokens=20, total_tokens=80)
    call = _call("calculator", expression="1+1").model_copy(update={"usage_metadata": used})
    agent, model = _agent(call, "never", limits=AgentLimits(tokens=150))
    answer = agent.run("x")
    assert (answer.text, answer.stop_reason) == ("I look.", StopReason.MAX_TOKENS)
    assert len(model.calls) == 1


def test_the_last_quarter_of_the_tokens_is_for_the_answer() -> None:
    used = UsageMetadata(input_tokens=700, output_tokens=100, total_tokens=800)
    call = _call("calculator", expression="1+1").model_copy(update={"usage_metadata": used})
    agent, model = _agent(call, "Two.", limits=AgentLimits(tokens=1000))
    answer = agent.run("1+1?")
    assert (answer.text, answer.stop_reason) == ("Two.", StopReason.MAX_TOKENS)
    assert "Answer now" in str(model.calls[1][-1].content)


def test_a_prompt_that_the_budget_does_not_hold_is_not_sent() -> None:
    agent, model = _agent("never", limits=AgentLimits(tokens=10))
    assert agent.run("x").stop_reason is StopReason.MAX_TOKENS
    assert model.calls == []


def test_a_call_that_cannot_be_read_goes_back_to_the_model() -> None:
    broken_call = InvalidToolCall(
        name="calculator", args='{"expr', id="1", error="it was cut short", type="invalid_tool_call"
    )
    agent, model = _agent(AIMessage("I reckon.", invalid_tool_calls=[broken_call]), "Two.")
    answer = agent.run("1+1?")
    assert answer.text == "Two."
    assert "could not be read (calculator: it was cut short)" in str(model.calls[1][-1].content)


def test_a_call_that_cannot_be_read_is_asked_for_again_beside_one_that_was_run() -> None:
    broken_call = InvalidToolCall(name=None, args='{"expr', id="2", error=None, type="invalid_tool_call")
    replies = [_call("calculator", number, expression=f"1+{number}") for number in (1, 2, 3)]
    replies = [reply.model_copy(update={"invalid_tool_calls": [broken_call]}) for reply in replies]
    agent, model = _agent(*replies, "Two.")
    answer = agent.run("1+1?")
    assert [message.type for message in model.calls[1][-3:]] == ["ai", "tool", "human"]
    assert "could not be read (a call without a name: it is no JSON)" in str(model.calls[1][-1].content)
    assert answer.stop_reason is StopReason.COMPLETED
    assert len(answer.steps) == 3
    assert "a call could not be read and was asked for again" in answer.warnings


def test_callbacks_hear_of_each_call_before_and_after_it() -> None:
    heard: list[str] = []
    agent, _ = _agent(
        _call("calculator", expression="1+1"),
        _call("send", 2, text="a"),
        "Done.",
        before_call=lambda call: heard.append(f"before {call.tool}"),
        after_call=lambda step: heard.append(f"after {step.tool}"),
    )
    agent.run("x")
    assert heard == ["before calculator", "after calculator", "after send"]


def test_the_same_call_twice_in_one_reply_is_run_once() -> None:
    calls = [{"name": "slow", "args": {"word": "a"}, "id": str(n)} for n in range(2)]
    agent, _ = _agent(AIMessage("Both.", tool_calls=calls), "Done.")
    assert [step.is_repeated for step in agent.run("x").steps] == [False, True]


def test_no_reply_makes_more_than_16_calls() -> None:
    calls = [{"name": "calculator", "args": {"expression": f"{n}+1"}, "id": str(n)} for n in range(40)]
    agent, _ = _agent(AIMessage("All.", tool_calls=calls), "Done.")
    steps = agent.run("x").steps
    assert [step.error is None for step in steps] == [True] * 16 + [False] * 24


def test_a_call_beyond_the_16th_can_be_made_in_the_next_reply() -> None:
    calls = [{"name": "calculator", "args": {"expression": f"{n}+1"}, "id": str(n)} for n in range(17)]
    agent, _ = _agent(AIMessage("All.", tool_calls=calls), _call("calculator", 20, expression="16+1"), "Done.")
    last = agent.run("x").steps[-1]
    assert (last.observation, last.is_repeated) == ("17", False)


def test_nothing_is_asked_about_or_started_when_the_time_is_used_up(hang: BaseTool) -> None:
    SENT.clear()
    asked: list[PendingCall] = []

    def approve(call: PendingCall) -> bool:
        asked.append(call)
        return True

    calls = [{"name": "hang", "args": {}, "id": "1"}, {"name": "send", "args": {"text": "b"}, "id": "2"}]
    model = ScriptedModel(replies=[AIMessage("Both.", tool_calls=calls)])
    answer = Agent(model, tools=[hang, send], limits=AgentLimits(seconds=1), approve=approve).run("x")
    time.sleep(0.1)
    assert (asked, SENT) == ([], [])
    assert answer.steps[1].error == "send was not run: the time is used up"


def test_nothing_is_asked_about_or_started_after_a_cancel() -> None:
    SENT.clear()
    asked: list[PendingCall] = []
    cancel = threading.Event()

    def approve(call: PendingCall) -> bool:
        asked.append(call)
        cancel.set()
        return True

    calls = [{"name": "send", "args": {"text": word}, "id": word} for word in "ab"]
    agent, _ = _agent(AIMessage("Both.", tool_calls=calls), approve=approve)
    answer = agent.run("x", cancel=cancel)
    assert (len(asked), SENT) == (1, [])
    assert {step.error for step in answer.steps} == {"send was not run: the person stopped the agent"}


@pytest.mark.skipif(os.name == "nt", reason="there a process cannot be sent Ctrl-C alone")
def test_ctrl_c_ends_the_wait_for_tools_that_run_side_by_side() -> None:
    is_over = threading.Event()

    @tool(parallel=True)
    def wait(word: str) -> str:
        """Wait.

        Args:
            word: Any.
        """
        is_over.wait(20)
        return word

    calls = [{"name": "wait", "args": {"word": word}, "id": word} for word in "ab"]
    agent = Agent(ScriptedModel(replies=[AIMessage("Both.", tool_calls=calls)]), tools=[wait])
    started = time.monotonic()
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        agent.run("x")
    assert time.monotonic() - started < 10
    is_over.set()


def test_the_agent_stands_where_a_chat_model_can() -> None:
    agent, model = _agent(_call("calculator", expression="6*7"), "It is 42.")
    prompt = ChatPromptTemplate.from_messages([("human", "Hello"), ("ai", "Hello."), ("human", "{question}")])
    chain = prompt | agent.as_runnable() | StrOutputParser()
    assert chain.invoke({"question": "6*7?"}) == "It is 42."
    assert [message.content for message in model.calls[0][1:]] == ["Hello", "Hello.", "6*7?"]
    agent, _ = _agent("Yes.")
    message = agent.as_runnable().invoke("Well?")
    assert message.response_metadata["answer"]["text"] == "Yes."
    with pytest.raises(MessageError, match="needs a task"):
        agent.as_runnable().invoke([AIMessage("Hello.")])


@pytest.mark.parametrize("given", [{"messages": [("user", "6*7?")]}, HumanMessage("6*7?"), None])
def test_what_no_chat_model_takes_is_no_task(given: Any) -> None:
    agent, model = _agent("Yes.")
    with pytest.raises(MessageError, match=f"text or messages, not a {type(given).__name__}"):
        agent.as_runnable().invoke(given)
    assert not model.calls


def test_langchain_s_callbacks_hear_of_model_and_tools() -> None:
    class Listener(BaseCallbackHandler):
        def __init__(self) -> None:
            self.heard: list[str] = []

        def on_chat_model_start(self, *args: Any, **options: Any) -> None:
            self.heard.append("model")

        def on_tool_start(self, *args: Any, **options: Any) -> None:
            self.heard.append("tool")

    listener = Listener()
    agent, _ = _agent(_call("calculator", expression="1+1"), "Two.")
    agent.run("x", config={"callbacks": [listener]})
    assert listener.heard == ["model", "tool", "model"]


class Sum(BaseModel):
    """A sum."""

    total: int


def test_the_answer_in_the_agent_s_message_is_plain_data_and_can_be_made_an_answer_again() -> None:
    replies = (_call("calculator", expression="6*7"), "It is 42.", _call("Sum", 2, total=42))
    agent, _ = _agent(*replies, response_format=Sum)
    message = agent.as_runnable().invoke("6*7?")
    checkpoint = JsonPlusSerializer().loads_typed(JsonPlusSerializer().dumps_typed(message))
    (read,) = messages_from_dict(json.loads(json.dumps(messages_to_dict([message]))))
    for copy in (message, checkpoint, read):
        assert copy == message
        answer = TypeAdapter(Answer).validate_python(copy.response_metadata["answer"])
        assert (answer.text, answer.value, answer.stop_reason) == ("It is 42.", {"total": 42}, StopReason.COMPLETED)
        assert answer.steps[0].arguments == {"expression": "6*7"}


def test_the_answer_can_have_the_form_that_a_program_wants() -> None:
    agent, model = _agent(
        _call("calculator", expression="6*7"), "It is 42.", _call("Sum", 2, total=42), response_format=Sum
    )
    answer = agent.run("6*7?")
    assert (answer.text, answer.value) == ("It is 42.", Sum(total=42))
    assert "total" in str(model.calls[2][-1].content)
    agent, _ = _agent("It is 42.", _call("Sum", 2, total="many"), response_format=Sum)
    answer = agent.run("6*7?")
    assert (answer.text, answer.value, answer.warnings) == (
        "It is 42.",
        None,
        ("there is no answer of the wanted form",),
    )


def test_a_time_limit_ends_the_wait_for_the_wanted_form() -> None:
    class Slow(ScriptedModel):
        def _generate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
            time.sleep(3 * len(self.calls))
            return super()._generate(messages, *arguments, **options)

    model = Slow(replies=["It is 42.", _call("Sum", total=42)])
    started = time.monotonic()
    answer = Agent(model, response_format=Sum, limits=AgentLimits(seconds=1)).run("6*7?")
    assert time.monotonic() - started < 2.5
    assert (answer.text, answer.value, answer.stop_reason) == ("It is 42.", None, StopReason.TIMEOUT)
    assert "there is no answer of the wanted form" in answer.warnings


class Full(AgentModel):
    """A local model with a context of 1,000 tokens, which a prompt of 20 for each message takes up."""

    def __init__(self) -> None:
        super().__init__(LocalChatModel(model="none"), [], None, is_streamed=False)

    def room(self, reply_tokens: int) -> int:
        return 1000 - reply_tokens

    def longest_reply(self, reply_tokens: int) -> int:
        return min(reply_tokens, 500)

    def count(self, messages: list[BaseMessage]) -> int:
        return 20 * len(messages)

    def complete(
        self, messages: list[BaseMessage], constraint: Constraint, start: str = "", *, max_tokens: int, **_: Any
    ) -> AIMessage:
        if self.count(messages) + max_tokens > 1000:
            raise ContextLengthError("no room")
        return AIMessage('{"total": 42}')


def test_a_context_that_is_full_leaves_less_room_or_none_for_the_wanted_form() -> None:
    asked = [HumanMessage("6*7?")]
    assert structured(Full(), asked, "It is 42.", Sum, task=0)[0] == Sum(total=42)
    assert structured(Full(), asked * 60, "It is 42.", Sum, task=59)[0] is None


def test_old_steps_give_way_to_the_wanted_form() -> None:
    steps = [[_call("calculator", n, expression=f"{n}+1"), ToolMessage(str(n), tool_call_id=str(n))] for n in range(40)]
    asked = [HumanMessage("6*7?"), *(message for step in steps for message in step)]
    assert structured(Full(), asked, "It is 42.", Sum, task=0)[0] == Sum(total=42)


def test_an_answer_that_its_length_limit_cut_says_so() -> None:
    agent, _ = _agent(AIMessage("It is because", response_metadata={"stop_reason": "max_tokens"}))
    answer = agent.run("Why?")
    assert (answer.text, answer.stop_reason) == ("It is because", StopReason.MAX_TOKENS)
    assert answer.warnings == ("the agent stopped before it was done: max tokens",)


def test_old_results_give_way_in_a_small_context_and_the_answer_says_so() -> None:
    @tool
    def read(page: int) -> str:
        """Read a page.

        Args:
            page: Which.
        """
        return f"page {page}: " + "word " * 700

    replies = [_call("read", number, page=number) for number in range(5)]
    model = ScriptedModel(replies=[*replies, "Read."], profile={"max_input_tokens": 3000})
    answer = Agent(model, tools=[read]).run("Read all.")
    assert answer.text == "Read."
    assert any("were condensed to fit the context" in warning for warning in answer.warnings)
    assert "[condensed: " in str(model.calls[-1][3].content)
    assert all(message.content == "Read all." for message in (call[1] for call in model.calls))


def _leave() -> None:
    raise SystemExit(3)


def _say() -> str:
    sys.stdout.write("printed")
    return "quiet"


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        (lambda: None, "(the tool gave nothing back)"),
        (lambda: b"\xff\xfe", "(2 bytes that are not text)"),
        (lambda: "\x1b[31mred\x1b[0m \x07", "red \N{REPLACEMENT CHARACTER}"),
        (lambda: "m" * 5_000_000, "[cut here: the first 6,000 of 5,000,000 characters]"),
        (_say, "quiet"),
        (_leave, "SystemExit: 3"),
    ],
)
def test_whatever_a_tool_does_is_a_clean_observation_and_the_run_goes_on(
    act: Callable[[], Any], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @tool
    def odd() -> Any:
        """Do something odd."""
        return act()

    answer = Agent(ScriptedModel(replies=[_call("odd"), "Done."]), tools=[odd]).run("x")
    assert answer.text == "Done."
    assert answer.steps[0].observation.endswith(shown)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("instructions", "own"), [(INSTRUCTIONS, ""), (f"{INSTRUCTIONS}\nBe kind.", "Be kind."), ("Be brief.", "Be brief.")]
)
def test_what_the_program_adds_is_told_from_the_agent_s_own_instructions(instructions: str, own: str) -> None:
    assert Agent(ScriptedModel(replies=["x"]), instructions=instructions).own_instructions == own
