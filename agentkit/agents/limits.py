"""How much an agent may use before it must answer."""

import time
from dataclasses import dataclass, field
from numbers import Integral, Real

from agentkit.results import StopReason, Usage


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """Limits of one run."""

    steps: int = 10
    """Replies of the model; the last one can only answer."""
    seconds: float | None = None
    """Wall-clock time. A tool that runs is waited for within its own limit."""
    tokens: int | None = None
    """Tokens evaluated and produced, those found in the cache left out. What is left of the last quarter is for the
    answer."""
    reply_tokens: int = 1024
    """Longest single reply."""
    observation_chars: int = 6000
    """Longest result of a tool that the model is shown: five passages of an index fit."""
    repeats: int = 2
    """Calls made a second time after which the model can only answer."""

    def __post_init__(self) -> None:
        """Raises ValueError, which names what is wrong."""
        counts = (
            "steps",
            "reply_tokens",
            "observation_chars",
            "repeats",
            *(["tokens"] if self.tokens is not None else []),
        )
        wrong = [name for name in counts if not _is_count(getattr(self, name))]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} of {self} must be above 0, and whole numbers")
        if self.seconds is not None and not (isinstance(self.seconds, Real) and self.seconds > 0):  # nan is not
            raise ValueError(f"seconds of {self} must be a number above 0, or None for no limit")


def _is_count(value: object) -> bool:
    return isinstance(value, Integral) and int(value) > 0


@dataclass(slots=True)
class Spent:
    """What a run has used so far."""

    usage: Usage = field(default_factory=Usage)
    replies: int = 0
    repeats: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def tokens(self) -> int:
        return self.usage.prompt_tokens - self.usage.cached_tokens + self.usage.completion_tokens

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def end(self, limits: AgentLimits) -> StopReason | None:
        """Why nothing more may be asked of the model; None where something may."""
        if limits.seconds is not None and self.seconds >= limits.seconds:
            return StopReason.TIMEOUT
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return StopReason.MAX_TOKENS
        return None

    def last_reply(self, limits: AgentLimits) -> StopReason | None:
        """Why the next reply can only be the answer; None where it can call tools."""
        if self.repeats >= limits.repeats:
            return StopReason.REPEATED_CALL
        if limits.tokens is not None and limits.tokens - self.tokens <= min(limits.reply_tokens, limits.tokens // 4):
            return StopReason.MAX_TOKENS
        return StopReason.MAX_STEPS if self.replies + 1 >= limits.steps else None
