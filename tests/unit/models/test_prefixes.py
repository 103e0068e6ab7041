"""What the KV cache keeps of sequences that ended."""

from dataclasses import dataclass, field
from typing import cast

from agentkit.models.engine.context import LlamaContext
from agentkit.models.engine.prefixes import PrefixCache
from agentkit.models.engine.sequence import Sequence, Task


@dataclass
class _Cells:
    """A context that only counts: how many tokens each sequence holds."""

    held: dict[int, int] = field(default_factory=dict)

    def fork(self, source: int, target: int, length: int) -> None:
        self.held[target] = length

    def truncate(self, sequence: int, length: int) -> int:
        self.held[sequence] = length
        return length


class _Cache:
    def __init__(self) -> None:
        self.cells = _Cells()
        self.prefixes = PrefixCache(cast("LlamaContext", self.cells), slots=8, can_fork=True)

    def start(self, prompt: list[int]) -> Sequence:
        """Admitted; `evaluated` is what the cache had of its prompt."""
        sequence = Sequence(cast("Task", None), list(prompt), prefix=len(prompt) - 1)
        assert self.prefixes.place(sequence, self.prefixes.match(sequence, ()))
        return sequence

    def end(self, sequence: Sequence, reply: list[int]) -> None:
        assert sequence.slot is not None
        sequence.tokens += reply
        sequence.evaluated = self.cells.held[sequence.slot] = len(sequence.tokens)
        self.prefixes.keep(sequence)

    def found(self, prompt: list[int]) -> int:
        """How many tokens of a prompt need not be evaluated."""
        match = self.prefixes.match(Sequence(cast("Task", None), prompt, prefix=len(prompt) - 1), ())
        return match.length if match else 0


def test_of_many_replies_to_one_prompt_the_last_is_kept() -> None:
    cache = _Cache()
    samples = [cache.start([1, 2, 3]) for _ in range(5)]
    for number, sample in enumerate(samples):
        cache.end(sample, [10 + number] * 4)
    assert sorted(cache.cells.held.values(), reverse=True) == [7, 0, 0, 0, 0]
    assert cache.found([1, 2, 3, 14, 14, 14, 14, 5]) == 7
    assert cache.found([1, 2, 3, 10, 10, 10, 10, 5]) == 3


def test_a_conversation_that_began_with_the_same_prompt_stays() -> None:
    cache = _Cache()
    cache.end(cache.start([1, 2, 3]), [4, 4])
    cache.end(cache.start([1, 2, 3, 4, 4, 5]), [6, 6])  # its second turn
    cache.end(cache.start([1, 2, 3]), [7, 7])
    assert cache.found([1, 2, 3, 4, 4, 5, 6, 6, 8]) == 8
    assert cache.found([1, 2, 3, 7, 7, 8]) == 5


def test_a_reply_that_was_cut_before_its_prompt_was_read_takes_nothing_away() -> None:
    cache = _Cache()
    cache.end(cache.start([1, 2, 3, 4]), [5, 5])
    cut = Sequence(cast("Task", None), [1, 2, 3, 4], prefix=3)
    assert cache.prefixes.place(cut, None)
    cut.evaluated = 2
    cache.prefixes.keep(cut)
    assert cache.found([1, 2, 3, 4, 5, 5, 6]) == 6


def test_what_many_prompts_share_outlives_a_run_of_others() -> None:
    """A tree of thought asks about each of its states in two ways, one after the other."""
    cache = _Cache()
    for number in range(4):
        cache.end(cache.start([*range(100), 200 + number, 5]), [6])
    for number in range(20):
        cache.end(cache.start([*range(1000, 1100), 300 + number, 5]), [6])
    assert cache.found([*range(100), 250, 5]) == 100
    assert cache.found([*range(1000, 1100), 250, 5]) == 100


def test_the_only_slot_left_is_given_to_a_prompt_that_begins_as_it_does() -> None:
    cache = _Cache()
    running = [cache.start([number, 9]) for number in range(7)]
    cache.end(cache.start([50, 51, 52, 53]), [54])
    taken = cache.start([50, 51, 60, 61])
    assert taken.evaluated == cache.cells.held[cast("int", taken.slot)] == 0
    assert len({sequence.slot for sequence in (*running, taken)}) == 8
