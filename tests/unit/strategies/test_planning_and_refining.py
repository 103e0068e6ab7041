"""Plans, simpler questions first, and drafts made better."""

from langchain_core.messages import HumanMessage

from agentkit import ScriptedModel
from agentkit.strategies import LeastToMost, NumberForm, Problem, SelfRefine, plan_and_solve

_PENS = Problem("3 boxes of 4 pens, 2 lost?", form=NumberForm())


def test_a_plan_is_asked_for_before_the_solution() -> None:
    model = ScriptedModel(replies=["Plan: multiply, subtract.\nAnswer: 10"])
    answer = plan_and_solve().solve(_PENS, model)
    assert (answer.text, answer.reasoning) == ("10", "Plan: multiply, subtract.")
    assert "devise a plan" in str(model.calls[0][0].content)


def test_simpler_questions_are_answered_in_turn_each_knowing_the_ones_before() -> None:
    replies = ["Here:\n1. How many at first?\n2) How many are lost?", "12.", "2.", "12 - 2 = 10.\nAnswer: 10"]
    model = ScriptedModel(replies=replies)
    answer = LeastToMost().solve(_PENS, model)
    assert answer.text == "10"
    assert model.calls[2] == [
        HumanMessage(
            "3 boxes of 4 pens, 2 lost?\n\nQ: How many at first?\nA: 12.\n\n"
            "Answer this in one or two sentences: How many are lost?"
        )
    ]
    assert answer.reasoning == "Q: How many at first?\nA: 12.\n\nQ: How many are lost?\nA: 2.\n\n12 - 2 = 10."


def test_a_draft_is_written_again_until_no_mistakes_are_found() -> None:
    replies = ["3 + 4.\nAnswer: 7", "It must multiply.", "3 * 4 - 2.\nAnswer: 10", "No mistakes."]
    model = ScriptedModel(replies=replies)
    answer = SelfRefine(rounds=5).solve(_PENS, model)
    assert answer.text == "10"
    assert answer.reasoning == "3 + 4.\nAnswer: 7\n\nFeedback: It must multiply.\n\n3 * 4 - 2.\nAnswer: 10"
    assert "A draft:\n3 + 4.\nAnswer: 7" in str(model.calls[1][0].content)
    assert "What is wrong with it:\nIt must multiply." in str(model.calls[2][0].content)


def test_criticism_ends_after_the_rounds_asked_for() -> None:
    model = ScriptedModel(replies=["Answer: 1", "Wrong.", "Answer: 2"])
    assert SelfRefine(rounds=1).solve(_PENS, model).text == "2"
    assert len(model.calls) == 3
