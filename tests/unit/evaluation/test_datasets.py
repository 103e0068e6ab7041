"""Reading what to measure by, and naming what is wrong with it."""

from pathlib import Path

import pytest

from agentkit.errors import EvaluationError
from agentkit.evaluation.datasets import read_beir, read_corpus, read_questions


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "A", "text": "x"}\n{"_id": "d2", "text": "y"}\n')
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n{"_id": "q3", "text": " "}\n'
    )
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td9\t1\nq9\td1\t1\nq3\td1\t1\n")
    return tmp_path


def test_what_is_left_out_is_counted_and_named(beir: Path) -> None:
    judged = read_beir(beir, known=frozenset(document.id for document in read_corpus(beir)))
    assert judged.queries == {"q1": "one"}
    assert judged.judgements == {"q1": {"d1": 2}}
    notes = "\n".join(judged.notes)
    for named in ("1 queries have no text (q3)", "no judgement (q2)", "not in queries.jsonl (q9)", "corpus (d9)"):
        assert named in notes


def test_qrels_may_be_in_a_folder_of_their_own(beir: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels.tsv").rename(beir / "qrels" / "test.tsv")
    assert read_beir(beir).queries.keys() == {"q1"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\nnot json\n', r"queries.jsonl, line 2: not JSON"),
        ("queries.jsonl", "[1]\n", "line 1: expected an object"),
        ("queries.jsonl", '{"text": "a"}\n', "line 1: '_id' is missing"),
        ("qrels.tsv", "q1\td1\n", "qrels.tsv, line 1: expected query-id"),
        ("qrels.tsv", "q1\td1\tmany\n", "qrels.tsv, line 1"),
        ("qrels.tsv", "q8\td1\t1\n", "no query with a judgement"),
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}\n', "two queries with the id 'q1'"),
    ],
)
def test_malformed_data_is_named_with_file_and_line(beir: Path, name: str, content: str, reason: str) -> None:
    (beir / name).write_text(content)
    with pytest.raises(EvaluationError, match=reason):
        read_beir(beir)


def test_what_is_given_twice_is_named(beir: Path) -> None:
    (beir / "qrels.tsv").write_text("q1\td1\t2\nq1\td1\t1\nq1\td2\t1\nq1\td2\t1\n")
    judged = read_beir(beir)
    assert judged.judgements == {"q1": {"d1": 1, "d2": 1}}
    assert any(note.startswith("1 documents are judged twice for a query") for note in judged.notes)
    (beir / "corpus.jsonl").write_text('{"_id": "d1", "text": "x"}\n{"_id": "d1", "text": "y"}\n')
    with pytest.raises(EvaluationError, match="two documents with the id 'd1'"):
        read_corpus(beir)


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"corpus.jsonl cannot be read"):
        read_corpus(tmp_path)


def test_a_line_ends_where_json_lines_end(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "a\u2028b?", "answer": 0}\n{"question": "c?"}\n', encoding="utf-8")
    first, second = read_questions(path)
    assert (first.question, first.answers, first.is_answerable) == ("a\u2028b?", ("0",), True)
    assert not second.is_answerable


@pytest.mark.parametrize("span", ['"3-9"', "[1]", "[1, 2, 3]", "3"])
def test_a_span_that_is_none_is_named_with_its_line(tmp_path: Path, span: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"question": "a?", "span": {span}}}\n')
    with pytest.raises(EvaluationError, match=r"line 1: 'span' is two whole numbers"):
        read_questions(path)


def test_questions_are_read_with_what_is_known_of_them(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "a?", "files": ["x.md"], "answer": ["1"], "span": [2, 5]}\n\n{"question": "b?"}\n')
    first, second = read_questions(path)
    assert first.files == ("x.md",)
    assert first.span == (2, 5)
    assert first.is_answerable
    assert not second.is_answerable
    assert (first.id, second.id) == ("1", "3")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no questions"),
        ('{"question": ""}', "'question' is missing"),
        ('{"question": "a", "id": 1}\n' * 2, "two"),
    ],
)
def test_malformed_questions_are_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content)
    with pytest.raises(EvaluationError, match=reason):
        read_questions(path)


def test_a_mark_at_the_beginning_is_no_part_of_the_data(beir: Path) -> None:
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        (beir / name).write_bytes(b"\xef\xbb\xbf" + (beir / name).read_bytes())
    assert [document.id for document in read_corpus(beir)] == ["d1", "d2"]
    assert read_beir(beir).judgements["q1"]["d1"] == 2


def test_0_is_an_id(tmp_path: Path) -> None:
    rows = "".join(f'{{"_id": {number}, "id": {number}, "text": "a", "question": "a?"}}\n' for number in range(3))
    for name in ("corpus.jsonl", "queries.jsonl"):
        (tmp_path / name).write_text(rows)
    (tmp_path / "qrels.tsv").write_text("0\t0\t1\n")
    assert [question.id for question in read_questions(tmp_path / "queries.jsonl")] == ["0", "1", "2"]
    assert [document.id for document in read_corpus(tmp_path)] == ["0", "1", "2"]
    assert read_beir(tmp_path).judgements == {"0": {"0": 1}}


def test_judgements_are_lines_and_not_csv(beir: Path) -> None:
    (beir / "qrels.tsv").write_text('q1\t"d1\t1\r\nq1\td2\t1\n')
    assert read_beir(beir).judgements == {"q1": {'"d1': 1, "d2": 1}}
    (beir / "qrels.tsv").write_bytes(b"q1\td\xff\t1\n")
    with pytest.raises(EvaluationError, match=r"qrels.tsv is not UTF-8 text \(byte 4\)"):
        read_beir(beir)


def test_half_of_a_surrogate_pair_is_text_that_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "a\\ud83d?"}\n{"question": "\\ud83d\\ude00?"}\n')
    assert [question.question for question in read_questions(path)] == ["a??", "\U0001f600?"]


def test_answers_under_another_key_are_no_question_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "a?", "answers": ["x"]}\n')
    with pytest.raises(EvaluationError, match="line 1: 'answers' is no key: write 'answer'"):
        read_questions(path)
