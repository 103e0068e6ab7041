"""Evaluate: how promising states are (Yao et al. 2023, arXiv:2305.10601, section 3, step 3).

By a verdict on each state, written by the model or read off its log-probabilities, or by a vote among the states.
Values are from 0 to 1. All states of a level are evaluated in one batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from langchain_core.messages import BaseMessage, HumanMessage

from agentkit.models.judgement import expectation
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.forms import ChoiceForm
from agentkit.strategies.problem import Problem, check_range
from agentkit.strategies.proposing import ThoughtPrompt

VERDICTS: Mapping[str, float] = MappingProxyType({"sure": 1.0, "likely": 0.05, "impossible": 0.00005})
"""The paper's words and the ratio of its values, 20 : 1 : 0.001."""


class Evaluator(Protocol):
    """How states are valued."""

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        """The value of each state, higher is better."""
        ...


def verdict_prompt(problem: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks for one of the paper's three words."""
    return (
        HumanMessage(
            f"{problem.text}\n\nSteps so far:\n{state}\n\nCan these steps lead to a right answer? "
            "Say only one word: sure, likely or impossible."
        ),
    )


def vote_prompt(problem: Problem, states: Sequence[str]) -> tuple[BaseMessage, ...]:
    """Shows all states, numbered from 1, and asks for the best one's number."""
    shown = "\n\n".join(f"Choice {number}:\n{state}" for number, state in enumerate(states, start=1))
    return (HumanMessage(f"{problem.text}\n\n{shown}\n\nWhich choice is the most promising? Say only its number."),)


@dataclass(frozen=True, slots=True)
class WrittenVerdicts:
    """The model's word on each state, sampled several times: the mean of the words' values.

    A reply that names none of the words, or more than one, counts as the least of them.
    """

    samples: int = 3
    prompt: ThoughtPrompt = verdict_prompt
    verdicts: Mapping[str, float] = field(default_factory=lambda: VERDICTS)
    temperature: float = 0.7
    max_tokens: int = 16

    def __post_init__(self) -> None:
        check_range("samples", self.samples, 1, 64)
        check_range("temperature", self.temperature, 0, 2)

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        words = ChoiceForm(tuple(self.verdicts))
        requests = [
            Request(self.prompt(problem, state), self.max_tokens, self.temperature, seed + number, words.constraint)
            for state in states
            for number in range(self.samples)
        ]
        least = min(self.verdicts.values())
        found = [words.parse(reply.text) for reply in asker.ask_all(requests)]
        values = [least if word is None else self.verdicts[word] for word in found]
        rows = [values[start : start + self.samples] for start in range(0, len(values), self.samples)]
        return [sum(row) / self.samples for row in rows]


@dataclass(frozen=True, slots=True)
class ScoredVerdicts:
    """The words' values weighted by how likely the model finds each. For a local model; nothing is written."""

    prompt: ThoughtPrompt = verdict_prompt
    verdicts: Mapping[str, float] = field(default_factory=lambda: VERDICTS)

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        words = list(self.verdicts)
        scores = asker.score_all([(self.prompt(problem, state), words) for state in states])
        return [expectation(self.verdicts.values(), logprobs) for logprobs in scores]


@dataclass(frozen=True, slots=True)
class Votes:
    """The model sees all states at once and names the best, several times: each state's share of the votes."""

    votes: int = 5
    prompt: Callable[[Problem, Sequence[str]], tuple[BaseMessage, ...]] = vote_prompt
    temperature: float = 0.7
    max_tokens: int = 16

    def __post_init__(self) -> None:
        check_range("votes", self.votes, 1, 64)
        check_range("temperature", self.temperature, 0, 2)

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        if len(states) < 2:
            return [1.0] * len(states)
        numbers = ChoiceForm(tuple(str(number) for number in range(1, len(states) + 1)))
        messages = self.prompt(problem, states)
        requests = [
            Request(messages, self.max_tokens, self.temperature, seed + number, numbers.constraint)
            for number in range(self.votes)
        ]
        cast = [numbers.parse(reply.text) for reply in asker.ask_all(requests)]
        return [cast.count(number) / self.votes for number in numbers.options]


@dataclass(frozen=True, slots=True)
class DefaultVerdicts:
    """Scored verdicts from a local model, written ones from any other."""

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        chosen: Evaluator = ScoredVerdicts() if asker.is_local else WrittenVerdicts()
        return chosen.evaluate(problem, states, asker, seed)
