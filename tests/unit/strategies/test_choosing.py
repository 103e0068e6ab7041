"""A strategy by its name."""

import pytest

from agentkit import HashingEmbedder, ScriptedModel
from agentkit.errors import StrategyError
from agentkit.strategies import Example, Problem, option_names, strategy, strategy_names

_REPLIES = {
    "direct": ["4"],
    "few-shot": ["4"],
    "cot": ["Answer: 4"],
    "self-consistency": ["Answer: 4"] * 5,
    "tot": ["two", "three"] + ["sure"] * 6 + ["4"],
    "plan": ["Answer: 4"],
    "refine": ["Answer: 4", "No mistakes."],
}


@pytest.mark.parametrize("name", strategy_names())
def test_every_strategy_solves_with_its_defaults(name: str) -> None:
    options: dict[str, object] = {"examples": [Example("1 + 1?", "2")]} if name == "few-shot" else {}
    if name == "tot":
        options = {"proposals": 2, "depth": 1}
    model = ScriptedModel(replies=_REPLIES[name])
    assert strategy(name, **options).solve(Problem("2 + 2?"), model).text == "4"
    assert len(model.calls) == len(_REPLIES[name])


def test_these_are_the_strategies() -> None:
    assert strategy_names() == ["direct", "few-shot", "cot", "self-consistency", "tot", "plan", "refine"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("self-consistancy", {}, "there is no strategy 'self-consistancy': did you mean 'self-consistency'?"),
        ("zzz", {}, "known are direct, few-shot"),
        ("cot", {"max_token": 3}, "has no option 'max_token': did you mean 'max_tokens'?"),
        ("self-consistency", {"samples": 0}, "samples is 0: give a value from 1 to 256"),
        ("tot", {"depth": 99}, "depth is 99: give a value from 1 to 64"),
        ("tot", {"search": "sideways"}, "'sideways' is not a valid Search"),
        ("few-shot", {}, "needs examples"),
        ("refine", {"rounds": 0}, "rounds is 0"),
    ],
)
def test_what_cannot_be_chosen_is_said(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        strategy(name, **options)


def test_a_chain_of_thought_takes_examples_like_the_question() -> None:
    examples = [Example("red fox", "1", "r"), Example("blue sea", "2", "s")]
    model = ScriptedModel(replies=["Answer: 3"])
    chosen = strategy("cot", examples=examples, choosing="similar", embedder=HashingEmbedder(), count=1)
    chosen.solve(Problem("the blue sea?"), model)
    assert model.calls[0][1].content == "s\nAnswer: 2"
    assert "choosing" in option_names("cot")
