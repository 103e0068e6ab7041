"""The rules of Game of 24 in `benchmarks/game24.py`: arithmetic by code, exact, nothing executed."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ScriptedModel
from agentkit.strategies import Problem, RankedProposals, TreeOfThought, WrittenVerdicts
from agentkit.strategies.asking import Asker

_ANY = Problem("Make 24.")
_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def game24() -> Iterator[ModuleType]:
    sys.path.insert(0, str(_BENCHMARKS))
    yield import_module("game24")
    sys.path.remove(str(_BENCHMARKS))


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ("(1 + 1) * (4 + 6) + 4", False),
        ("6 * 4 * 1 * 1", True),
        ("6 × 4 * 1 / 1 = 24", True),
        ("`(6) * (4 + 1 - 1)`", True),
        ("24", False),
        ("6 * 4", False),
        ("6 ** 4 - 1 - 1", False),
        ("6 / (1 - 1) + 4", False),
        ("__import__('os')", False),
        ("", False),
        ("((((", False),
    ],
)
def test_an_expression_is_right_where_it_uses_the_numbers_once_and_makes_24(
    game24: ModuleType, answer: str, is_right: bool
) -> None:
    assert game24.is_right("1 1 4 6", answer) is is_right


@given(numbers=st.lists(st.integers(1, 13), min_size=2, max_size=4))
def test_every_legal_step_is_valid_and_leaves_one_number_less(game24: ModuleType, numbers: list[int]) -> None:
    state = " ".join(map(str, sorted(numbers)))
    rules = game24.rules(state)
    for step in game24.legal_steps(state):
        assert rules.is_valid(state, step)
        assert len(rules.advance(state, step).split()) == len(numbers) - 1


def test_a_step_with_wrong_arithmetic_is_not_valid(game24: ModuleType) -> None:
    rules = game24.rules("4 6")
    assert rules.is_valid("4 6", "4 * 6")
    assert rules.is_valid("4 6", "4 * 6 = 24")
    for step in ("4 * 6 = 25", "4 * 7 = 28", "4 * 4", "4 - 6", "0 * 4", "4 / 0", "4 ** 6", "4 * 6 = 24 = 24", "24"):
        assert not rules.is_valid("4 6", step)


def test_the_examples_of_the_prompts_are_true(game24: ModuleType) -> None:
    for state, step in game24._EXAMPLE_STEPS:
        assert game24.is_solvable(game24._left(state, step)), (state, step)
    judged = (*game24._EXAMPLE_VERDICTS, *game24._EXAMPLE_PAIRS, *game24._EXAMPLE_TRIPLES)
    for state, verdict in judged:
        if verdict != "likely":
            assert game24.is_solvable(state) is (verdict in {"yes", "sure"}), state


def test_fractions_are_exact(game24: ModuleType) -> None:
    steps = ["8 / 3 = 8/3", "3 - 8/3", "8 / 1/3 = 24"]
    answer = game24.expression("3 3 8 8", steps)
    assert answer == "(8 / (3 - (8 / 3)))"
    assert game24.is_right("3 3 8 8", answer)
    assert game24.is_solvable("3 3 8 8")
    assert not game24.is_solvable("1 1 1 1")


def test_a_tree_solves_a_puzzle_without_a_model_where_its_values_are_right(game24: ModuleType) -> None:
    steps = {"1 1 4 6": ["4 * 6"], "1 1 24": ["1 * 1"]}
    strategy = TreeOfThought(
        depth=3,
        beam=1,
        proposer=RankedProposals(lambda state: steps.get(state) or game24.legal_steps(state), count=8),
        evaluator=WrittenVerdicts(samples=1),
        rules=game24.rules("1 1 4 6"),
    )
    answer = strategy.solve(game24.problem("1 1 4 6"), ScriptedModel(replies=["sure", "sure"]))
    assert game24.is_right("1 1 4 6", answer.text)


def test_two_numbers_are_worth_what_the_model_writes_that_they_make(game24: ModuleType) -> None:
    states = ["10 14", "11 12", "4 28", "1/2 12", "5 24/5"]
    replies = ["+24 -4 *140", "+23 -1 *124", "+32 -24 *112 /7", "+25/2 -23/2 *6 /24", "+49/5 -1/5 *24"]
    model = ScriptedModel(replies=[*replies, "+24/5 -2 *4"])
    asker = Asker(model)
    assert game24.TriedValues().evaluate(_ANY, states, asker, 0) == [1.0, 0.0, 1.0, 1.0, 1.0]
    assert game24.TriedValues().evaluate(_ANY, ["4 6"], asker, 0) == [0.0]
    assert [str(call[-1].content) for call in model.calls[:5]] == states
    assert model.calls[0][1].content == "+24 -4 *140"
