"""Follow-up questions rewritten so that they can be searched for."""

import pytest
from langchain_core.messages import AIMessage

from agentkit.models.messages import text_of
from agentkit.models.scripted import ScriptedModel
from agentkit.pipelines.followups import standalone_question
from agentkit.pipelines.history import Exchange

HISTORY = [Exchange("Who built the tide mill?", "Josiah Pell built it in 1871.")]


def test_the_first_question_costs_no_call() -> None:
    model = ScriptedModel(replies=[])
    assert standalone_question("Who built it?", [], model)[0] == "Who built it?"
    assert model.calls == []


def test_a_follow_up_is_what_the_model_makes_of_it() -> None:
    model = ScriptedModel(replies=["Where was Josiah Pell born?"])
    assert standalone_question("Where was he born?", HISTORY, model)[0] == "Where was Josiah Pell born?"
    asked = text_of(model.calls[0][-1])
    assert "Question: Who built the tide mill?\nAnswer: Josiah Pell built it in 1871." in asked
    assert asked.endswith("Last question: Where was he born?\nRewritten:")


@pytest.mark.parametrize(
    "reply", ["", "  \n ", "He was born in Almsford.", "Where " + "was he born " * 60 + "?", AIMessage([])]
)
def test_what_cannot_be_the_question_is_not_taken(reply: str | AIMessage) -> None:
    model = ScriptedModel(replies=[reply])
    assert standalone_question("Where was he born?", HISTORY, model)[0] == "Where was he born?"


def test_a_request_need_not_be_a_question() -> None:
    model = ScriptedModel(replies=['Rewritten: "Tell me about Josiah Pell"\nAnd more.'])
    assert standalone_question("Tell me about him", HISTORY, model)[0] == "Tell me about Josiah Pell"


def test_only_the_latest_answered_exchanges_are_shown_and_long_ones_in_part() -> None:
    history = [Exchange(f"Question {n}?", f"Answer {n}. " + "x" * 5000) for n in range(9)] + [Exchange("Stopped?")]
    model = ScriptedModel(replies=["What?"])
    standalone_question("And?", history, model)
    asked = text_of(model.calls[0][-1])
    assert "Question 5?" not in asked
    assert "Question 6?" in asked
    assert "Stopped?" not in asked
    assert len(asked) < 2000


def test_a_small_context_shows_fewer_exchanges_or_leaves_the_question_alone() -> None:
    history = [Exchange(f"Question {n}?", "y " * 140) for n in range(3)]
    model = ScriptedModel(replies=["What?"], profile={"max_input_tokens": 320})
    standalone_question("And?", history, model)
    assert "Question 1?" not in text_of(model.calls[0][-1])
    tiny = ScriptedModel(replies=[], profile={"max_input_tokens": 100})
    assert standalone_question("And?", history, tiny)[0] == "And?"
