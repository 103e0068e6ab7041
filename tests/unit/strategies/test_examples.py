"""Worked examples: read from a file, chosen, fitted, shown as turns."""

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agentkit import HashingEmbedder, ScriptedModel
from agentkit.errors import StrategyError
from agentkit.strategies.direct import Direct
from agentkit.strategies.examples import EmbeddedExamples, Example, FixedExamples, load_examples
from agentkit.strategies.few_shot import Choosing, few_shot
from agentkit.strategies.forms import NumberForm
from agentkit.strategies.problem import Problem

_FOX = Example("where does the red fox sleep", "in a den")
_FOXES = Example("where does the red fox sleep now", "in the den")
_MILL = Example("who built the old mill", "Josiah Pell")
_TIDE = Example("when is the high tide", "at noon")


def test_examples_are_turns_of_the_conversation_before_the_question() -> None:
    model = ScriptedModel(replies=["7"])
    strategy = few_shot([Example("1 + 1?", "2"), Example("2 + 2?", "4")])
    answer = strategy.solve(Problem("3 + 4?", form=NumberForm()), model)
    ending = "\n\nGive only the answer: a number without its unit."
    assert model.calls == [
        [
            HumanMessage("1 + 1?" + ending),
            AIMessage("2"),
            HumanMessage("2 + 2?" + ending),
            AIMessage("4"),
            HumanMessage("3 + 4?" + ending),
        ]
    ]
    assert answer.text == "7"


def test_the_most_similar_example_stands_next_to_the_question() -> None:
    chooser = EmbeddedExamples([_MILL, _FOX, _TIDE], HashingEmbedder(), count=2)
    chosen = chooser.choose("does the fox sleep")
    assert chosen[0] == _FOX
    assert chooser.arrange(chosen)[-1] == _FOX


def test_diverse_examples_do_not_repeat_each_other() -> None:
    examples = [_FOX, _FOXES, _MILL]
    question = "where does the red fox sleep"
    assert EmbeddedExamples(examples, HashingEmbedder(), count=2).choose(question) == [_FOX, _FOXES]
    assert EmbeddedExamples(examples, HashingEmbedder(), count=2, diversity=0.8).choose(question) == [_FOX, _MILL]


def test_examples_that_do_not_fit_are_left_out_and_said() -> None:
    model = ScriptedModel(replies=["Yes."])
    strategy = Direct(examples=FixedExamples((_MILL, Example("x" * 4000, "y"))), max_prompt_tokens=100)
    answer = strategy.solve(Problem("Who built it?"), model)
    assert [message.content for message in model.calls[0]] == [_MILL.question, _MILL.answer, "Who built it?"]
    assert answer.warnings == ("1 of 2 examples did not fit into the prompt",)


def test_every_line_that_is_wrong_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    lines = ['{"question": "a", "answer": 0}', "", '{"question": "b"}', "nonsense", "[1]", '{"answer": "c"}',
             '{"question": "a", "answer": "b", "anwser": "c"}']  # fmt: skip
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(StrategyError) as caught:
        load_examples(path)
    problems = str(caught.value).splitlines()
    assert len(problems) == 5
    assert problems[0] == f"{path}, line 3: answer missing"
    assert [f"line {number}:" in problem for number, problem in zip((3, 4, 5, 6, 7), problems, strict=True)] == [
        True
    ] * 5


def test_examples_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text('{"question": "a", "answer": 0}\n\n{"question": "b", "answer": "c", "reasoning": "d"}\n', "utf-8")
    assert load_examples(path) == load_examples(str(path)) == [Example("a", "0"), Example("b", "c", "d")]


def test_a_file_without_examples_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n", "utf-8")
    with pytest.raises(StrategyError, match="has no examples"):
        load_examples(tmp_path / "empty.jsonl")
    with pytest.raises(StrategyError, match="cannot be read"):
        load_examples(tmp_path / "absent.jsonl")


def test_few_shot_says_what_it_lacks() -> None:
    with pytest.raises(StrategyError, match="needs examples"):
        few_shot([])
    with pytest.raises(StrategyError, match="needs an embedder"):
        few_shot([_FOX], choosing=Choosing.SIMILAR)
    with pytest.raises(StrategyError, match="count is 0"):
        few_shot([_FOX], count=0)
    with pytest.raises(StrategyError, match="count is 0"):
        EmbeddedExamples([_FOX], HashingEmbedder(), count=0)
