"""A strategy by its name."""

from pathlib import Path

import pytest

from agentkit import HashingEmbedder, ScriptedModel
from agentkit.errors import StrategyError
from agentkit.strategies import (
    Example,
    Problem,
    SelfConsistency,
    option_names,
    read_options,
    strategy,
    strategy_names,
    writable_options,
)

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
        ("tot", {"search": "sideways"}, "search is 'sideways': give breadth-first or depth-first"),
        ("tot", {"generate": "guessed"}, "generate is 'guessed': give sampled or listed"),
        ("tot", {"evaluate": "coin"}, "evaluate is 'coin': give verdicts or votes"),
        ("few-shot", {}, "needs examples"),
        ("few-shot", {"examples": "sums.jsonl"}, r"examples are 'sums.jsonl': give Examples, .*load_examples"),
        ("few-shot", {"examples": [("1 + 1?", "2")]}, r"examples are .*: give Examples"),
        ("cot", {"examples": [("1 + 1?", "2")], "choosing": "similar", "embedder": HashingEmbedder()}, "give Examples"),
        ("cot", {"choosing": "nearest"}, "choosing is 'nearest': give fixed or similar or diverse"),
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


def test_options_are_read_from_text(tmp_path: Path) -> None:
    file = tmp_path / "examples.jsonl"
    file.write_text('{"question": "1 + 1?", "answer": "2"}\n')
    texts = {"samples": " 3", "temperature": "0.9", "choosing": "fixed", "examples": str(file)}
    options = read_options("self-consistency", texts)
    assert options == {"samples": 3, "temperature": 0.9, "choosing": "fixed", "examples": [Example("1 + 1?", "2")]}
    chosen = strategy("self-consistency", **options)
    assert isinstance(chosen, SelfConsistency)
    assert (chosen.samples, chosen.chain.temperature) == (3, 0.9)


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("tott", {}, "there is no strategy 'tott': did you mean 'tot'?"),
        ("tot", {"dept": "3"}, "the strategy 'tot' has no option 'dept': did you mean 'depth'?"),
        ("tot", {"depth": "deep"}, "depth is 'deep': give a whole number"),
        ("cot", {"temperature": "warm"}, "temperature is 'warm': give a number"),
        ("cot", {"embedder": "x"}, "the strategy 'cot' has no option 'embedder'"),
        ("few-shot", {"examples": "/nowhere.jsonl"}, "/nowhere.jsonl: the examples cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, texts: dict[str, str], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        read_options(name, texts)


@pytest.mark.parametrize("name", strategy_names())
def test_every_option_but_the_embedder_can_be_written(name: str) -> None:
    assert set(option_names(name)) - set(writable_options(name)) <= {"embedder"}


def test_a_system_message_begins_every_prompt() -> None:
    for name in strategy_names():
        options: dict[str, object] = {"examples": [Example("1 + 1?", "2")]} if name == "few-shot" else {}
        if name == "tot":
            options = {"proposals": 2, "depth": 1}
        model = ScriptedModel(replies=_REPLIES[name])
        strategy(name, **options).solve(Problem("2 + 2?", system="Count slowly."), model)
        assert {call[0].content for call in model.calls} == {"Count slowly."}
        assert all(call[0].type == "system" and call[1].type == "human" for call in model.calls)


def test_a_tree_can_list_its_steps_and_vote_on_them() -> None:
    model = ScriptedModel(replies=["- one\n- two", "2", "2", "1", "2", "2", "done"])
    answer = strategy("tot", generate="listed", evaluate="votes", depth=1).solve(Problem("2 + 2?"), model)
    assert (answer.text, answer.reasoning, answer.confidence) == ("done", "two", 0.8)
