"""Free text before a constrained part: where it ends, and what of it may be shown already.

A thought runs unmasked, so that the constraint costs it neither speed nor accuracy (Tam et al. 2024, arXiv:2408.02442,
on what format restrictions cost). The constrained part begins after `marker`: written by the model, or put there for it
where it would end, or has used up its tokens, without.
"""

import bisect
import re
from dataclasses import dataclass

from agentkit.models.constraints import Thought

_BEGUN = re.compile(
    rb"\s*(?:`{0,2}|```[a-z]*\s*)(?:<[a-z_]*(?:>\s*)?)?"
    rb'(?:\{\s*(?:"[a-z]*"?\s*|"(?:name|type)"\s*:\s*(?:"(?:[^"\\\n]|\\.?)*)?)?)?'
)
"""Text that may go on to be what looks like a marker: perhaps a fence, then perhaps a tag, or an object, its first key,
and the name that is its value.
"""
_BEGINNING = re.compile(rb"(?<=\n)|(?=[<{])")
"""Where it may begin, beside the beginning of the text."""
_OPEN_REASONING, _CLOSE_REASONING = b"<think>", b"</think>"


@dataclass(frozen=True, slots=True)
class Turn:
    """The thought ended: keep its first `tokens` tokens, then `rest`, then the marker."""

    tokens: int
    rest: bytes
    """What of a token that spans the end belongs to the thought."""


class ThoughtText:
    """Tokens of a thought in, text that is certainly part of it out."""

    def __init__(self, thought: Thought) -> None:
        self._marker = thought.marker.encode()
        self._lookalike = re.compile(thought.lookalike.encode()) if thought.lookalike else None
        self._data = bytearray(_OPEN_REASONING if thought.is_reasoning_open else b"")
        self._ends: list[int] = [len(self._data)]
        """Length of the data after each token, beginning with none."""
        self._shown = len(self._data)

    @property
    def length(self) -> int:
        """Tokens so far."""
        return len(self._ends) - 1

    @property
    def hidden_tokens(self) -> int:
        """Tokens of which some text was not taken yet: they may be taken back."""
        return len(self._ends) - bisect.bisect_right(self._ends, self._shown)

    @property
    def is_reasoning(self) -> bool:
        """Inside a `<think>` block that was not closed."""
        return self._data.rfind(_OPEN_REASONING) > self._data.rfind(_CLOSE_REASONING)

    def add(self, piece: bytes) -> Turn | None:
        """The next token; the turn to the constrained part where it completes a marker or what looks like one."""
        self._data += piece
        self._ends.append(len(self._data))
        if self.is_reasoning:
            return None
        closed = self._data.rfind(_CLOSE_REASONING)
        start = max(self._shown, closed + len(_CLOSE_REASONING) if closed >= 0 else 0)
        found = self._data.find(self._marker, start)
        match = self._lookalike.search(self._data, start) if self._lookalike else None
        places = [place for place in (found, match.start() if match else -1) if place >= 0]
        return self._turn_at(min(places)) if places else None

    def end(self) -> Turn:
        """The turn where the thought is over without a marker; one that was begun does not count twice."""
        return self._turn_at(len(self._data) - _overlap(self._data, self._marker))

    def take(self, turn: Turn | None = None) -> bytes:
        """Text that is final and was not taken before: at a turn all up to it, else what no marker can begin in."""
        end = self._ends[turn.tokens] + len(turn.rest) if turn else len(self._data) - self._held()
        text = bytes(self._data[self._shown : end])
        self._shown = max(self._shown, end)
        return text

    def take_all(self) -> bytes:
        """Text not taken before: the reply ends here."""
        text = bytes(self._data[self._shown :])
        self._shown = len(self._data)
        return text

    def _turn_at(self, place: int) -> Turn:
        tokens = max(number for number, end in enumerate(self._ends) if end <= place)
        return Turn(tokens, bytes(self._data[self._ends[tokens] : place]))

    def _held(self) -> int:
        """Bytes at the end that could be the beginning of a marker or of what looks like one."""
        held = _overlap(self._data, self._marker)
        if self._lookalike is None:
            return held
        places = [self._shown, *(found.start() for found in _BEGINNING.finditer(self._data, self._shown))]
        begun = next((place for place in places if _BEGUN.fullmatch(self._data, place)), len(self._data))
        return max(held, len(self._data) - begun)


def _overlap(data: bytes | bytearray, marker: bytes) -> int:
    """How many bytes at the end of `data` begin the marker."""
    return next((n for n in range(min(len(marker), len(data)), 0, -1) if data.endswith(marker[:n])), 0)
