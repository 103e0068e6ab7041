"""Reading log-probabilities of given tokens off the model: nothing is sampled."""

from collections.abc import Sequence as Tokens
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
    """Finds the natural-log probability of every token of a text that begins at position `first` (at least 1).

    The sequence lacks the text's last token: nothing is asked after it.
    """

    def __init__(self, first: int, text: Tokens[int], future: "Future[Score]") -> None:
        self._first = first
        self._text = text
        self._future = future
        self._logprobs: list[float] = []

    @property
    def is_cancelled(self) -> bool:
        return self._future.cancelled()

    def begin(self, sequence: Sequence) -> StopReason | None:
        self._logprobs.clear()
        return None if self._text else StopReason.COMPLETED

    def take_back(self, sequence: Sequence) -> None:
        """Nothing was drafted."""

    def guess(self, sequence: Sequence, room: int) -> Tokens[float]:
        """Nothing is guessed: all tokens are known."""
        return ()

    def draft(self, sequence: Sequence, count: int) -> None:
        """Nothing was guessed."""

    def outputs(self, sequence: Sequence, count: int) -> int:
        """The logits at position p tell of the token at p + 1."""
        return max(0, min(count, sequence.evaluated + count - (self._first - 1)))

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        told = sequence.evaluated - len(logits) - (self._first - 1)
        for row, token in zip(logits, self._text[told : told + len(logits)], strict=True):
            self._logprobs += log_probabilities(row, [token])
        return StopReason.COMPLETED if sequence.pending == 0 else None

    def finish(self, sequence: Sequence, reason: StopReason) -> None:
        if reason is StopReason.CANCELLED:
            self._future.cancel()
        elif reason is not StopReason.COMPLETED:
            self.fail(EngineError("the context has no room for the texts to be scored: score shorter ones"))
        elif self._future.set_running_or_notify_cancel():
            self._future.set_result(Score(tuple(self._logprobs), sequence.cached))

    def fail(self, error: Exception) -> None:
        if self._future.set_running_or_notify_cancel():
            self._future.set_exception(error)
