"""A model as judge."""

from agentkit import ScriptedModel
from agentkit.evaluation.judge import prefer, preferences, rate


def test_a_rating_is_read_and_a_judge_that_gives_none_is_said() -> None:
    model = ScriptedModel(replies=["I give it 4.", "No idea."])
    assert rate(model, "q", "a").value == 4.0
    refused = rate(model, "q", "a", expected="b")
    assert refused.value is None
    assert refused.reply == "No idea."
    assert "A right answer: b" in str(model.calls[1][-1].content)


def test_a_pair_is_judged_in_both_orders() -> None:
    assert prefer(ScriptedModel(replies=["B", "A"]), "q", "x", "y") == 1.0
    assert prefer(ScriptedModel(replies=["A", "B"]), "q", "x", "y") == -1.0
    assert prefer(ScriptedModel(replies=["A", "A"]), "q", "x", "y") == 0.0
    assert prefer(ScriptedModel(replies=["A", "neither"]), "q", "x", "y") is None


def test_answers_of_two_runs_are_compared_and_undecided_pairs_are_named() -> None:
    first = [{"id": str(n), "question": "q", "answer": text} for n, text in enumerate(["same", "x", "x", "x"])]
    second = [{"id": str(n), "question": "q", "answer": text} for n, text in enumerate(["same", "y", "y"])]
    values, notes = preferences(ScriptedModel(replies=["B", "A", "neither", "A"]), first, second)
    assert values == {"0": 0.0, "1": 1.0}
    assert notes == ("1 pairs were not compared by the judge (2)",)


def test_answers_to_other_questions_are_not_compared() -> None:
    first, second = ([{"id": "1", "question": question, "answer": question}] for question in ("a?", "b?"))
    assert preferences(ScriptedModel(replies=[]), first, second) == ({}, ())
