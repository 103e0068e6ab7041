"""Reasoning first: the prompt, the answer's line, the one retry."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agentkit import ScriptedModel, StopReason
from agentkit.errors import StrategyError
from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.examples import Example, FixedExamples
from agentkit.strategies.forms import ChoiceForm, NumberForm
from agentkit.strategies.problem import Problem

_PENS = Problem("How many pens are in 3 boxes of 4?", form=NumberForm())
_ENDING = (
    '\n\nLet\'s think step by step. Then give a number without its unit in a last line that begins with "Answer: ".'
)


def test_the_reasoning_and_the_answer_are_told_apart() -> None:
    model = ScriptedModel(replies=["4 and 4 and 4 are 12.\n**Answer:** 12 pens"])
    answer = ChainOfThought().solve(_PENS, model)
    assert (answer.text, answer.reasoning) == ("12", "4 and 4 and 4 are 12.")
    assert answer.stop_reason is StopReason.COMPLETED
    assert model.calls == [[HumanMessage(_PENS.question + _ENDING)]]


def test_the_context_stands_before_the_question() -> None:
    model = ScriptedModel(replies=["Answer: 12"])
    ChainOfThought().solve(Problem("How many pens?", "A box has 4 pens.", NumberForm()), model)
    assert str(model.calls[0][0].content).startswith("A box has 4 pens.\n\nHow many pens?\n\nLet's")


def test_reasoned_examples_end_as_the_reply_shall() -> None:
    model = ScriptedModel(replies=["Answer: 12"])
    chain = ChainOfThought(examples=FixedExamples((Example("1 + 1?", "2", "One and one."),)))
    chain.solve(_PENS, model)
    assert model.calls[0][:2] == [HumanMessage("1 + 1?" + _ENDING), AIMessage("One and one.\nAnswer: 2")]


def test_a_reply_without_the_answers_line_is_asked_for_it_once() -> None:
    model = ScriptedModel(replies=["That makes 12 pens.", "12"])
    answer = ChainOfThought().solve(_PENS, model)
    assert (answer.text, answer.reasoning) == ("12", "That makes 12 pens.")
    assert model.calls[1] == [
        HumanMessage(_PENS.question + _ENDING),
        AIMessage("That makes 12 pens."),
        HumanMessage('Give only the answer, a number without its unit, in one line that begins with "Answer: ".'),
    ]


def test_an_answer_that_never_parses_is_said_to_be_so() -> None:
    answer = ChainOfThought().solve(_PENS, ScriptedModel(replies=["Many.", "Quite many."]))
    assert answer.stop_reason is StopReason.UNPARSED
    assert answer.text == "Many."
    assert answer.warnings == ("no answer of the wanted form could be read from the reply",)


def test_a_choice_outside_its_options_is_asked_for_again() -> None:
    problem = Problem("Is the sea salt?", form=ChoiceForm(("yes", "no")))
    answer = ChainOfThought().solve(problem, ScriptedModel(replies=["Answer: perhaps", "Answer: Yes."]))
    assert answer.text == "yes"


def test_a_problem_needs_a_question_and_options_their_ranges() -> None:
    with pytest.raises(StrategyError, match="no question"):
        Problem("  ")
    with pytest.raises(StrategyError, match="max_tokens is 0: give a value from 1"):
        ChainOfThought(max_tokens=0)
    with pytest.raises(StrategyError, match="temperature is 3"):
        ChainOfThought(temperature=3)
