"""Which token prefixes the KV cache holds: the longest one of a new prompt is forked, not evaluated again.

Every sequence id of the context is a slot: free, running, or kept after its sequence ended. Where cells are short, kept
slots leave in the order of their last use; where slots are short, the one that has the fewest tokens that no other kept
one begins with, so that what many prompts share stays. Of several replies to one prompt only the last to end is kept:
every cell in use costs each decode a little, whosoever it is.

The cells of a common prefix are shared by all its slots inside llama.cpp, so the slots together are a prefix tree (a
radix tree as in SGLang's RadixAttention, arXiv:2312.07104) whose leaves are listed here: with at most some dozens of
them, comparing a prompt with each takes microseconds.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agentkit.models.engine.context import LlamaContext
from agentkit.models.engine.sequence import Sequence, common_prefix


@dataclass(frozen=True, slots=True)
class Match:
    """A slot that begins as a prompt does, and for how many tokens."""

    slot: int
    length: int
    is_kept: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a slot still holds of a sequence that ended."""

    tokens: NDArray[np.int64]
    prefix: int
    """How many of them were its prompt's."""


class PrefixCache:
    """Gives slots to sequences and keeps what they leave behind. For the worker thread alone."""

    def __init__(self, context: LlamaContext, *, slots: int, can_fork: bool) -> None:
        self._context = context
        self._can_fork = can_fork
        self._slots = slots
        self._free = list(range(slots))
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        """Least recently used first."""

    def match(self, sequence: Sequence, running: Iterable[Sequence]) -> Match | None:
        """The slot that shares the longest evaluated prefix with the sequence, within what its task allows."""
        wanted = np.asarray(sequence.tokens[: sequence.prefix], dtype=np.int64)
        kept = (Match(slot, common_prefix(wanted, kept.tokens), True) for slot, kept in self._kept.items())
        others = (
            Match(other.slot, common_prefix(wanted, other.tokens[: other.evaluated]), False)
            for other in running
            if other.slot is not None and self._can_fork
        )
        matches = (found for found in (*kept, *others) if self._can_fork or self._is_all_of(found))
        best = max(matches, key=lambda found: (found.length, found.is_kept), default=None)
        return best if best and best.length else None

    def place(self, sequence: Sequence, match: Match | None) -> bool:
        """Give the sequence a slot that holds the matched prefix; False where every slot is running."""
        if match and match.is_kept and self._is_all_of(match):
            del self._kept[match.slot]
            sequence.slot, sequence.evaluated = match.slot, match.length
            return True
        if match and match.is_kept:
            self._kept.move_to_end(match.slot)  # used just now: not the one to leave
        if not self._free:
            if not self._kept:
                return False
            self._forget(self._least(besides=match))
        slot = self._free.pop()
        if match and match.slot != slot:  # equal where the match was the only one to leave
            self._context.fork(match.slot, slot, match.length)
            sequence.evaluated = match.length
        sequence.slot = slot
        return True

    def keep(self, sequence: Sequence) -> None:
        """The sequence ended: keep what it evaluated for a later prompt, in place of another reply to the same one."""
        assert sequence.slot is not None
        if sequence.evaluated:
            ended = _Kept(np.asarray(sequence.tokens[: sequence.evaluated], dtype=np.int64), sequence.prefix)
            for slot in [slot for slot, other in self._kept.items() if _answer_the_same(ended, other)]:
                self._forget(slot)
            self._kept[sequence.slot] = ended
        else:
            self._free.append(sequence.slot)
        sequence.slot = None

    def drop(self, sequence: Sequence) -> None:
        """Take the sequence out of the KV cache altogether."""
        assert sequence.slot is not None
        self._context.truncate(sequence.slot, 0)
        self._free.append(sequence.slot)
        sequence.slot, sequence.evaluated = None, 0

    def clear(self) -> None:
        """Take everything out of the KV cache. No sequence may be running."""
        self._kept.clear()
        self._free = list(range(self._slots))
        for slot in self._free:
            self._context.truncate(slot, 0)

    def evict(self) -> bool:
        """Forget the kept prefix that was used longest ago; False where none is kept."""
        if not self._kept:
            return False
        self._forget(next(iter(self._kept)))
        return True

    def _least(self, besides: Match | None) -> int:
        """The kept slot that holds the fewest tokens of its own, the least recently used of equal ones.

        It is that of the match only where no other is kept.
        """
        kept = [slot for slot in self._kept if besides is None or slot != besides.slot] or [*self._kept]
        slots = sorted(kept, key=lambda slot: self._kept[slot].tokens.tolist())  # neighbours have most in common
        own = {slot: len(self._kept[slot].tokens) for slot in slots}
        for first, second in pairwise(slots):
            shared = common_prefix(self._kept[first].tokens, self._kept[second].tokens)
            for slot in (first, second):
                own[slot] = min(own[slot], len(self._kept[slot].tokens) - shared)
        return min(kept, key=own.__getitem__)

    def _is_all_of(self, match: Match) -> bool:
        return match.length == len(self._kept[match.slot].tokens)

    def _forget(self, slot: int) -> None:
        del self._kept[slot]
        self._context.truncate(slot, 0)
        self._free.append(slot)


def _answer_the_same(first: _Kept, second: _Kept) -> bool:
    return first.prefix == second.prefix <= common_prefix(first.tokens, second.tokens)
