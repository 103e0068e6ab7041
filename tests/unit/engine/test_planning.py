"""What a step evaluates: within the sizes of the batch, and something of every reply."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agentkit.models.engine.context import ContextSizes, Slice
from agentkit.models.engine.drafting import StepCosts
from agentkit.models.engine.planning import PromptShare, plan
from agentkit.models.engine.sequence import Sequence
from agentkit.results import StopReason

_SIZES = ContextSizes(context=2048, outputs=64)


class _Reply:
    """Wants the logits of its last token and of its guesses, as a reply does."""

    is_cancelled = False

    def __init__(self, wish: int) -> None:
        self._wish = wish
        self._guessed = 0

    def begin(self, sequence: Sequence) -> StopReason | None:
        return None

    def take_back(self, sequence: Sequence) -> None:
        del sequence.tokens[len(sequence.tokens) - self._guessed :]
        self._guessed = 0

    def guess(self, sequence: Sequence, room: int) -> list[float]:
        return [0.9**number for number in range(min(room, self._wish))] if sequence.pending == 1 else []

    def draft(self, sequence: Sequence, count: int) -> None:
        self._guessed = count
        sequence.tokens += [7] * count

    def outputs(self, sequence: Sequence, count: int) -> int:
        return 1 + self._guessed if count == sequence.pending else 0

    def receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        return None

    def finish(self, sequence: Sequence, reason: StopReason) -> None:
        pass

    def fail(self, error: Exception) -> None:
        pass


class _Score(_Reply):
    """Wants the logits of every pending token."""

    def guess(self, sequence: Sequence, room: int) -> list[float]:
        return []

    def outputs(self, sequence: Sequence, count: int) -> int:
        return count


def _sequence(slot: int, pending: int, wish: int, *, is_score: bool) -> Sequence:
    task = _Score(wish) if is_score else _Reply(wish)
    return Sequence(task, [1] * (40 + pending), evaluated=40, slot=slot, prefix=0)


_RUNNING = st.lists(
    st.tuples(st.one_of(st.integers(1, 16), st.integers(1, 1500)), st.integers(0, 15), st.booleans()),
    min_size=1,
    max_size=64,
)


@given(_RUNNING, st.integers(16, 512))
def test_a_step_keeps_to_the_sizes_and_every_row_of_logits_is_one_of_its_tokens(
    entries: list[tuple[int, int, bool]], share: int
) -> None:
    running = [_sequence(slot, *entry[:2], is_score=entry[2]) for slot, entry in enumerate(entries)]
    planned = plan(running, _SIZES, StepCosts(), prompt_share=share, can_fork=False)
    assert planned
    assert sum(len(part.tokens) for _, part in planned) <= _SIZES.batch
    assert sum(part.outputs for _, part in planned) <= _SIZES.outputs
    assert len({part.sequence for _, part in planned}) == len(planned)
    for sequence, part in planned:
        assert 0 <= part.outputs <= len(part.tokens)
        assert part.outputs == sequence.task.outputs(sequence, len(part.tokens))
        assert part.tokens == sequence.tokens[part.position : part.position + len(part.tokens)]


_TREES = st.lists(
    st.tuples(st.lists(st.integers(0, 1), max_size=6), st.integers(1, 40), st.booleans()), min_size=1, max_size=64
)


@given(_TREES, st.integers(16, 512), st.sampled_from([24, 512]))
def test_every_token_after_the_same_tokens_is_one_row(
    entries: list[tuple[list[int], int, bool]], share: int, context: int
) -> None:
    """Sequences of two tokens, so that most begin alike, in the middle or at the beginning of what they share."""
    sizes = ContextSizes(context=context, outputs=64)
    running = []
    for slot, (middle, evaluated, is_score) in enumerate(entries):
        task = _Score(0) if is_score else _Reply(0)
        tokens = [1, *middle, 0]
        running.append(Sequence(task, tokens, evaluated=min(evaluated, len(tokens) - 1), slot=slot))
    planned = plan(running, sizes, StepCosts(), prompt_share=share, can_fork=True)
    rows = _rows([part for _, part in planned])
    histories: dict[int, tuple[int, ...]] = {}
    for (sequence, part), own in zip(planned, rows, strict=True):
        assert part.outputs == sequence.task.outputs(sequence, len(part.tokens))
        for offset, row in enumerate(own):
            history = tuple(sequence.tokens[: part.position + offset + 1])
            assert histories.setdefault(row, history) == history
    outputs = {row for (_, part), own in zip(planned, rows, strict=True) for row in own[len(own) - part.outputs :]}
    assert len(histories) <= sizes.batch
    assert len(outputs) <= sizes.outputs
    if sum(len(sequence.tokens) for sequence in running) <= min(sizes.batch, sizes.outputs):
        new = {
            (sequence.evaluated, tuple(sequence.tokens[:end]))
            for sequence in running
            for end in range(sequence.evaluated + 1, len(sequence.tokens) + 1)
        }
        assert len(histories) == len(new)


def test_sequences_that_begin_alike_share_their_rows_though_the_batch_is_full() -> None:
    prompts = [Sequence(_Reply(0), [1] * 600 + [number] * 30, slot=number) for number in range(3)]
    planned = plan(prompts, _SIZES, StepCosts(), prompt_share=64, can_fork=True)
    assert [(len(part.tokens), part.shared) for _, part in planned] == [(512, 0), (512, 512), (512, 512)]
    assert _rows([part for _, part in planned])[2] == list(range(512))


def _rows(slices: list[Slice]) -> list[list[int]]:
    """Which rows of the batch are each slice's."""
    rows: list[list[int]] = []
    count = 0
    for part in slices:
        new = len(part.tokens) - part.shared
        rows.append([*rows[part.twin][: part.shared], *range(count, count + new)] if rows else list(range(new)))
        count += new
    return rows


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 15)), min_size=1, max_size=64))
def test_every_running_reply_has_its_turn_in_every_step(entries: list[tuple[int, int]]) -> None:
    running = [_sequence(slot, *entry, is_score=False) for slot, entry in enumerate(entries)]
    running.append(_sequence(99, 1500, 0, is_score=False))
    planned = plan(running[-64:], _SIZES, StepCosts(), prompt_share=64, can_fork=False)
    for sequence in running[-64:-1]:
        (part,) = [part for other, part in planned if other is sequence]
        assert part.outputs >= 1


def _free_rows() -> StepCosts:
    """Steps cost the same whatever their rows."""
    costs = StepCosts()
    for rows in [*range(1, 65)] * 2:
        costs.learn(rows, 0.1)
    return costs


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 15)), min_size=1, max_size=64))
def test_drafts_fill_a_step_of_replies_and_are_evaluated_whole(entries: list[tuple[int, int]]) -> None:
    running = [_sequence(slot, *entry, is_score=False) for slot, entry in enumerate(entries)]
    for slot, sequence in enumerate(running):
        sequence.tokens[40] = 100 + slot  # no two are equal
    plain = sum(sequence.pending for sequence in running)
    planned = plan(running, _SIZES, _free_rows(), prompt_share=64, can_fork=True)
    drafted = sum(sequence.pending for sequence in running) - plain
    offered = sum(wish for pending, wish in entries if pending == 1)
    most = max(0, min(offered, 64 - plain, max(plain, 16 - plain)))
    assert most - 4 < drafted <= most
    assert all(len(part.tokens) == sequence.pending for sequence, part in planned)
    assert sum(part.outputs for _, part in planned) <= _SIZES.outputs


def test_the_likeliest_drafts_are_verified_and_none_while_a_prompt_is_read() -> None:
    def running() -> list[Sequence]:
        return [_sequence(slot, 1, wish, is_score=False) for slot, wish in enumerate([0, 9, 1])]

    replies = running()
    for slot, sequence in enumerate(replies):
        sequence.tokens[40] = 100 + slot
    plan(replies, _SIZES, _free_rows(), prompt_share=64, can_fork=True)
    assert [sequence.pending for sequence in replies] == [1, 9, 2]
    beside = [*running(), _sequence(3, 1500, 0, is_score=False)]
    plan(beside, _SIZES, _free_rows(), prompt_share=64, can_fork=True)
    assert [sequence.pending for sequence in beside] == [1, 1, 1, 1500]
    replies = running()
    plan(replies, _SIZES, _free_rows(), prompt_share=64, can_fork=False)
    assert [sequence.pending for sequence in replies] == [1, 1, 1]


def test_a_prompt_alone_takes_the_whole_batch_and_beside_replies_its_share() -> None:
    prompt = _sequence(0, 1500, 0, is_score=False)
    reply = _sequence(1, 1, 0, is_score=False)
    ((_, alone),) = plan([prompt], _SIZES, StepCosts(), prompt_share=64, can_fork=False)
    assert len(alone.tokens) == 512
    beside = plan([prompt, reply], _SIZES, StepCosts(), prompt_share=64, can_fork=False)
    assert {part.sequence: len(part.tokens) for _, part in beside} == {0: 64, 1: 1}


@pytest.mark.parametrize(("token_s", "expected"), [(0.005, 50), (0.1, 16), (0.00001, 512)])
def test_a_share_is_what_a_quarter_of_a_second_holds(token_s: float, expected: int) -> None:
    share = PromptShare(512)
    for _ in range(20):
        share.learn(100, 100 * token_s)
        share.learn(3, 60.0)  # a step of few tokens tells nothing
    assert share.tokens == pytest.approx(expected, abs=1)
