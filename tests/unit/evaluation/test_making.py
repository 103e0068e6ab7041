"""Writing questions about an index."""

from pathlib import Path

import pytest

from agentkit import Index, ScriptedModel, index_folder
from agentkit.embedders import HashingEmbedder
from agentkit.evaluation.making import make_questions
from agentkit.evaluation.resume import Finished

_TEXT = """# Mill

The tide mill at Gannet Gut was built in 1871 by a carpenter.

Its wheel turns twice a day, always at the ebb.
"""


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "mill.md").write_text(_TEXT)
    journal = tmp_path / "journal"
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        stopped = make_questions(index, ScriptedModel(replies=["First?"]), count=2, finished=Finished(journal, {}))
        first = next(stopped)
        model = ScriptedModel(replies=["Second?"])
        rows = list(make_questions(index, model, count=2, finished=Finished(journal, {})))
    assert rows[0] == first
    assert [row["question"] for row in rows] == ["First?", "Second?"]


@pytest.mark.parametrize("count", [0, -1])
def test_no_question_is_not_to_be_asked_for(tmp_path: Path, count: int) -> None:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        questions = make_questions(index, ScriptedModel(replies=[]), count=count)
        with pytest.raises(ValueError, match=f"count is {count}: give 1 or more"):
            next(questions)


def test_a_sentence_that_stands_twice_is_asked_for_at_its_own_place(tmp_path: Path) -> None:
    said = "The tide mill was built in 1871 by a carpenter of the town."
    (tmp_path / "mill.md").write_text(f"# Mill\n\n{said}\n\n# Again\n\n{said}\n")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [tmp_path / "mill.md"])
        rows = list(make_questions(index, ScriptedModel(replies=["When?", "Who?"]), count=2))
        text = index.document_text("mill.md")
    assert sorted(row["span"][0] for row in rows) == [text.find(said), text.rfind(said)]
