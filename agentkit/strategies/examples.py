"""Worked examples: from a file or a list, chosen for a question, shown to the model as turns of a conversation.

Few-shot prompting is Brown et al. 2020 (arXiv:2005.14165); choosing by similarity Liu et al. 2021 (arXiv:2101.06804);
by diversity, maximal marginal relevance (Carbonell and Goldstein 1998).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from numpy.typing import NDArray

from agentkit.embedders import Embedder
from agentkit.errors import StrategyError
from agentkit.models.chat import LocalChatModel
from agentkit.models.context import prompt_tokens
from agentkit.paths import StrPath
from agentkit.retrievers.diversity import diversified
from agentkit.strategies.problem import Problem, check_range

_FIELDS = {"question", "answer", "reasoning"}


@dataclass(frozen=True, slots=True)
class Example:
    """A question that was answered well."""

    question: str
    answer: str
    reasoning: str = ""


def load_examples(path: StrPath) -> list[Example]:
    """Examples from a file of JSON lines: `question`, `answer` and, if wanted, `reasoning`. Blank lines are skipped.

    Raises:
        StrategyError: the file cannot be read or has none, or lines are wrong: all of them, each with its number.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StrategyError(f"{path}: the examples cannot be read: {error}") from error
    examples, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _parse(line)
        if isinstance(found, Example):
            examples.append(found)
        else:
            problems.append(f"{path}, line {number}: {found}")
    if problems:
        raise StrategyError("\n".join(problems))
    if not examples:
        raise StrategyError(f"{path} has no examples: write one JSON object a line with question and answer")
    return examples


class ExampleChooser(Protocol):
    """Which examples a question is shown with."""

    def choose(self, question: str) -> list[Example]:
        """The most wanted first: the last ones are left out where not all fit."""
        ...

    def arrange(self, chosen: list[Example]) -> list[Example]:
        """Those that fit, in the order of the prompt."""
        ...


@dataclass(frozen=True, slots=True)
class NoExamples:
    """Zero-shot."""

    def choose(self, question: str) -> list[Example]:
        return []

    def arrange(self, chosen: list[Example]) -> list[Example]:
        return chosen


@dataclass(frozen=True, slots=True)
class FixedExamples:
    """The same examples for every question, in their own order."""

    examples: tuple[Example, ...]

    def choose(self, question: str) -> list[Example]:
        return list(self.examples)

    def arrange(self, chosen: list[Example]) -> list[Example]:
        return chosen


class EmbeddedExamples:
    """The examples nearest to the question, the nearest one last in the prompt.

    With `diversity` above 0 each further example is also unlike those already chosen; with 1 only that counts after
    the first. The examples are embedded once, at the first question.
    """

    def __init__(self, examples: Sequence[Example], embedder: Embedder, *, count: int = 4, diversity: float = 0.0):
        """`diversity` is from 0 to 1.

        Raises:
            StrategyError: no examples, or an option out of its range.
        """
        if not examples:
            raise StrategyError("there are no examples to choose from: give one or more")
        check_range("count", count, 1, 1_000)
        check_range("diversity", diversity, 0, 1)
        self._examples = list(examples)
        self._embedder = embedder
        self._count = count
        self._diversity = diversity

    def choose(self, question: str) -> list[Example]:
        asked = self._embedder.embed_array([question])[0]
        weight = 1 - self._diversity
        chosen = diversified(asked, self._vectors, count=self._count, relevance_weight=weight)
        return [self._examples[index] for index in chosen]

    def arrange(self, chosen: list[Example]) -> list[Example]:
        return chosen[::-1]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """(examples, dimension), rows of unit length."""
        return self._embedder.embed_array([example.question for example in self._examples])


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """A prompt with as many examples as fit."""

    messages: tuple[BaseMessage, ...]
    warnings: tuple[str, ...]
    """Says how many examples were left out."""


def fit_examples(
    chooser: ExampleChooser,
    problem: Problem,
    model: BaseChatModel,
    *,
    ask: Callable[[str], str],
    reply: Callable[[Example], str],
    max_tokens: int,
    max_prompt_tokens: int | None = None,
) -> FittedPrompt:
    """The prompt for a problem: the chosen examples as turns, then the problem.

    Args:
        chooser: Which examples, the most wanted first.
        problem: What is asked.
        model: Whose context the prompt must fit into.
        ask: A question to the human's turn.
        reply: An example to the assistant's turn.
        max_tokens: Kept free for the reply.
        max_prompt_tokens: Longest prompt; None is the context's rest for a local model, and no limit for another.
    """
    chosen = chooser.choose(problem.question)

    def prompt(count: int) -> tuple[BaseMessage, ...]:
        shown = chooser.arrange(chosen[:count])
        turns = [(HumanMessage(ask(example.question)), AIMessage(reply(example))) for example in shown]
        return (*(message for turn in turns for message in turn), HumanMessage(ask(problem.text)))

    count = len(chosen)
    while count and not _fits((*problem.opening, *prompt(count)), model, max_tokens, max_prompt_tokens):
        count -= 1
    left_out = len(chosen) - count
    warning = (f"{left_out} of {len(chosen)} examples did not fit into the prompt",) if left_out else ()
    return FittedPrompt(prompt(count), warning)


def _fits(messages: tuple[BaseMessage, ...], model: BaseChatModel, max_tokens: int, limit: int | None) -> bool:
    if isinstance(model, LocalChatModel):
        room = model.engine.context_tokens - max_tokens
        limit = room if limit is None else min(limit, room)
    return limit is None or prompt_tokens(model, messages) <= limit


def _parse(line: str) -> Example | str:
    """The example of one line, or what is wrong with it."""
    try:
        record = json.loads(line)
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(record, dict):
        return 'not a JSON object: write {"question": …, "answer": …}'
    missing = [name for name in ("question", "answer") if not str(record.get(name) or "").strip()]
    if record.get("answer") == 0:
        missing = [name for name in missing if name != "answer"]
    if missing:
        return f"{' and '.join(missing)} missing"
    if unknown := sorted(record.keys() - _FIELDS):
        return f"unknown field {unknown[0]!r}: known are question, answer, reasoning"
    return Example(str(record["question"]), str(record["answer"]), str(record.get("reasoning") or ""))
