"""Which tools a task needs, judged by the local model before it writes anything.

A small model that is given tools, and is left to itself, says which one it would call and ends there, or makes up what
the tool would tell, or looks for it in the passages. Asked about one tool at a time, in a few words, it knows.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool

from agentkit.models.chat import LocalChatModel
from agentkit.models.judgement import yes_log_odds
from agentkit.results import Usage
from agentkit.tools.flags import flags_of

_QUESTIONS = ("Does this tool help with the task?", "Does the task need this tool?")
_CHOICE_WEIGHT = 0.25
"""Of choosing the tool rather than none, beside the two questions."""
_AS_TOOL = r"""["'`]{name}["'`(]|\b{name}(\(| (function|tool)\b)|\b(function|tool) {name}\b"""
_MOST_JUDGED = 4
"""Tools that are asked about one by one: those that the model chooses first."""


@dataclass(frozen=True, slots=True)
class _Otherwise:
    """What can be done instead of calling a tool."""

    name: str
    description: str
    least_log_odds: float
    """The weighted sum from which a tool is called nevertheless: see docs/guide.md."""

    def __str__(self) -> str:
        return f"{self.name}: {self.description}"


_DOCUMENTS = _Otherwise("documents", "The user's documents are searched and read.", 1.8)
_ANSWER = _Otherwise("answer", "The task is answered at once, without a tool.", 3.0)


def needed_tools(
    model: LocalChatModel, tools: Sequence[BaseTool], task: str, *, has_documents: bool
) -> tuple[list[str], Usage]:
    """The names of the tools that are to be called for `task`, and what judging cost. The surest come first, but those
    with effects last: what they do may depend on what the others tell.

    Raises:
        ContextLengthError: the task or a description is longer than the context.
    """
    otherwise = _DOCUMENTS if has_documents else _ANSWER
    preferences, usage = _preferences(model, tools, task, otherwise)
    needs: dict[str, float] = {}
    for tool in sorted(tools, key=lambda tool: -preferences[tool.name])[:_MOST_JUDGED]:
        needs[tool.name], cost = _need(model, tool, task, _CHOICE_WEIGHT * preferences[tool.name])
        usage += cost
    needed = [tool for tool in tools if needs.get(tool.name, -math.inf) > otherwise.least_log_odds]
    needed.sort(key=lambda tool: (flags_of(tool).effects, -needs[tool.name]))
    return [tool.name for tool in needed], usage


def announced_tool(reply: str, tools: Iterable[BaseTool]) -> str | None:
    """The name of the one tool that a reply without a call speaks of as a tool: a small model says so, and ends there.

    >>> from agentkit.tools.calculator import calculator
    >>> announced_tool("I'll use the `calculator` function.", [calculator])
    'calculator'
    >>> announced_tool("A calculator would tell.", [calculator])
    """
    named = [tool.name for tool in tools if re.search(_AS_TOOL.format(name=re.escape(tool.name)), reply)]
    return named[0] if len(named) == 1 else None


def _preferences(
    model: LocalChatModel, tools: Sequence[BaseTool], task: str, otherwise: _Otherwise
) -> tuple[dict[str, float], Usage]:
    """How much sooner the model chooses each tool than what can be done otherwise, as log-odds of two choices."""
    names = [tool.name for tool in tools]
    preferences, usage = dict.fromkeys(names, 0.0), Usage()
    listed = [str(otherwise), *map(_listed, tools)]
    for order in (listed, listed[::-1]):  # what comes first is chosen sooner
        scores = model.score(_choice(order, task), [otherwise.name, *names])
        other, *chosen = scores.logprobs
        for name, logprob in zip(names, chosen, strict=True):
            preferences[name] += logprob - other
        usage += scores.usage
    return preferences, usage


def _need(model: LocalChatModel, tool: BaseTool, task: str, preference: float) -> tuple[float, Usage]:
    """How sure the model is that the task needs the tool."""
    need, usage = preference, Usage()
    for question in _QUESTIONS:
        asked = f"Task: {task}\n\nTool: {_listed(tool)}\n\n{question} Reply with one word: Yes or No."
        log_odds, cost = yes_log_odds(model, [HumanMessage(asked)])
        need, usage = need + log_odds, usage + cost
    return need, usage


def _choice(listed: Sequence[str], task: str) -> list[BaseMessage]:
    tools = "\n".join(listed)
    asked = f"Tools:\n{tools}\n\nTask: {task}\n\nWhich tool does the task need? Reply with its name."
    return [SystemMessage("You choose the tool that a task needs."), HumanMessage(asked)]


def _listed(tool: BaseTool) -> str:
    """On one line; what a description says of arguments is left out."""
    first, *_ = tool.description.strip().splitlines()
    return f"{tool.name}: {first}"
