"""Which tools a task needs: how the model's judgements are put together."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, StructuredTool

from agentkit.agents.routing import announced_tool, needed_tools
from agentkit.models.chat import Scores
from agentkit.results import Usage
from agentkit.tools import tool


class _Judge:
    """Scores what it is given: the tools that it wants, high."""

    def __init__(self, *wanted: str, yes: float = 2.0, choice: float = 0.0) -> None:
        self.wanted, self.yes, self.choice = wanted, yes, choice
        self.asked: list[str] = []

    def score(self, messages: Sequence[BaseMessage], continuations: Sequence[str]) -> Scores:
        asked = str(messages[-1].content)
        self.asked.append(asked)
        if continuations == ["Yes", "No"]:
            is_wanted = any(f"Tool: {name}:" in asked for name in self.wanted)
            return Scores((self.yes if is_wanted else -self.yes, 0.0), Usage(prompt_tokens=1))
        return Scores(tuple(self.choice if name in self.wanted else -9.0 for name in continuations), Usage(1))


def _tool(name: str, description: str = "Does it.") -> BaseTool:
    return StructuredTool.from_function(lambda: name, name=name, description=description)


def _needed(judge: Any, names: Sequence[str], *, has_documents: bool = True) -> tuple[list[str], Usage]:
    return needed_tools(judge, [_tool(name) for name in names], "Do it.", has_documents=has_documents)


def test_those_that_the_model_is_sure_of_are_needed_and_all_that_was_asked_is_counted() -> None:
    judge = _Judge("b", choice=-9.0)
    assert _needed(judge, "abc") == (["b"], Usage(prompt_tokens=8))
    assert _needed(_Judge("b", yes=0.8, choice=-9.0), "abc")[0] == []
    assert _needed(_Judge(), "abc")[0] == []


def test_the_choice_between_a_tool_and_the_documents_counts_too() -> None:
    assert _needed(_Judge("b", yes=0.8), "abc")[0] == ["b"]


def test_of_many_tools_the_likeliest_are_judged() -> None:
    judge = _Judge("h", "c")
    assert sorted(_needed(judge, "abcdefgh")[0]) == ["c", "h"]
    assert len(judge.asked) == 2 + 4 * 2
    assert all(f"{name}: Does it." in judge.asked[0] for name in "abcdefgh")


@pytest.mark.parametrize(("has_documents", "other"), [(True, "documents"), (False, "answer")])
def test_what_can_be_done_otherwise_is_one_of_the_choices_first_and_last(has_documents: bool, other: str) -> None:
    judge = _Judge()
    _needed(judge, "ab", has_documents=has_documents)
    listed = [asked.split("\n\n")[0].splitlines()[1:] for asked in judge.asked[:2]]
    assert [line.split(":")[0] for line in listed[0]] == [other, "a", "b"]
    assert listed[1] == listed[0][::-1]


def test_where_there_are_no_documents_the_model_must_be_surer() -> None:
    for has_documents in (True, False):
        needed, _ = _needed(_Judge("b", yes=1.2, choice=-9.0), "ab", has_documents=has_documents)
        assert needed == (["b"] if has_documents else [])


def test_tools_with_effects_come_last() -> None:
    @tool(effects=True)
    def send() -> str:
        """Does it."""
        return "sent"

    needed, _ = needed_tools(
        _Judge("send", "b"),  # type: ignore[arg-type]
        [send, _tool("b")],
        "Do it.",
        has_documents=True,
    )
    assert needed == ["b", "send"]


@pytest.mark.parametrize("description", ["First line.\nArgs: x", "  First line.  \n\n more"])
def test_a_description_is_its_first_line(description: str) -> None:
    judge = _Judge()
    needed_tools(judge, [_tool("a", description)], "Do it.", has_documents=True)  # type: ignore[arg-type]
    assert all("more" not in asked and "Args" not in asked for asked in judge.asked)
    assert "a: First line." in judge.asked[0]


@pytest.mark.parametrize(
    ("reply", "announced"),
    [
        ('I will call the "price" function.', "price"),
        ("Let's use the price tool to look it up.", "price"),
        ("You would call `send_note` with the text.", "send_note"),
        ("price(product='door')", "price"),
        ("The price of a door is 89 euros.", None),
        ("I can call the tools `price` and `send_note`.", None),
        ("The prices function is not mine.", None),
        ("", None),
    ],
)
def test_a_tool_is_announced_where_a_reply_speaks_of_one_as_a_tool(reply: str, announced: str | None) -> None:
    assert announced_tool(reply, [_tool("price"), _tool("send_note"), _tool("a.b(c")]) == announced
