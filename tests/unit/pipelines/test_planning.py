"""A dry run says what a sync then does, and does nothing itself."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import DocumentError
from agentkit.indexes.catalog import Catalog
from agentkit.loaders import PathPatterns
from agentkit.pipelines.planning import plan_folder
from agentkit.results import IndexPlan, IndexReport, SkippedFile


def plan(index: Index, folder: Path, patterns: PathPatterns | None = None) -> IndexPlan:
    return plan_folder(index.catalog, index.name, [folder], patterns=patterns)


def counts(result: IndexPlan | IndexReport) -> list[object]:
    numbers = [result.added, result.changed, result.moved, result.removed]
    return [*(n if isinstance(n, int) else len(n) for n in numbers), result.unchanged, result.skipped]


def test_a_plan_names_each_file_and_what_would_become_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("stays", "touched", "changes", "moves", "goes"):
        (folder / f"{name}.txt").write_text(name)
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        (folder / "touched.txt").touch()
        (folder / "changes.txt").write_text("changed")
        (folder / "moves.txt").rename(folder / "moved.txt")
        (folder / "goes.txt").unlink()
        (folder / "new.md").write_text("new")
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
        (folder / "empty.txt").touch()
        expected = plan(index, folder)
        assert expected == IndexPlan(
            "index",
            added=("new.md",),
            changed=("changes.txt",),
            moved=(("moves.txt", "moved.txt"),),
            removed=("goes.txt",),
            unchanged=2,
            skipped=expected.skipped,
        )
        assert {skipped.path for skipped in expected.skipped} == {"broken.pdf", "empty.txt"}
        assert SkippedFile("empty.txt", "empty file") in expected.skipped
        assert index.document_text("changes.txt") == "changes"
        assert counts(index_folder(index, [folder])) == counts(expected)


def test_a_file_that_cannot_be_read_now_keeps_its_text_in_a_plan_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("red fox")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        monkeypatch.setattr("agentkit.pipelines.intake.file_digest", refuse)
        expected = plan_folder(index.catalog, index.name, [folder], is_full=True)
        assert [skipped.reason for skipped in expected.skipped] == [
            "cannot be read: Permission denied (what was read of it before stays)"
        ]
        assert counts(index_folder(index, [folder], is_full=True)) == counts(expected)


def test_an_index_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with closing(Catalog(Path(":memory:"))) as catalog:
        assert plan_folder(catalog, "new", [tmp_path]).added == ("a.txt",)
        with pytest.raises(DocumentError, match="does not exist"):
            plan_folder(catalog, "new", [tmp_path / "gone"])
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["", " ", "fox", "ferry", "stone"])), min_size=1, max_size=6
    ),
    exclude=st.sampled_from([None, "a*", "b*"]),
)
def test_a_plan_is_what_the_sync_then_does(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str]], exclude: str | None
) -> None:
    place = tmp_path_factory.mktemp("plan")
    folder = place / "docs"
    folder.mkdir()
    (folder / "zebra.txt").write_text("always here")
    patterns = PathPatterns(exclude=(exclude,)) if exclude else None
    with Index.open(place / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        for number, (name, text) in enumerate(edits):
            file = folder / f"{name}.md"
            if text:
                file.write_text(text)
            else:
                file.unlink(missing_ok=True)
            if number == len(edits) // 2:
                index_folder(index, [folder])
        expected = plan(index, folder, patterns)
        assert counts(index_folder(index, [folder], patterns=patterns)) == counts(expected)
        assert not plan(index, folder).added
