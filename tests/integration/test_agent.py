"""What an agent does with a model of our own and a question about documents: it reads a passage, or asks hop by hop."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentkit import Agent, AgentLimits, HashingEmbedder, Index, LocalChatModel, answer_question, index_folder, tool
from agentkit.agents.citing import Quote
from agentkit.agents.self_ask import SelfAsk
from agentkit.models.constraints import Constraint
from agentkit.reading.answer import NOTHING_FOUND
from agentkit.results import Answer, Hit, StopReason, Usage
from agentkit.tools.calculator import calculator
from agentkit.tools.retrieval import NumberedHit

pytestmark = pytest.mark.model

_QUESTION = "When was the vessel built whose skipper is Runa Castell?"
_BUILT = "Which vessel was built in 1979?"
_SHORT = AgentLimits(steps=2, reply_tokens=16)
_TOOLS = AgentLimits(steps=3, reply_tokens=40)
_HOP = re.compile(r"Follow up: [^\n?]{3,150}\?\nLine: (?P<line>[^\n]+)\nIntermediate answer: (?P<answer>[^\n]+)\n")
_LINES = (
    "vessel: Brida; built: 1979",
    "name: Runa Castell; post: skipper of Brida",
    'He said: "Go!" \\ (|x|)',
    "| Brida | 1979 |",
)


class Prompts(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[list[BaseMessage]] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **_: Any) -> None:
        self.seen += messages


@tool
def lamp(place: str) -> str:
    """Whether the lamp of a place burns.

    Args:
        place: Which one.
    """
    return f"the lamp of {place} burns"


@pytest.fixture(scope="module")
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=4096, max_tokens=120, threads=1) as model:
        yield model


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("hops")
    (folder / "docs").mkdir()
    (folder / "docs" / "vessels.csv").write_text("vessel,built,berth\nBrida,1979,east quay\nHalcyon,2006,south quay\n")
    (folder / "docs" / "staff.csv").write_text("name,skipper of\nRuna Castell,Brida\nEmeric Dahl,Halcyon\n")
    with Index.open(folder / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, folder / "docs")
        yield index


def _first_prompt(agent: Agent, task: str, **options: Any) -> tuple[list[BaseMessage], Answer]:
    prompts = Prompts()
    answer = agent.run(task, config={"callbacks": [prompts]}, **options)
    return prompts.seen[0], answer


def _quoted(texts: list[str]) -> list[Quote]:
    return [Quote(NumberedHit(1, "", Hit(1, 1.0, "a.txt", None, 0, len(text), text)), 0, len(text)) for text in texts]


@pytest.mark.parametrize("tools", [[], [calculator]])
def test_a_question_of_two_files_is_answered_hop_by_hop_or_the_passages_are_read(
    model: LocalChatModel, index: Index, tools: list[Any]
) -> None:
    prompt, answer = _first_prompt(Agent(model, tools=tools, index=index, limits=_SHORT), _QUESTION)
    assert str(prompt[-1].content).endswith(f"Question: {_QUESTION}")
    assert [step.tool for step in answer.steps][:1] == ["retrieval"]
    for citation in answer.citations:
        assert index.document_text(citation.path)[citation.start : citation.end] == citation.quote
    assert answer.usage.completion_tokens > 0


def test_a_question_of_one_passage_is_read_as_ask_reads_it(model: LocalChatModel, index: Index) -> None:
    prompt, answer = _first_prompt(Agent(model, index=index, limits=_SHORT), _BUILT)
    assert str(prompt[-1].content).startswith("Passages:\n\n[1] ")
    assert f"Question: {_BUILT}" in str(prompt[-1].content)
    for citation in answer.citations:
        assert index.document_text(citation.path)[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize("limit", [{"max_tokens": 2}, {"stop": ["i"]}])
def test_limits_that_a_model_was_made_with_cut_no_quote(
    model: LocalChatModel, index: Index, limit: dict[str, Any]
) -> None:
    limited = model.model_copy(update=limit)
    asked = answer_question(_BUILT, index.as_retriever(), limited, max_tokens=16)
    for answer in (asked, Agent(limited, index=index, limits=_SHORT).run(_BUILT)):
        for citation in answer.citations:
            assert index.document_text(citation.path)[citation.start : citation.end] == citation.quote


def test_an_answer_that_no_passage_states_is_told_to_be_one(
    model: LocalChatModel, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.agents.documents.read_answer", lambda *_, **__: NOTHING_FOUND)
    answer = Agent(model, index=index, limits=_SHORT).run(_BUILT)
    assert {step.tool for step in answer.steps} == {"retrieval"}
    assert "no passage that was found states the answer: see what it rests on" in answer.warnings


@pytest.mark.parametrize(
    ("made", "task", "run"),
    [
        ({}, "Tell me when the vessel was built whose skipper is Runa Castell.", {}),
        ({"response_format": {"title": "Year", "type": "object", "properties": {}}}, _QUESTION, {}),
        ({}, _QUESTION, {"history": [("human", "Hello"), ("ai", "Hello!")]}),
    ],
)
def test_what_is_no_question_to_the_documents_alone_is_a_task_for_the_loop(
    model: LocalChatModel, index: Index, made: dict[str, Any], task: str, run: dict[str, Any]
) -> None:
    history = [HumanMessage(text) if kind == "human" else AIMessage(text) for kind, text in run.get("history", [])]
    prompt, _ = _first_prompt(Agent(model, index=index, limits=_SHORT, **made), task, history=history)
    assert prompt[-1].type == "tool"


def test_a_tool_that_is_needed_is_called_before_anything_is_written(
    model: LocalChatModel, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.agents.loop.needed_tools", lambda *_, **__: (["lamp"], Usage(prompt_tokens=7)))
    answer = Agent(model, tools=[calculator, lamp], index=index, limits=_TOOLS).run(_BUILT)
    assert [step.tool for step in answer.steps][:2] == ["retrieval", "lamp"]
    assert answer.steps[1].arguments.keys() == {"place"}
    assert answer.steps[1].observation.startswith("the lamp of")
    once = Agent(model, tools=[lamp], index=index, limits=AgentLimits(steps=1, reply_tokens=16)).run(_BUILT)
    assert [step.tool for step in once.steps] == ["retrieval"]  # its only reply is the answer


def test_what_is_said_behind_the_results_of_a_tool_is_the_task(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.agents.loop.needed_tools", lambda *_, **__: (["lamp"], Usage()))
    prompts = Prompts()
    task = "Does the lamp of Fennay burn?"
    answer = Agent(model, tools=[lamp], limits=_TOOLS).run(task, config={"callbacks": [prompts]})
    assert [step.tool for step in answer.steps][:1] == ["lamp"]
    assert [message.type for message in prompts.seen[0]] == ["system", "human"]
    assert str(prompts.seen[1][-1].content).endswith(f"The task: {task}")
    only = Prompts()
    Agent(model, tools=[calculator], limits=_SHORT).run(task, config={"callbacks": [only]})
    assert not [prompt for prompt in only.seen if "The task: " in str(prompt[-1].content)]


def test_a_tool_that_the_model_only_says_it_would_call_is_called_once(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.agents.loop.needed_tools", lambda *_, **__: ([], Usage()))
    monkeypatch.setattr("agentkit.agents.loop.announced_tool", lambda _, tools: next((t.name for t in tools), None))
    limits = AgentLimits(steps=6, reply_tokens=40)
    answer = Agent(model, tools=[calculator, lamp], limits=limits).run("Say hello.")
    assert "lamp" in [step.tool for step in answer.steps]
    assert "calculator" not in {step.tool for step in answer.steps if not step.arguments}
    assert answer.stop_reason is not StopReason.MAX_STEPS


def test_a_question_that_needs_no_tool_is_read(
    model: LocalChatModel, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.agents.loop.needed_tools", lambda *_, **__: ([], Usage()))
    prompt, _ = _first_prompt(Agent(model, tools=[lamp], index=index, limits=_SHORT), _BUILT)
    assert str(prompt[-1].content).startswith("Passages:\n\n[1] ")


def test_judging_what_is_needed_is_counted_and_ends_with_the_time(model: LocalChatModel, index: Index) -> None:
    usage = Agent(model, tools=[lamp], index=index, limits=_SHORT).run(_BUILT).usage
    assert usage.prompt_tokens > Agent(model, index=index, limits=_SHORT).run(_BUILT).usage.prompt_tokens
    answer = Agent(model, tools=[lamp], index=index, limits=AgentLimits(seconds=0.001)).run(_BUILT)
    assert answer.stop_reason is StopReason.TIMEOUT


@pytest.mark.parametrize("seed", range(8))
def test_each_hop_quotes_a_line_and_answers_out_of_it(model: LocalChatModel, seed: int) -> None:
    asked = SelfAsk(_QUESTION, _quoted(list(_LINES)))

    def complete(rule: Constraint, start: str) -> AIMessage:
        return model.invoke(
            asked.messages, constraint=rule, reply_start=start, max_tokens=400, temperature=1.5, seed=seed
        )

    reply, usage = asked.ask(complete)
    hops = list(_HOP.finditer(reply))
    lines = [hop["line"] for hop in hops]
    assert len(lines) <= 3
    assert set(lines) <= set(_LINES)
    assert all(hop["answer"] in hop["line"] for hop in hops)
    rest = reply[hops[-1].end() if hops else 0 :]
    assert rest.startswith("So the final answer is: ") or rest.endswith("\nLine: none of these")
    assert usage.completion_tokens > 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(min_size=1, max_size=60).filter(str.strip), min_size=1, max_size=8), st.booleans())
def test_any_lines_make_a_grammar(model: LocalChatModel, texts: list[str], is_first: bool) -> None:
    asked = SelfAsk("Who?", _quoted(texts))
    text = asked.messages[-1].content.splitlines()[0].removeprefix("- ")  # type: ignore[union-attr] # it is a string
    hops = "" if is_first else f"Follow up: Who?\nLine: {text}\nIntermediate answer: {text}\n"
    model.engine.compile(asked.next(hops))
