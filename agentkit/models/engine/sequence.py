"""One running sequence on the worker's side: which tokens are known, which of them are in the KV cache.

What is done with the logits is the task's business: a reply is sampled from them (`reply.py`), a score is read off
them (`scoring.py`).
"""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agentkit.results import StopReason


@dataclass(slots=True)
class Sequence:
    """Tokens being worked on.

    The first `evaluated` of `tokens` are in the KV cache, in the sequence id `slot`; the rest is what the next decodes
    are given. Prompt, sampled and forced tokens are alike in that.
    """

    task: "Task"
    tokens: list[int]
    evaluated: int = 0
    slot: int | None = None
    prefix: int = field(default=0)
    """How many leading tokens may be taken from the cache; the task needs logits from there on."""

    cached: int = field(default=0)
    """How many of the prompt's tokens were in the cache, or evaluated in one row with another sequence's."""

    @property
    def pending(self) -> int:
        """Tokens known but not evaluated."""
        return len(self.tokens) - self.evaluated

    def rewind(self, length: int) -> None:
        """Forget the tokens from position `length` on. The worker takes those that were evaluated out of the cache."""
        del self.tokens[length:]
        self.evaluated = min(self.evaluated, length)


class Task(Protocol):
    """What a sequence is for. Called by the worker thread alone, but for `is_cancelled`."""

    @property
    def is_cancelled(self) -> bool: ...

    def begin(self, sequence: Sequence) -> StopReason | None:
        """The sequence was admitted, for the first time or again."""
        ...

    def take_back(self, sequence: Sequence) -> None:
        """A step is planned: what was drafted for one that did not end is to go."""
        ...

    def guess(self, sequence: Sequence, room: int) -> Tokens[float]:
        """Guess up to `room` tokens; for each the probability that it and those before it are right, falling."""
        ...

    def draft(self, sequence: Sequence, count: int) -> None:
        """Append the first `count` of the guessed tokens: the step verifies them."""
        ...

    def outputs(self, sequence: Sequence, count: int) -> int:
        """For how many of the last of the next `count` tokens logits are needed."""
        ...

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        """Logits, shape (outputs, vocabulary), of tokens just evaluated; the reason to stop, if there is one."""
        ...

    def finish(self, sequence: Sequence, reason: StopReason) -> None:
        """Nothing more comes: tell the caller how it ended."""
        ...

    def fail(self, error: Exception) -> None:
        """Nothing more comes: give the caller the error."""
        ...


def common_prefix(first: Tokens[int] | NDArray[np.int64], second: Tokens[int] | NDArray[np.int64]) -> int:
    """Length of the longest common prefix."""
    length = min(len(first), len(second))
    if not length or first[0] != second[0]:
        return 0
    differs = np.asarray(first[:length]) != np.asarray(second[:length])
    return int(differs.argmax()) if differs.any() else length
