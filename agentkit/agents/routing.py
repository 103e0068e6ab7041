"""Which tools a task needs beside the documents, judged by the local model before it writes anything.

A small model that is given passages and tools, and is left to itself, looks for everything in the passages, or says
which tool it would call and ends there. Asked about one tool at a time, in a few words, it knows.
"""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool

from agentkit.models.chat import LocalChatModel
from agentkit.models.judgement import yes_log_odds
from agentkit.results import Usage
from agentkit.tools.flags import flags_of

_DOCUMENTS = "documents"
_LISTED_DOCUMENTS = f"{_DOCUMENTS}: The user's documents are searched and read."
_QUESTIONS = ("Does this tool help with the task?", "Does the task need this tool?")
_CHOICE_WEIGHT = 0.25
"""Of choosing the tool rather than the documents, beside the two questions."""
_LEAST_LOG_ODDS = 1.8
"""The weighted sum from which a tool is called: see docs/guide.md."""
_MOST_JUDGED = 4
"""Tools that are judged one by one, where there are more: those that the model chooses from a list of all."""


def needed_tools(model: LocalChatModel, tools: Sequence[BaseTool], task: str) -> tuple[list[str], Usage]:
    """The names of the tools that are to be called for `task`, and what judging cost. The surest come first, but those
    with effects last: what they do may depend on what the others tell.

    Raises:
        ContextLengthError: the task or a description is longer than the context.
    """
    likely, usage = _likeliest(model, tools, task)
    needs: dict[str, float] = {}
    for tool in likely:
        needs[tool.name], cost = _need(model, tool, task)
        usage += cost
    needed = [tool for tool in likely if needs[tool.name] > _LEAST_LOG_ODDS]
    needed.sort(key=lambda tool: (flags_of(tool).effects, -needs[tool.name]))
    return [tool.name for tool in needed], usage


def _likeliest(model: LocalChatModel, tools: Sequence[BaseTool], task: str) -> tuple[list[BaseTool], Usage]:
    if len(tools) <= _MOST_JUDGED:
        return list(tools), Usage()
    scores = model.score(_choice([_LISTED_DOCUMENTS, *map(_listed, tools)], task), [tool.name for tool in tools])
    by_score = sorted(zip(scores.logprobs, range(len(tools)), strict=True), reverse=True)
    return [tools[number] for _, number in by_score[:_MOST_JUDGED]], scores.usage


def _need(model: LocalChatModel, tool: BaseTool, task: str) -> tuple[float, Usage]:
    """How sure the model is that the task needs the tool."""
    need, usage = 0.0, Usage()
    for question in _QUESTIONS:
        asked = f"Task: {task}\n\nTool: {_listed(tool)}\n\n{question} Reply with one word: Yes or No."
        log_odds, cost = yes_log_odds(model, [HumanMessage(asked)])
        need, usage = need + log_odds, usage + cost
    both = [_LISTED_DOCUMENTS, _listed(tool)]
    for listed in (both, both[::-1]):  # what comes first is chosen sooner
        scores = model.score(_choice(listed, task), [tool.name, _DOCUMENTS])
        chosen, other = scores.logprobs
        need, usage = need + _CHOICE_WEIGHT * (chosen - other), usage + scores.usage
    return need, usage


def _choice(listed: Sequence[str], task: str) -> list[BaseMessage]:
    tools = "\n".join(listed)
    asked = f"Tools:\n{tools}\n\nTask: {task}\n\nWhich tool does the task need? Reply with its name."
    return [SystemMessage("You choose the tool that a task needs."), HumanMessage(asked)]


def _listed(tool: BaseTool) -> str:
    """On one line; what a description says of arguments is left out."""
    first, *_ = tool.description.strip().splitlines()
    return f"{tool.name}: {first}"
