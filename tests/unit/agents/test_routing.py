"""Which tools a task needs: how the model's judgements are put together."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, StructuredTool

from agentkit.agents.routing import needed_tools
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


def _needed(judge: Any, names: Sequence[str]) -> tuple[list[str], Usage]:
    return needed_tools(judge, [_tool(name) for name in names], "Do it.")


def test_those_that_the_model_is_sure_of_are_needed_and_all_that_was_asked_is_counted() -> None:
    judge = _Judge("b", choice=-9.0)
    assert _needed(judge, "abc") == (["b"], Usage(prompt_tokens=12))
    assert _needed(_Judge("b", yes=0.8, choice=-9.0), "abc")[0] == []
    assert _needed(_Judge(), "abc")[0] == []


def test_the_choice_between_a_tool_and_the_documents_counts_too() -> None:
    assert _needed(_Judge("b", yes=0.8), "abc")[0] == ["b"]


def test_of_many_tools_the_likeliest_are_judged() -> None:
    judge = _Judge("h", "c")
    assert sorted(_needed(judge, "abcdefgh")[0]) == ["c", "h"]
    assert len(judge.asked) == 1 + 4 * 4
    assert "documents: " in judge.asked[0]
    assert all(f"{name}: Does it." in judge.asked[0] for name in "abcdefgh")


def test_tools_with_effects_come_last() -> None:
    @tool(effects=True)
    def send() -> str:
        """Does it."""
        return "sent"

    needed, _ = needed_tools(_Judge("send", "b"), [send, _tool("b")], "Do it.")  # type: ignore[arg-type]
    assert needed == ["b", "send"]


def test_no_tools_cost_nothing() -> None:
    assert _needed(_Judge(), "") == ([], Usage())


@pytest.mark.parametrize("description", ["First line.\nArgs: x", "  First line.  \n\n more"])
def test_a_description_is_its_first_line(description: str) -> None:
    judge = _Judge()
    needed_tools(judge, [_tool("a", description)], "Do it.")  # type: ignore[arg-type]
    assert all("more" not in asked and "Args" not in asked for asked in judge.asked)
    assert "a: First line." in judge.asked[0]
