"""Reading log-probabilities of given tokens off the model: nothing is sampled."""

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import EngineError
from agentkit.models.engine.sampling import log_probabilities
from agentkit.models.engine.sequence import Sequence
from agentkit.results import StopReason


@dataclass(frozen=True, slots=True)
class Score:
    """The natural-log probabilities of a continuation's tokens, and how many tokens of its prompt were cached."""

    logprobs: tuple[float, ...]
    cached_tokens: int


class ScoreTask:
    """Finds the natural-log probability of every token of a sequence from position `first` on (at least 1)."""

    def __init__(self, first: int, future: "Future[Score]") -> None:
        self._cached = 0
        self._first = first
        self._future = future
        self._logprobs: list[float] = []

    @property
    def is_cancelled(self) -> bool:
        return self._future.cancelled()

    def begin(self, sequence: Sequence) -> StopReason | None:
        self._logprobs.clear()
        self._cached = sequence.evaluated
        return None if self._first < len(sequence.tokens) else StopReason.COMPLETED

    def prepare(self, sequence: Sequence, room: int) -> None:
        """Nothing is guessed: all tokens are known."""

    def outputs(self, sequence: Sequence, count: int) -> int:
        """The logits at position p tell of the token at p + 1; those after the last token tell of nothing."""
        end = min(sequence.evaluated + count, len(sequence.tokens))
        return max(0, min(count, end - (self._first - 1)))

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        position = sequence.evaluated - len(logits)
        for row in logits:
            position += 1
            if position < len(sequence.tokens):
                self._logprobs.append(float(log_probabilities(row)[sequence.tokens[position]]))
        return StopReason.COMPLETED if sequence.pending == 0 else None

    def finish(self, reason: StopReason) -> None:
        if reason is StopReason.CANCELLED:
            self._future.cancel()
        elif reason is not StopReason.COMPLETED:
            self.fail(EngineError("the context has no room for the texts to be scored: score shorter ones"))
        elif self._future.set_running_or_notify_cancel():
            self._future.set_result(Score(tuple(self._logprobs), self._cached))

    def fail(self, error: Exception) -> None:
        if self._future.set_running_or_notify_cancel():
            self._future.set_exception(error)
