"""Continuing a sequence: sampling tokens, following the constraint, and turning tokens into text."""

import codecs
import time
from collections.abc import Iterable
from collections.abc import Sequence as Tokens

import numpy as np
from numpy.typing import NDArray

from agentkit.models.engine.drafting import MOST_GUESSES, Continuations
from agentkit.models.engine.generation import Generation, GenerationRequest, Outcome, Piece, TokenLogprob
from agentkit.models.engine.matching import Matcher
from agentkit.models.engine.sampling import Sampler, log_probabilities
from agentkit.models.engine.sequence import Sequence
from agentkit.models.engine.thought import ThoughtText, Turn
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.results import StopReason, Usage

_GUESSES = 8
"""For one reply in one step, where the request does not say."""


class ReplyTask:
    """Makes the reply to one request and hands it to the request's `Generation` piece by piece.

    A reply is a thought, free text up to a marker, where the request asks for one; then it follows the constraint.
    """

    def __init__(
        self,
        request: GenerationRequest,
        generation: Generation,
        vocabulary: Vocabulary,
        continuations: Continuations,
    ) -> None:
        """`continuations`: those of all replies to this prompt."""
        self._request = request
        self._generation = generation
        self._vocabulary = vocabulary
        self._sampler = Sampler(request.sampling)
        self._text = ReplyText(request.stop)
        self._thought = ThoughtText(request.thought) if request.thought and request.matcher else None
        self._logprobs: list[TokenLogprob] = []
        """Those that no piece has yet."""
        self._unscored = 0
        """How many of the last tokens were forced and still lack the log-probability that is asked for."""
        self._ending: StopReason | None = None
        """Why the reply ends as soon as they have it."""
        self._continuations = continuations
        self._counted = len(request.prompt)
        """How many of the tokens are counted there."""
        self._guessed: list[int] = []
        self._drafted = 0
        self._is_begun = False
        self._produced = self._forced = 0
        self._is_cut = False
        self._started = time.monotonic()

    @property
    def is_cancelled(self) -> bool:
        return self._generation.is_cancelled

    def begin(self, sequence: Sequence) -> StopReason | None:
        """Append what the constraint forces before anything is sampled."""
        if self._is_begun:  # the worker had to take it out for want of room, and starts it again
            return None
        self._is_begun = True
        self._continuations.enter()
        return self._once_scored(self._append_forced(sequence) or self._reached_limit())

    def take_back(self, sequence: Sequence) -> None:
        del sequence.tokens[len(sequence.tokens) - self._drafted :]
        self._drafted = 0

    def guess(self, sequence: Sequence, room: int) -> Tokens[float]:
        """None is guessed for the only reply to a prompt unless the request asks for it: alone, a greedy reply is that
        of a loop without guesses to the last bit.
        """
        most = self._request.draft_tokens
        if most is None:
            most = _GUESSES if self._continuations.is_shared else 0
        most = min(most, MOST_GUESSES, room, self._request.max_tokens - self._produced - 1)
        if sequence.pending != 1 or most <= 0:
            return ()
        self._continuations.add(sequence.tokens, self._counted)
        self._counted = len(sequence.tokens)
        self._guessed, probabilities = self._continuations.guess(sequence.tokens, most)
        return probabilities

    def draft(self, sequence: Sequence, count: int) -> None:
        sequence.tokens += self._guessed[:count]
        self._drafted = count

    def outputs(self, sequence: Sequence, count: int) -> int:
        """Those of the last known token, and of all from the one before the first that is unscored or drafted."""
        first = len(sequence.tokens) - self._drafted - self._unscored - 1
        return max(0, sequence.evaluated + count - first)

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        """Note the log-probabilities of forced tokens, then sample the next one, and one more for each drafted token
        that it confirms.
        """
        logits = self._score_forced(sequence, logits)
        if self._unscored or self._ending or not len(logits):
            return self._once_scored(self._ending)
        drafts = sequence.tokens[len(sequence.tokens) - self._drafted :]
        known = len(sequence.tokens) - self._drafted
        self._drafted = 0
        for number, row in enumerate(logits):
            sequence.tokens[known + number :] = []
            reason = self._take(sequence, row)
            is_rewound = sequence.evaluated <= known + number  # to the marker behind a thought
            if reason or is_rewound or number == len(drafts) or sequence.tokens[known + number :] != [drafts[number]]:
                # At least one token is left to evaluate, also where a thought's last ones were taken back, and the one
                # before the first that is unscored.
                left = len(sequence.tokens) - self._unscored - 1
                sequence.evaluated = min(sequence.evaluated, known + number, left)
                return self._once_scored(reason)
        raise AssertionError("the last row confirms no draft")

    def finish(self, sequence: Sequence, reason: StopReason) -> None:
        """Hand over what text is left, then the outcome."""
        self._leave()
        if self._thought:
            self._emit(self._text.add(self._thought.take_all()))
        self._emit(self._text.add(b"", is_last=True))
        if self._is_cut and reason is StopReason.COMPLETED:
            reason = StopReason.MAX_TOKENS
        self._generation.emit(Outcome(reason, self._usage(sequence)))

    def answer_cancelled(self, sequence: Sequence) -> None:
        """Tell the caller, from its own thread, before the worker gets to `finish`."""
        self._generation.emit(Outcome(StopReason.CANCELLED, self._usage(sequence)))

    def fail(self, error: Exception) -> None:
        self._leave()
        self._generation.emit(error)

    def _usage(self, sequence: Sequence) -> Usage:
        return Usage(
            prompt_tokens=len(self._request.prompt),
            cached_tokens=sequence.cached,
            completion_tokens=self._produced,
            forced_tokens=self._forced,
            seconds=time.monotonic() - self._started,
        )

    def _leave(self) -> None:
        if self._is_begun:
            self._continuations.leave()

    def _take(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        """Sample one token and append it with what it forces."""
        matcher = None if self._thought else self._request.matcher
        token = self._sampler.sample(logits, self._allowed(matcher) if matcher else None)
        self._note(token, logits)
        if self._thought:
            return self._think(sequence, token, self._thought) or self._reached_limit()
        if self._vocabulary.is_end(token):
            return StopReason.COMPLETED
        if matcher:
            matcher.consume(token)
        reason = self._append(sequence, token, self._vocabulary.piece(token))
        return reason or self._append_forced(sequence) or self._reached_limit()

    def _score_forced(self, sequence: Sequence, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the rows that tell the log-probabilities of forced tokens, as far as they go; gives the others."""
        scored = min(self._unscored, len(logits))
        for row in logits[:scored]:
            self._note(sequence.tokens[len(sequence.tokens) - self._drafted - self._unscored], row)
            self._unscored -= 1
        if scored:
            self._emit("")
        return logits[scored:]

    def _once_scored(self, reason: StopReason | None) -> StopReason | None:
        """The reply ends, or is to end as soon as its forced tokens have their log-probabilities."""
        self._ending = reason if self._unscored else None
        return None if self._unscored else reason

    def _note(self, token: int, logits: NDArray[np.float32]) -> None:
        if self._request.logprobs is not None and not self._vocabulary.is_end(token):
            self._logprobs.append(_token_logprob(token, logits, self._request.logprobs))

    def _allowed(self, matcher: Matcher) -> NDArray[np.bool_]:
        """The tokens that may come next; near the limit those that end the reply's JSON, so that it stays whole."""
        allowed = matcher.allowed()
        if self._request.max_tokens - self._produced > _closing_room(self._request.max_tokens):
            return allowed
        narrowed = matcher.closing(allowed)
        self._is_cut |= narrowed is not allowed and bool((allowed & ~narrowed).any())
        return narrowed

    def _think(self, sequence: Sequence, token: int, thought: ThoughtText) -> StopReason | None:
        """Append a token of the thought, or turn to the constrained part."""
        request = self._request
        assert request.thought is not None
        turn = None
        is_end = self._vocabulary.is_end(token)
        if is_end and not request.thought.is_required:
            return StopReason.COMPLETED
        if not is_end:
            piece = self._vocabulary.piece(token)
            sequence.tokens.append(token)
            self._produced += 1
            turn = thought.add(piece)
        limit = request.thought.limit(request.max_tokens)
        if turn is None and (is_end or (request.thought.is_required and thought.length >= limit)):
            turn = thought.end()
        if turn is None:
            self._emit(self._text.add(thought.take()))
            return StopReason.STOP_SEQUENCE if self._text.met_stop else None
        return self._turn(sequence, thought, turn)

    def _turn(self, sequence: Sequence, thought: ThoughtText, turn: Turn) -> StopReason | None:
        """End the thought: what came after it is taken back, the marker and what the constraint forces is appended."""
        assert self._request.thought is not None
        taken_back = thought.length - turn.tokens
        del self._logprobs[len(self._logprobs) - taken_back :]
        self._produced -= taken_back
        sequence.rewind(len(sequence.tokens) - taken_back)
        self._emit(self._text.add(thought.take(turn), is_last=True))
        self._thought = None
        if self._text.met_stop:
            return StopReason.STOP_SEQUENCE
        closing = "\n</think>\n\n" if thought.is_reasoning else ""
        marker = self._vocabulary.tokenize_markup(closing + self._request.thought.marker)
        tokens = [*self._vocabulary.tokenize(turn.rest.decode("utf-8", "ignore")), *marker]
        if self._produced + len(tokens) > self._request.max_tokens:
            return StopReason.MAX_TOKENS
        self._emit(self._text.add(self._request.thought.marker.encode()))
        return self._put(sequence, tokens, is_shown=True) or self._append_forced(sequence)

    def _append(self, sequence: Sequence, token: int, text: bytes) -> StopReason | None:
        sequence.tokens.append(token)
        self._produced += 1
        self._emit(self._text.add(text))
        return StopReason.STOP_SEQUENCE if self._text.met_stop else None

    def _put(self, sequence: Sequence, tokens: Iterable[int], *, is_shown: bool) -> StopReason | None:
        """Append tokens that are not sampled."""
        for token in tokens:
            if self._vocabulary.is_end(token):
                return StopReason.COMPLETED
            if self._produced >= self._request.max_tokens:
                return StopReason.MAX_TOKENS
            self._forced += 1
            self._unscored += self._request.logprobs is not None
            if reason := self._append(sequence, token, b"" if is_shown else self._vocabulary.piece(token)):
                return reason
        return None

    def _append_forced(self, sequence: Sequence) -> StopReason | None:
        matcher = self._request.matcher
        if matcher is None or self._thought:
            return None
        if not matcher.is_finished and (reason := self._put(sequence, matcher.take_forced(), is_shown=False)):
            return reason
        return StopReason.COMPLETED if matcher.is_finished else None

    def _reached_limit(self) -> StopReason | None:
        return StopReason.MAX_TOKENS if self._produced >= self._request.max_tokens else None

    def _emit(self, text: str) -> None:
        ready = len(self._logprobs) - (self._thought.hidden_tokens if self._thought else 0)
        if text or ready > 0:
            is_constrained = self._request.matcher is not None and self._thought is None
            self._generation.emit(Piece(text, tuple(self._logprobs[:ready]), is_constrained))
            del self._logprobs[:ready]


def _closing_room(max_tokens: int) -> int:
    """Tokens kept for the end of JSON that would not end by itself."""
    return min(64, max_tokens // 2)


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
    rivals = np.argpartition(logits, -alternatives)[-alternatives:].tolist() if alternatives else []
    logprob, *others = log_probabilities(logits, [token, *rivals])
    ranked = sorted(zip(rivals, others, strict=True), key=lambda pair: -pair[1])
    return TokenLogprob(token, logprob, tuple(ranked))
