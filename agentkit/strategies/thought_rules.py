"""What a caller knows about a problem that a tree of thought is grown for, as plain functions, and what it may cost."""

from collections.abc import Callable
from dataclasses import dataclass

from agentkit.models.constraints import Constraint, regex
from agentkit.strategies.asking import Asker
from agentkit.strategies.problem import Problem, check_range


def _start(_problem: Problem) -> str:
    return ""


def _advance(state: str, thought: str) -> str:
    return f"{state}\n{thought}" if state else thought


def _is_valid(_state: str, thought: str) -> bool:
    return bool(thought.strip())


def _constraint(_state: str) -> Constraint | None:
    return regex(r"[^\n]+")


def _key(state: str) -> str:
    return " ".join(state.casefold().split())


@dataclass(frozen=True, slots=True)
class ThoughtRules:
    """The problem's own rules. Every default is that of free text: a state is the steps so far, one a line."""

    start: Callable[[Problem], str] = _start
    """The state to begin with."""
    advance: Callable[[str, str], str] = _advance
    """(state, thought) to the next state; asked only about valid thoughts."""
    is_valid: Callable[[str, str], bool] = _is_valid
    """(state, thought): whether the thought may be taken there."""
    is_goal: Callable[[str], bool] | None = None
    """Whether a state solves the problem. None lets the search go to its full depth and take the best."""
    constraint: Callable[[str], Constraint | None] = _constraint
    """What a local model is held to when it goes on from a state; by default one line."""
    key: Callable[[str], str] = _key
    """States with the same key are one: the first thought that leads there is kept, the others are merged into it."""
    conclude: Callable[[Problem, list[str]], str] | None = None
    """The steps to the answer. None asks the model for it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may cost; None is no limit. Looked at before every batch, so that the last one may go over it."""

    tokens: int | None = None
    """Tokens written, and tokens of prompts that were not in the cache."""
    seconds: float | None = None
    """A local model's replies also end in the middle of a batch."""
    nodes: int | None = None
    """Thoughts, the invalid and the merged ones included; never exceeded."""

    def __post_init__(self) -> None:
        for name in ("tokens", "nodes"):
            if (value := getattr(self, name)) is not None:
                check_range(f"budget {name}", value, 1, 10**12)
        if self.seconds is not None:
            check_range("budget seconds", self.seconds, 0.001, 10**9)

    def is_spent(self, asker: Asker, nodes: int) -> bool:
        """Nothing more may be asked, after `nodes` thoughts."""
        usage = asker.usage
        written = usage.completion_tokens + usage.prompt_tokens - usage.cached_tokens
        limits = ((self.tokens, written), (self.seconds, usage.seconds), (self.nodes, nodes))
        return any(limit is not None and used >= limit for limit, used in limits)
