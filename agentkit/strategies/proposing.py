"""Generate: the thoughts that may follow a state (Yao et al. 2023, arXiv:2305.10601, section 3, step 2).

By sampling the next step several times, by asking for several at once, or by ranking the steps that a caller knows to
be possible. All states of a level are asked about in one batch.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from langchain_core.messages import BaseMessage, HumanMessage

from agentkit.results import StopReason
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.problem import Problem, check_range
from agentkit.strategies.thought_rules import ThoughtRules

ThoughtPrompt = Callable[[Problem, str], tuple[BaseMessage, ...]]
"""(problem, state) to what the model is asked."""

_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])\s*")


class Proposer(Protocol):
    """How thoughts are generated."""

    @property
    def prompt(self) -> ThoughtPrompt: ...

    @property
    def max_tokens(self) -> int:
        """The longest reply; a budget must have room for one."""
        ...

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        """For each state the thoughts that may follow, in one batch; equal ones may be repeated."""
        ...


def next_step_prompt(problem: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks for one step."""
    return (
        HumanMessage(f"{problem.text}\n\n{_so_far(state)}Write only the next step towards the answer, in one line."),
    )


def several_steps_prompt(problem: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks for several different steps."""
    return (HumanMessage(f"{problem.text}\n\n{_so_far(state)}List different possible next steps, one a line."),)


@dataclass(frozen=True, slots=True)
class SampledProposals:
    """The next step, sampled `count` times with different seeds: for steps with many possibilities."""

    count: int = 4
    prompt: ThoughtPrompt = next_step_prompt
    max_tokens: int = 96
    temperature: float = 0.8

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, 256)
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)
        check_range("temperature", self.temperature, 0, 2)

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        requests = [
            Request(
                self.prompt(problem, state), self.max_tokens, self.temperature, seed + number, rules.constraint(state)
            )
            for state in states
            for number in range(self.count)
        ]
        replies = asker.ask_all(requests)
        thoughts = ["" if reply.stop_reason is StopReason.CANCELLED else reply.text for reply in replies]
        rows = [thoughts[start : start + self.count] for start in range(0, len(thoughts), self.count)]
        return [[thought for thought in row if thought] for row in rows]


@dataclass(frozen=True, slots=True)
class ListedProposals:
    """Up to `count` steps from one reply, one a line: they do not repeat each other. Constraints are not used."""

    count: int = 4
    prompt: ThoughtPrompt = several_steps_prompt
    max_tokens: int = 256
    temperature: float = 0.0

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, 256)
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)
        check_range("temperature", self.temperature, 0, 2)

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        requests = [Request(self.prompt(problem, state), self.max_tokens, self.temperature, seed) for state in states]
        return [self._steps(reply.text) for reply in asker.ask_all(requests)]

    def _steps(self, text: str) -> list[str]:
        lines = [_BULLET.sub("", line).strip() for line in text.splitlines()]
        return [line for line in lines if line][: self.count]


@dataclass(frozen=True, slots=True)
class RankedProposals:
    """Of the steps that `candidates` knows to be possible, the `count` that the model finds likeliest.

    For a local model: nothing is written, each candidate's log-probability as the reply is read off, the prompt
    evaluated once. Every candidate is taken, and nothing asked, where there are no more than `count`.
    """

    candidates: Callable[[str], Sequence[str]]
    """A state to every step that is possible there."""
    count: int = 8
    prompt: ThoughtPrompt = next_step_prompt
    max_tokens: int = 32
    """What one candidate may take of a budget."""

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, 256)

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        rows = [list(self.candidates(state)) for state in states]
        crowded = [number for number, row in enumerate(rows) if len(row) > self.count]
        scores = asker.score_all([(self.prompt(problem, states[number]), rows[number]) for number in crowded])
        for number, logprobs in zip(crowded, scores, strict=True):
            ranked = sorted(zip(rows[number], logprobs, strict=True), key=lambda pair: -pair[1])
            rows[number] = [step for step, _ in ranked[: self.count]]
        return rows


def _so_far(state: str) -> str:
    return f"Steps so far:\n{state}\n\n" if state else ""
