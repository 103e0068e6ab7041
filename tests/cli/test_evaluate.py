"""`agentkit eval` and `agentkit check` through the front door."""

import json
from pathlib import Path

from tests.cli.conftest import Cli


def _questions(workspace: Path, *rows: dict[str, object]) -> Path:
    path = workspace / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _beir(folder: Path) -> Path:
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(
        '{"_id": "a", "title": "Tide", "text": "The tide turns."}\n{"_id": "b", "text": "Bread is baked."}\n'
    )
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "When does the tide turn?"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta\t1\n")
    return folder


def test_a_collection_is_indexed_and_measured_twice_alike(cli: Cli, workspace: Path) -> None:
    data = _beir(workspace / "beir")
    first, second = (cli.json("eval", "retrieval", data) for _ in range(2))
    assert first["metrics"]["nDCG@10"]["mean"] == 1.0
    assert first["metrics"] == second["metrics"]
    assert cli.json("indexes", "list") == []


def test_questions_measure_an_index_of_ones_own(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    paths = [hit["path"] for hit in cli.json("search", "the", "-k", "50")]
    questions = _questions(
        workspace, {"question": "What is said here?", "files": paths}, {"question": "x", "files": []}
    )
    shape = cli.json("eval", "retrieval", questions)
    assert shape["settings"]["queries"] == 1
    assert "1 questions name no file" in shape["notes"][0]


def test_answers_are_measured_and_saved_and_compared(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    cli.replies = ["NOT FOUND"] * 9
    questions = _questions(workspace, {"question": "Who?", "id": "u1"}, {"question": "Where?", "id": "u2"})
    run = workspace / "run.json"
    shape = cli.json("eval", "answers", questions, "-o", run)
    assert shape["metrics"]["refusal"]["mean"] == 1.0
    assert not questions.with_name("q.jsonl.run").exists()
    assert cli.json("eval", "compare", run, run)["refusal"]["p_value"] == 1.0
    assert cli("eval", "compare", run, run).stdout.startswith("refusal")
    assert cli("eval", "answers", questions, "-o", workspace / "run.html").exit_code == 0
    assert "<svg" in (workspace / "run.html").read_text()


def test_a_run_whose_questions_all_failed_is_an_error_and_one_with_some_is_not(
    cli: Cli, docs: Path, workspace: Path
) -> None:
    cli("index", docs)
    questions = _questions(workspace, {"question": "Who?"}, {"question": "Where?"})
    cli.replies = []
    assert "nothing was measured: each of the 2 questions failed, the first " in cli.error("eval", "answers", questions)
    cli.replies = ["NOT FOUND"]
    result = cli("eval", "answers", questions)
    assert result.exit_code == 0
    assert "- 1 of 2 questions failed (" in result.stdout
    cli.replies = ["NOT FOUND"]  # for the one that failed; the other one is not asked again
    assert cli.json("eval", "answers", questions)["metrics"]["refusal"]["count"] == 2
    assert not questions.with_name("q.jsonl.run").exists()


def test_questions_are_made_with_their_spans(cli: Cli, workspace: Path) -> None:
    folder = workspace / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text("# Mill\n\nThe tide mill at Gannet Gut was built in 1871 by a carpenter.")
    cli("index", folder)
    cli.replies = ["When was the tide mill built?"]
    made = workspace / "made.jsonl"
    assert cli.json("eval", "make", made, "-n", "1") == {"file": str(made), "questions": 1}
    row = json.loads(made.read_text())
    text = (folder / "mill.md").read_text()
    assert text[slice(*row["span"])] == row["answer"][0]
    assert row["files"] == ["mill.md"]
    assert "exists" in cli.error("eval", "make", made, code=2)


def test_the_search_settings_hold_for_retrieval_too(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    paths = [hit["path"] for hit in cli.json("search", "the", "-k", "50")]
    questions = _questions(workspace, {"question": "What is said here?", "files": paths})
    settings = workspace / "agentkit.toml"
    settings.write_text(settings.read_text().replace("[search]", "[search]\nper_file = 1"))
    shape = cli.json("eval", "retrieval", questions)
    assert shape["settings"]["per_file"] == 1
    assert shape["metrics"]["RR"]["mean"] == 1.0


def test_the_form_of_a_report_is_checked_before_the_run(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    questions = _questions(workspace, {"question": "Who?"})
    cli.replies = []  # a question asked of the model would fail
    assert "is no form of a report" in cli.error("eval", "answers", questions, "-o", workspace / "x.pdf", code=2)
    assert "no folder" in cli.error("eval", "answers", questions, "-o", workspace / "gone" / "x.md", code=2)


def test_a_place_that_cannot_be_written_is_named_before_the_run(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    (workspace / "x.md").mkdir()
    cli.replies = []
    assert "is a folder" in cli.error("eval", "answers", _questions(workspace), "-o", workspace / "x.md", code=2)
    assert "there is no folder" in cli.error("eval", "make", workspace / "gone" / "q.jsonl", code=2)


def test_results_are_shown_where_they_cannot_be_written(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    cli.replies = ["NOT FOUND"] * 9
    (workspace / "x.md").symlink_to("/dev/full")
    result = cli("eval", "answers", _questions(workspace, {"question": "Who?"}), "-o", workspace / "x.md")
    assert result.exit_code == 1
    assert "| refusal | 1.000 |" in result.stdout
    assert "no space left on the disk" in result.stderr


def test_runs_of_other_questions_are_not_compared(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    for name, questions in (("a.json", ["Who?", "Where?"]), ("b.json", ["Who?", "When?"])):
        cli.replies = ["NOT FOUND"] * 9
        rows: list[dict[str, object]] = [{"question": question} for question in questions]
        assert cli("eval", "answers", _questions(workspace, *rows), "-o", name).exit_code == 0
    result = cli("eval", "compare", "a.json", "b.json")
    assert result.stdout.splitlines()[0].endswith("1 questions")
    assert "1 ids stand for other questions in b.json, and were left out (2)" in result.stderr


def test_wrong_data_is_one_line(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    assert "corpus.jsonl cannot be read" in cli.error("eval", "retrieval", docs)
    assert "line 1: not JSON" in cli.error("eval", "answers", _bad(workspace))
    assert "is no form of a report" in cli.error(
        "eval", "retrieval", _beir(workspace / "beir"), "-o", workspace / "x.pdf", code=2
    )
    assert "cannot be read" in cli.error("eval", "compare", "gone.json", "gone.json")


def _bad(workspace: Path) -> Path:
    path = workspace / "bad.jsonl"
    path.write_text("nonsense\n")
    return path


def test_an_answer_is_checked_sentence_by_sentence(cli: Cli, docs: Path) -> None:
    cli("index", docs)
    cli.replies = ["Yes", "No", "No"]
    text = cli.json("search", "the")[0]["text"].split(".")[0].split("\n")[-1] + "."
    shape = cli.json("check", f"{text} The moon is made of 77 cheeses.")
    assert [claim["verdict"] for claim in shape["claims"]] == ["supported", "not_found"]
    assert shape["claims"][1]["missing"] == ["77"]
    assert list(shape["claims"][0]["citation"]) == ["path", "page", "start", "end", "quote"]  # as of `ask`
    assert shape["grounded"] is False
    cli.replies = ["No", "Yes"]
    assert "contradicted" in cli("check", piped=text).stdout
    assert "nothing to check" in cli.error("check", "", code=2)
    assert "there is no sentence in that text" in cli("check", "…").stderr


def test_a_judge_that_is_no_cross_encoder_is_one_line(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    assert "no model.safetensors" in cli.error("check", "It is so.", "--judge", workspace)
    (workspace / "agentkit.toml").write_text('[models]\njudge = "nli"\n')
    assert "no model.safetensors" in cli.error("check", "It is so.")


def test_a_judge_rates_answers_and_compares_two_runs(cli: Cli, docs: Path, workspace: Path) -> None:
    cli("index", docs)
    reply = '[1] "The Lumen lamp draws 41 watts at full brightness."\nAnswer: 41 watts.'
    questions = _questions(workspace, {"question": "How many watts?", "files": ["lamp.md"], "answer": ["41"]})
    cli.replies = [reply, "5"]
    first = cli.json("eval", "answers", questions, "--judge", "qwen2.5-coder-1.5b", "-o", workspace / "a.json")
    assert first["metrics"]["rating"]["mean"] == 5.0
    cli.replies = [reply.replace("41 watts.", "It draws 41 watts.")]
    cli("eval", "answers", questions, "-o", workspace / "b.json")
    cli.replies = ["B", "A"]
    found = cli.json("eval", "compare", workspace / "a.json", workspace / "b.json", "--judge", "other")
    assert found["preference"]["mean"]["mean"] == 1.0
    assert cli.asked[-1] == "other"


def test_perplexity_needs_a_local_model_and_a_text(cli: Cli, workspace: Path) -> None:
    (workspace / "text.txt").write_text("It rains.")
    assert "needs a local model" in cli.error("eval", "perplexity", "text.txt")
    assert "cannot be read" in cli.error("eval", "perplexity", "gone.txt", code=2)
    assert "no text" in cli.error("eval", "perplexity", code=2)
