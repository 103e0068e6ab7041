"""Metrics are those of the reference packages, and of the definitions."""

import math
import random
from pathlib import Path

import ir_measures
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_bleu

from agentkit import HashingEmbedder, Index, ScriptedModel, index_folder
from agentkit.evaluation.answers import bleu, contains, evaluate_answers, f1, normalized, rouge, score_answer
from agentkit.evaluation.datasets import CorpusDocument, JudgedQueries, Question
from agentkit.evaluation.judge import Rating, rate_answer
from agentkit.evaluation.records import Evaluation
from agentkit.evaluation.report import differences, html, markdown, renamed
from agentkit.evaluation.resume import Finished
from agentkit.evaluation.retrieval import (
    document_ranking,
    evaluate_retrieval,
    index_corpus,
    questions_as_judged,
    score_rankings,
)
from agentkit.evaluation.statistics import bootstrap_mean, paired_difference
from agentkit.results import Answer, Citation, Hit, StopReason


def test_rankings_are_scored_as_pytrec_eval_scores_them() -> None:
    rng = random.Random(1)
    documents = [f"d{number}" for number in range(40)]
    judgements = {f"q{n}": {d: rng.randrange(4) for d in rng.sample(documents, 15)} for n in range(30)}
    run = {q: [(d, float(-n)) for n, d in enumerate(rng.sample(documents, 25))] for q in judgements}
    ours = score_rankings(run, judgements)
    names = {"nDCG@10": "ndcg_cut_10", "AP": "map", "RR": "recip_rank", "P@5": "P_5", "R@10": "recall_10"}
    evaluator = pytrec_eval.RelevanceEvaluator(judgements, set(names.values()))
    theirs = evaluator.evaluate({q: dict(ranking) for q, ranking in run.items()})
    for name, other in names.items():
        for query in judgements:
            assert ours[name][query] == pytest.approx(theirs[query][other], abs=1e-6), (name, query)
    mean = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10],
        judgements,
        {q: dict(ranking) for q, ranking in run.items()},
    )[ir_measures.nDCG @ 10]
    assert sum(ours["nDCG@10"].values()) / 30 == pytest.approx(mean, abs=1e-6)


def test_a_query_that_found_nothing_counts_as_0() -> None:
    assert score_rankings({"q": []}, {"q": {"d": 1}})["nDCG@10"] == {"q": 0.0}


def test_a_document_stands_where_its_best_passage_stands() -> None:
    hits = [Hit(n, 1.0, path, None, 0, 1, "x") for n, path in enumerate(["b", "a", "b", "c", "a"], start=1)]
    assert [name for name, _ in document_ranking(hits, {"a": "A", "b": "B"})] == ["B", "A"]


def test_retrieval_is_measured_through_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "tide.md").write_text("# Tide\n\nThe tide turns at noon.")
    (folder / "bread.md").write_text("# Bread\n\nBread is baked on Mondays.")
    questions = [Question("1", "When does the tide turn?", ("tide.md",)), Question("2", "Who?", ("gone.md",))]
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        judged = questions_as_judged(questions, frozenset(index.paths()))
        assert "gone.md" in "\n".join(judged.notes)
        evaluation = evaluate_retrieval(index, judged, {path: path for path in index.paths()})
    assert evaluation.mean("RR").mean == 1.0
    assert evaluation.settings["queries"] == 1


def test_documents_that_a_corpus_has_no_more_are_not_searched(tmp_path: Path) -> None:
    documents = [CorpusDocument(f"d{number}", "", f"The tide turns {number}.") for number in range(3)]
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_corpus(documents, tmp_path / "documents", index)
        paths = index_corpus(documents[:1], tmp_path / "documents", index)
        assert set(index.paths()) == set(paths) == {"000000.txt"}


def test_answers_are_scored_as_the_reference_packages_score_them() -> None:
    text, expected = "The ferry leaves at nine in the morning.", "The ferry leaves at ten in the evening"
    scores = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True).score(expected, text)
    for ours, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        assert rouge(text, expected)[ours] == pytest.approx(scores[theirs].fmeasure, abs=1e-6)
    assert bleu(text, [expected]) == pytest.approx(sentence_bleu(text, [expected]).score / 100, abs=1e-6)


def test_f1_counts_shared_words_of_the_normalised_texts() -> None:
    assert normalized("The  Ferry, leaves!") == "ferry leaves"
    assert f1("the ferry leaves at nine", "ferry at ten") == pytest.approx(2 * 2 / (4 + 3))
    assert f1("", "") == 1.0
    assert f1("a", "x") == 0.0


def test_citations_and_refusals_are_scored() -> None:
    question = Question("1", "?", ("a.md", "b.md"), ("nine",), (0, 10))
    cited = (Citation("a.md", None, 5, 8, "x"), Citation("c.md", None, 0, 3, "y"))
    score = score_answer(question, Answer("It is nine.", cited, True))
    assert (score.hit, score.citation_precision, score.citation_recall) == (1.0, 0.5, 0.5)
    assert (score.contains_answer, score.exact_match, score.refusal) == (1.0, 0.0, 1.0)
    refused = Answer("Not there.", stop_reason=StopReason.NOT_FOUND)
    assert score_answer(question, refused).refusal == 0.0
    assert score_answer(Question("2", "?"), refused).refusal == 1.0
    assert score_answer(Question("2", "?"), Answer("Nine.")).refusal == 0.0


@pytest.mark.parametrize(
    ("text", "expected", "is_there"),
    [
        ("In 2012.", "12", False),
        ("It is 3.5 m.", "5", False),
        ("It is 3.5 m.", "3", False),
        ("It costs 1,340 crowns.", "1340", True),
        ("There are 12, of 40.", "40", True),
        ("On the 4th floor", "4", True),
        ("Two Gulls", "gull", True),
        ("東京都です", "東京", True),
    ],
)
def test_an_answer_is_contained_unless_it_is_part_of_another_number(text: str, expected: str, is_there: bool) -> None:
    assert contains(text, expected) is is_there


def test_a_saved_row_has_citations_as_the_command_line_gives_them() -> None:
    cited = Citation("a.md", 2, 5, 8, "x", "Terms › Fares")
    run = evaluate_answers([Question("1", "?")], lambda _: Answer("Nine.", (cited,), True), settings={})
    assert run.details[0]["citations"] == [cited.as_json()]


def test_a_span_is_the_first_files() -> None:
    question = Question("1", "?", ("a.md", "b.md"), span=(0, 10))
    cited = (Citation("b.md", None, 500, 510, "x"),)
    assert score_answer(question, Answer("x", cited, True)).citation_precision == 1.0


def test_a_judge_that_fails_costs_no_answer(tmp_path: Path) -> None:
    def fail(question: Question, answer: Answer) -> Rating:
        raise RuntimeError("no luck")

    questions = [Question("1", "q", (), ("x",))]
    run = evaluate_answers(questions, lambda _: Answer("x"), settings={}, rate=fail)
    assert run.mean("contains_answer").mean == 1.0
    assert "RuntimeError: no luck" in run.notes[0]


def test_a_run_that_was_stopped_goes_on_and_a_failure_is_named(tmp_path: Path) -> None:
    questions = [Question(str(number), f"q{number}", (), ("x",)) for number in range(4)]
    journal = tmp_path / "run"
    asked: list[str] = []

    def answer(question: str) -> Answer:
        asked.append(question)
        if question == "q2" and len(asked) < 4:
            raise RuntimeError("no luck")
        return Answer("x")

    first = evaluate_answers(questions, answer, settings={"a": 1}, journal=journal)
    assert first.notes == ("1 of 4 questions failed (2: RuntimeError: no luck)",)
    with journal.open("a") as file:
        file.write('{"run": "cut')
    second = evaluate_answers(questions, answer, settings={"a": 1}, journal=journal)
    assert asked == ["q0", "q1", "q2", "q3", "q2"]
    assert not second.notes
    assert second.mean("contains_answer").count == 4
    evaluate_answers(questions[:1], answer, settings={"a": 2}, journal=journal)
    assert asked[-1] == "q0"


def test_a_journal_that_was_cut_loses_no_other_row(tmp_path: Path) -> None:
    journal = tmp_path / "run"
    Finished(journal, {}).add("1", {"answer": "é"})
    with journal.open("ab") as file:
        file.write('\n{"run": "é'.encode()[:-1])
    Finished(journal, {}).add("2", {"answer": "x"})
    finished = Finished(journal, {})
    assert (finished.get("1"), finished.get("2")) == ({"answer": "é"}, {"answer": "x"})


def test_answers_that_the_judge_does_not_rate_and_unknown_files_are_named() -> None:
    questions = [Question("a", "q", ("x.md",), ("1",)), Question("b", "r", ("gone.md",), ("2",)), Question("c", "?")]
    model = ScriptedModel(replies=["4", "I cannot say."])
    evaluation = evaluate_answers(
        questions,
        lambda question: Answer("1"),
        settings={},
        rate=lambda question, answer: rate_answer(model, question, answer),
        known_files={"x.md"},
    )
    assert evaluation.values["rating"] == {"a": 4.0}
    notes = "\n".join(evaluation.notes)
    assert "1 expected files are not in the index (gone.md)" in notes
    assert "1 answers were not rated by the judge (b: 'I cannot say.')" in notes
    assert "A right answer: 1" in str(model.calls[0][-1].content)


def test_an_interval_holds_its_mean_and_two_equal_runs_do_not_differ() -> None:
    values = [0.0, 1.0, 0.5, 0.25, 1.0, 0.75] * 10
    interval = bootstrap_mean(values)
    assert interval.low < interval.mean < interval.high
    assert paired_difference(values, values).p_value == 1.0
    better = paired_difference(values, [value + 0.2 for value in values])
    assert better.mean.mean == pytest.approx(0.2)
    assert better.p_value < 0.01
    with pytest.raises(ValueError, match="value 2 is nan"):
        bootstrap_mean([1.0, math.nan])
    with pytest.raises(ValueError, match="as many"):
        paired_difference([1.0], [])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_mean_lies_in_its_interval(values: list[float]) -> None:
    interval = bootstrap_mean(values)
    assert interval.low - 1e-9 <= interval.mean <= interval.high + 1e-9
    assert math.isclose(interval.mean, sum(values) / len(values), abs_tol=1e-9)


def test_reports_escape_what_documents_say_and_are_read_back(tmp_path: Path) -> None:
    evaluation = Evaluation(
        "answers",
        {"model": "<script>"},
        {"f1": {"a": 0.5, "b": 1.0}, "seconds": {"a": 12.0, "b": 14.0}},
        [{"id": "a", "answer": "<b>&</b>"}],
        ("one note",),
    )
    page = html(evaluation)
    assert "<script>" not in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "| f1 | 0.750 |" in markdown(evaluation)
    evaluation.save(tmp_path / "run.json")
    loaded = Evaluation.load(tmp_path / "run.json")
    assert loaded.values == evaluation.values
    assert differences(evaluation, loaded)["f1"].mean.mean == 0.0


def test_questions_that_only_share_an_id_are_not_compared() -> None:
    values = {"f1": {"1": 0.5, "2": 1.0}}
    first = Evaluation("answers", {}, values, [{"id": "1", "question": "a?"}, {"id": "2", "question": "b?"}])
    second = Evaluation("answers", {}, values, [{"id": "1", "question": "a?"}, {"id": "2", "question": "c?"}])
    assert differences(first, second)["f1"].mean.count == 1
    assert renamed(first, second) == {"2"}


def test_a_file_that_is_no_evaluation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(Exception, match="is no evaluation of agentkit"):
        Evaluation.load(path)


def test_judged_queries_without_notes_have_none() -> None:
    assert JudgedQueries({}, {}).notes == ()
