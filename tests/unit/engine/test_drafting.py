"""Guesses are runs that followed the same tokens before."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.models.engine.drafting import draft


def test_the_run_after_the_latest_earlier_occurrence_is_guessed() -> None:
    assert draft([1, 2, 3, 9, 1, 2, 4, 8, 1, 2], length=2) == [4, 8]


def test_nothing_is_guessed_where_nothing_repeats() -> None:
    assert draft([1, 2, 3, 4], length=4) == []
    assert draft([1], length=4) == []
    assert draft([1, 2, 1, 2], length=0) == []


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 8))
def test_a_guess_is_a_run_of_the_tokens_after_their_last_two(tokens: list[int], length: int) -> None:
    guess = draft(tokens, length=length)
    assert len(guess) <= length
    if guess:
        wanted = [*tokens[-2:], *guess]
        assert any(tokens[at : at + len(wanted)] == wanted for at in range(len(tokens)))
