"""Guesses are what followed the same tokens before; a step verifies as many as pay."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.models.engine.drafting import Continuations, StepCosts


def test_what_followed_in_the_prompt_is_guessed() -> None:
    continuations = Continuations([1, 2, 3, 9, 5])
    guessed, _ = continuations.guess([1, 2, 3, 9, 5, 2, 3], 2)
    assert guessed == [9, 5]


def test_what_followed_in_another_reply_is_guessed() -> None:
    continuations = Continuations([1, 2])
    continuations.add([1, 2, 6, 7, 8], 2)
    guessed, _ = continuations.guess([1, 2, 5, 6, 7], 8)
    assert guessed == [8]


def test_the_longest_run_decides_and_then_what_came_most_often() -> None:
    continuations = Continuations([0])
    continuations.add([0, 4, 5, 7, 3, 5, 8, 3, 5, 8], 1)
    assert continuations.guess([0, 4, 5], 1)[0] == [7]
    assert continuations.guess([0, 9, 5], 1)[0] == [8]


def test_what_was_seen_oftener_and_after_more_tokens_is_surer() -> None:
    once = Continuations([1, 2, 3])
    twice = Continuations([1, 2, 3, 1, 2, 3])
    assert once.guess([2], 1)[1] < once.guess([1, 2], 1)[1] < twice.guess([1, 2], 1)[1]


def test_the_prompt_is_looked_up_also_after_a_reply_was_counted() -> None:
    continuations = Continuations([1, 2, 3, 9, 5])
    continuations.add([1, 2, 3, 9, 5, 2], 5)
    assert continuations.guess([1, 2, 3, 9, 5, 2], 1)[0] == [3]


def test_the_last_reply_leaves_nothing_behind() -> None:
    continuations = Continuations([1])
    continuations.enter()
    assert not continuations.is_shared
    continuations.enter()
    continuations.add([1, 7, 8], 1)
    continuations.leave()
    assert continuations.is_shared
    assert continuations.guess([1, 7], 1)[0] == [8]
    continuations.leave()
    continuations.enter()
    assert not continuations.is_shared
    assert continuations.guess([1, 7], 1)[0] == []


def test_nothing_is_guessed_where_nothing_repeats() -> None:
    continuations = Continuations([1, 2, 3, 4])
    assert continuations.guess([1, 2, 3, 4], 4) == ([], [])
    assert continuations.guess([1, 2], 0) == ([], [])
    assert Continuations([1]).guess([1], 4) == ([], [])


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60), st.lists(st.integers(0, 3), max_size=20), st.integers(1, 8)
)
def test_every_guess_followed_the_token_before_it_and_is_less_sure_than_that(
    prompt: list[int], reply: list[int], most: int
) -> None:
    continuations = Continuations(prompt)
    tokens = [*prompt, *reply]
    continuations.add(tokens, len(prompt))
    guessed, right = continuations.guess(tokens, most)
    assert len(guessed) == len(right) <= most
    assert all(0 < later < earlier < 1 for earlier, later in itertools.pairwise(right))
    pairs = set(itertools.pairwise(tokens))
    assert set(zip([tokens[-1], *guessed], guessed, strict=False)) <= pairs


def _costs(seconds_of: dict[int, float]) -> StepCosts:
    costs = StepCosts()
    for rows, seconds in [*seconds_of.items()] * 2:
        costs.learn(rows, seconds)
    return costs


def test_nothing_is_drafted_before_it_is_known_what_a_step_costs_without() -> None:
    assert StepCosts().worthwhile(8, [0.9] * 8) == 0
    assert _costs({16: 0.4}).worthwhile(8, [0.9] * 8) == 0


def test_a_block_of_rows_is_filled_where_it_costs_little() -> None:
    costs = _costs({8: 0.335, 12: 0.423, 16: 0.43})
    assert costs.worthwhile(8, [0.6] * 8) == 8
    assert costs.worthwhile(8, [0.9] * 5) == 4
    assert costs.worthwhile(8, [0.1] * 8) == 0
    assert costs.worthwhile(8, [0.9] * 3) == 0


def test_nothing_is_drafted_where_each_row_costs_as_much_as_the_first() -> None:
    assert _costs({rows: rows * 0.05 for rows in (8, 12, 16)}).worthwhile(8, [0.9] * 8) == 0


def test_what_was_not_tried_is_tried_and_what_was_tried_long_ago_is_tried_again() -> None:
    costs = _costs({8: 0.3})
    for tried in (16, 12):
        for _ in range(2):
            assert costs.worthwhile(8, [0.9] * 8) == tried - 8
            costs.learn(tried, 3.0)
    assert costs.worthwhile(8, [0.9] * 8) == 0
    for _ in range(250):
        costs.learn(8, 0.3)
    assert costs.worthwhile(8, [0.9] * 8) == 8


def test_slow_steps_among_others_do_not_decide() -> None:
    costs = _costs({8: 0.3})
    for seconds in (5.0, 0.35, 5.0):
        costs.learn(16, seconds)
    assert costs.worthwhile(8, [0.9] * 8) == 8


def test_a_clock_that_stands_still_is_no_error() -> None:
    assert _costs({8: 0.0, 12: 0.0}).worthwhile(8, [0.9] * 4) == 4


@pytest.mark.parametrize("rows", [1, 7, 8, 32])
def test_a_step_is_at_most_doubled_or_filled_to_sixteen(rows: int) -> None:
    assert rows + _costs({rows: 0.3}).worthwhile(rows, [0.9] * 100) == max(16, 2 * rows // 4 * 4)


def test_a_step_is_padded_where_that_makes_it_shorter_as_trying_it_shows() -> None:
    """13 to 15 rows take longer than 16 where kernels multiply by 4 or 16 at once (docs/engine.md)."""
    costs = _costs({15: 0.52, 9: 0.37})
    assert costs.padding(15) == 1
    assert costs.padding(9) == 3
    for _ in range(2):
        costs.learn(15, 0.41, padding=1)
        costs.learn(9, 0.40, padding=3)
    assert costs.padding(15) == 1
    assert costs.padding(9) == 0


def test_nothing_is_padded_that_fills_its_block_or_is_small_or_not_known() -> None:
    assert _costs({16: 0.4, 3: 0.1, 1: 0.08}).padding(16) == 0
    assert _costs({3: 0.1}).padding(3) == 0
    assert StepCosts().padding(15) == 0


def test_what_a_padded_step_takes_is_not_taken_for_a_step_of_as_many_rows() -> None:
    costs = _costs({8: 0.3})
    for _ in range(2):
        costs.learn(13, 9.0, padding=3)
    assert costs.worthwhile(8, [0.9] * 8) == 8
