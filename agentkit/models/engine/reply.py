"""Continuing a sequence: sampling tokens, following the constraint, and turning tokens into text."""

import codecs
import time

import numpy as np
from numpy.typing import NDArray

from agentkit.models.engine.generation import Generation, GenerationRequest, Outcome, Piece, TokenLogprob
from agentkit.models.engine.sampling import Sampler, log_probabilities
from agentkit.models.engine.sequence import Sequence
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.results import StopReason, Usage


class ReplyTask:
    """Makes the reply to one request and hands it to the request's `Generation` piece by piece."""

    def __init__(self, request: GenerationRequest, generation: Generation, vocabulary: Vocabulary) -> None:
        self._request = request
        self._generation = generation
        self._vocabulary = vocabulary
        self._sampler = Sampler(request.sampling)
        self._text = ReplyText(request.stop)
        self._logprobs: list[TokenLogprob] = []
        self._cached: int | None = None
        self._produced = self._forced = 0
        self._started = time.monotonic()

    @property
    def is_cancelled(self) -> bool:
        return self._generation.is_cancelled

    def begin(self, sequence: Sequence) -> StopReason | None:
        """Append what the constraint forces before anything is sampled."""
        if self._cached is not None:  # the worker had to take it out for want of room, and starts it again
            return None
        self._cached = sequence.evaluated
        return self._append_forced(sequence) or self._reached_limit()

    def outputs(self, sequence: Sequence, count: int) -> int:
        return int(count == sequence.pending)

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        """Sample the next token."""
        matcher = self._request.matcher
        token = self._sampler.sample(logits[0], matcher.allowed() if matcher else None)
        if self._vocabulary.is_end(token):
            return StopReason.COMPLETED
        if self._request.logprobs is not None:
            self._logprobs.append(_token_logprob(token, logits[0], self._request.logprobs))
        if matcher:
            matcher.consume(token)
        return self._append(sequence, token) or self._append_forced(sequence) or self._reached_limit()

    def finish(self, reason: StopReason) -> None:
        """Hand over what text is left, then the outcome."""
        self._emit(self._text.add(b"", is_last=True))
        usage = Usage(
            prompt_tokens=len(self._request.prompt),
            cached_tokens=self._cached or 0,
            completion_tokens=self._produced,
            forced_tokens=self._forced,
            seconds=time.monotonic() - self._started,
        )
        self._generation.emit(Outcome(reason, usage, self._text.met_stop))

    def fail(self, error: Exception) -> None:
        self._generation.emit(error)

    def _append(self, sequence: Sequence, token: int) -> StopReason | None:
        sequence.tokens.append(token)
        self._produced += 1
        self._emit(self._text.add(self._vocabulary.piece(token)))
        return StopReason.STOP_SEQUENCE if self._text.met_stop else None

    def _append_forced(self, sequence: Sequence) -> StopReason | None:
        matcher = self._request.matcher
        if matcher is None:
            return None
        for token in [] if matcher.is_finished else matcher.take_forced():
            if self._vocabulary.is_end(token):
                return StopReason.COMPLETED
            if self._produced >= self._request.max_tokens:
                return StopReason.MAX_TOKENS
            self._forced += 1
            if reason := self._append(sequence, token):
                return reason
        return StopReason.COMPLETED if matcher.is_finished else None

    def _reached_limit(self) -> StopReason | None:
        return StopReason.MAX_TOKENS if self._produced >= self._request.max_tokens else None

    def _emit(self, text: str) -> None:
        if text or self._logprobs:
            self._generation.emit(Piece(text, tuple(self._logprobs)))
            self._logprobs.clear()


class ReplyText:
    """Bytes of tokens in, final text out: whole characters only, and nothing that could begin a stop string."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = stop
        self._held = ""
        self.met_stop = ""
        """The stop string that ended the text; empty while none has."""

    def add(self, data: bytes, *, is_last: bool = False) -> str:
        """Text that became final with `data`. After a stop string nothing more comes."""
        if self.met_stop:
            return ""
        self._held += self._decoder.decode(data, is_last)
        found = min(((self._held.find(stop), stop) for stop in self._stop if stop in self._held), default=None)
        if found:
            at, self.met_stop = found
            return self._held[:at]
        keep = 0 if is_last else self._begun_stop()
        final, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return final

    def _begun_stop(self) -> int:
        """How many characters at the end could be the beginning of a stop string."""
        longest = max((len(stop) for stop in self._stop), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stop):
                return length
        return 0


def _token_logprob(token: int, logits: NDArray[np.float32], alternatives: int) -> TokenLogprob:
    logprobs = log_probabilities(logits)
    best = np.argpartition(logprobs, -alternatives)[-alternatives:] if alternatives else np.empty(0, dtype=np.int64)
    ranked = sorted(((int(rival), float(logprobs[rival])) for rival in best), key=lambda pair: -pair[1])
    return TokenLogprob(token, float(logprobs[token]), tuple(ranked))
