"""A sync: what it reports, that it is repeatable, and that killing it at any moment loses nothing."""

import errno
import os
import random
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from agentkit import HashingEmbedder, Index, index_folder, load_document
from agentkit.errors import DocumentError, IndexDamagedError, IndexingError, IndexLockedError, IndexMismatchError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.contents import index_contents
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.summary import source_file, summarise_index
from agentkit.indexes.writer import IndexWriter
from agentkit.loaders import PathPatterns, ocr
from agentkit.loaders.load import _registered
from agentkit.pipelines.planning import plan_folder
from tests.unit.loaders.samples import zipped
from tests.unit.loaders.test_ocr import scan

_QUERIES = ("red fox", "number 17", "barley flour", "the last ferry")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    words = random.Random(1)
    for number in range(24):
        lines = [" ".join(words.choices(["red", "fox", "barley", "flour", "ferry", "stone"], k=9)) for _ in range(60)]
        (folder / f"file{number:02}.md").write_text(f"# Number {number}\n\n" + ".\n\n".join(lines))
    return folder


def _open(directory: Path) -> Index:
    return Index.open(directory, embedder=HashingEmbedder())


def _contents(index: Index) -> tuple[list[str], list[list[tuple[str, int, float]]]]:
    """Chunk ids and search results: what makes two indexes the same."""
    ids = sorted(chunk.id for path in index.paths() for chunk in index.catalog.chunks_of(path))
    found = [[(hit.path, hit.start, round(hit.score, 5)) for hit in index.search(query, k=8)] for query in _QUERIES]
    return ids, found


def test_a_second_sync_changes_nothing_and_embeds_nothing(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        first = index_folder(index, [documents])
        contents = _contents(index)
        embedder = _CountingEmbedder()
        index.embedder = embedder
        second = index_folder(index, [documents])
        assert (first.added, second.added, second.unchanged) == (24, 0, 24)
        assert embedder.texts == 0
        assert _contents(index) == contents


def test_files_that_were_only_touched_change_nothing_for_a_reader(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
        before = index.catalog.generation
        for file in documents.iterdir():
            os.utime(file, (1, 1))
        assert index_folder(index, [documents]).unchanged == 24
        assert index.catalog.generation == before
        assert index_contents(index.directory).stale == ()


def test_changed_moved_and_removed_files_are_told_apart(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
        (documents / "file00.md").write_text("# New\n\nsomething else")
        (documents / "file01.md").rename(documents / "moved.md")
        (documents / "file02.md").unlink()
        (documents / "file03.md").touch()
        (documents / "added.txt").write_text("added")
        embedder = _CountingEmbedder()
        index.embedder = embedder
        report = index_folder(index, [documents])
        counts = (report.changed, report.moved, report.removed, report.added, report.unchanged)
        assert counts == (1, 1, 1, 1, 21)
        assert embedder.texts == 2  # the changed and the added file; the moved one's texts were embedded before
        assert index.search("something else", k=1)[0].path == "file00.md"


def test_a_vanished_root_is_an_error_and_removes_nothing(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
        documents.rename(tmp_path / "elsewhere")
        with pytest.raises(DocumentError, match="does not exist"):
            index_folder(index, [documents])
        assert index.file_count == 24


def test_what_is_below_a_folder_that_cannot_be_listed_stays(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (documents / "sub" / "deep").mkdir(parents=True)
    (documents / "sub" / "deep" / "file.md").write_text("below")
    (documents / "sub" / "empty.md").write_text("")
    (documents / "subject.md").write_text("beside")
    listing = os.scandir

    def fail(folder: Path) -> object:
        if folder.name == "sub":
            raise OSError(errno.EIO, "Input/output error")
        return listing(folder)

    with _open(tmp_path / "index") as index:
        first = index_folder(index, [documents])
        (documents / "subject.md").unlink()
        with monkeypatch.context() as failing:
            failing.setattr(os, "scandir", fail)
            report = index_folder(index, [documents])
        assert (report.removed, [each.reason for each in report.skipped]) == (
            1, ["folder cannot be listed: Input/output error"]
        )  # fmt: skip
        assert index.search("below", k=1)[0].path == "sub/deep/file.md"
        again = index_folder(index, [documents])
        assert (again.removed, again.unchanged, again.skipped) == (0, 25, first.skipped)


def test_two_roots_do_not_drop_each_other_and_paths_stay_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.md").write_text(f"# {name}\n\ntext of {name}")
    with _open(tmp_path / "index") as index:
        index_folder(index, [tmp_path / "one"])
        index_folder(index, [tmp_path / "two"])
        assert index.paths() == ["same.md", "two/same.md"]
        index_folder(index, [tmp_path / "one"])
        assert index.paths() == ["same.md", "two/same.md"]
        with pytest.raises(IndexingError, match="contains"):
            index_folder(index, [tmp_path])


def test_two_folders_given_at_once_do_not_share_a_path(tmp_path: Path) -> None:
    docs, other = tmp_path / "docs", tmp_path / "other" / "sub"
    for folder in (docs / "sub", other):
        folder.mkdir(parents=True)
        (folder / "b.md").write_text(f"of {folder.parent.name}")
    for number, commands in enumerate([[[docs, other]], [[docs], [other]]]):
        with _open(tmp_path / f"index{number}") as index:
            assert [index_folder(index, sources).skipped for sources in commands] == [()] * len(commands)
            assert index.paths() == ["sub-2/b.md", "sub/b.md"]
            assert index.document_text("sub-2/b.md") == "of other"


def test_a_file_that_is_given_by_itself_goes_by_its_name(tmp_path: Path) -> None:
    names = ["docs/a.md", "docs/notes1.md", "other/b.md", "elsewhere/b.md", "folder/c.md"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"the text of {name}")
    a, notes, b, another_b, c = (tmp_path / name for name in names)
    with _open(tmp_path / "index") as index:
        index_folder(index, [a, notes, b, another_b])
        index_folder(index, [c.parent])
        assert index.paths() == ["a.md", "b-2.md", "b.md", "folder/c.md", "notes1.md"]
        assert [source_file(index.directory, path) for path in index.paths()] == [a, another_b, b, c, notes]
        assert index_contents(index.directory).stale == ()
        assert index_folder(index, [a, another_b]).unchanged == 2
        notes.unlink()
        assert [each.path for each in index_contents(index.directory).stale] == ["notes1.md"]
        notes.mkdir()
        (notes / "c.md").write_text("a folder now")
        index_folder(index, [notes])
        assert source_file(index.directory, "notes1.md/c.md") == notes / "c.md"
        assert index_contents(index.directory).stale == ()


def test_a_file_keeps_the_path_that_an_older_index_gave_it(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(name)
    with _open(tmp_path / "index") as index:
        roots = {str(tmp_path / "a.md"): "", str(tmp_path / "b.md"): "b.md/"}
        index.catalog.change_roots(added=roots, moved={}, facts={})
        index_folder(index, [tmp_path / "a.md", tmp_path / "b.md"])
        assert index.paths() == ["a.md", "b.md/b.md"]
        assert [source_file(index.directory, path) for path in index.paths()] == [tmp_path / "a.md", tmp_path / "b.md"]


def test_a_folder_that_is_named_twice_is_walked_and_reported_once(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    (docs / "a.md").write_text("above")
    (docs / "sub" / "b.md").write_text("below")
    (docs / "sub" / "empty.md").touch()
    twice = [[docs, docs], [docs, docs / "sub"], [docs / "sub", docs], [docs, docs / "sub" / ".." / "a.md"]]
    for number, sources in enumerate(twice):
        with _open(tmp_path / f"index{number}") as index:
            report = index_folder(index, sources)
            assert (report.added, [each.path for each in report.skipped]) == (2, ["sub/empty.md"])
            assert index.paths() == ["a.md", "sub/b.md"]
            again = index_folder(index, [docs / "sub", docs / "a.md"])
            assert (again.unchanged, again.skipped) == (2, report.skipped)


def test_a_file_does_not_replace_another_root_s_file_of_the_same_path(tmp_path: Path) -> None:
    notes, projects = tmp_path / "notes", tmp_path / "work" / "projects"
    for folder in (notes, projects):
        folder.mkdir(parents=True)
        (folder / "a.md").write_text(f"of {folder.name}")
    with _open(tmp_path / "index") as index:
        index_folder(index, [notes])
        index_folder(index, [projects])
        (notes / "projects").mkdir()
        (notes / "projects" / "a.md").write_text("an intruder")
        for sources in ([notes], [notes, projects], [projects, notes], [notes]):
            report = index_folder(index, sources)
            assert [(each.path, each.reason) for each in report.skipped] == [
                (str(notes / "projects" / "a.md"), "another folder of this index has a file of this path")
            ]
            assert (report.added, report.changed, report.removed) == (0, 0, 0)
            assert index.document_text("projects/a.md") == "of projects"
        (notes / "projects" / "a.md").write_text("")
        index_folder(index, [notes])
        assert index.document_text("projects/a.md") == "of projects"
        (projects / "a.md").unlink()
        (projects / "b.md").write_text("another")
        index_folder(index, [projects])
        (notes / "projects" / "a.md").write_text("no intruder")
        assert index_folder(index, [notes]).skipped == ()
        assert index.document_text("projects/a.md") == "no intruder"


def test_patterns_are_remembered_for_each_root_until_others_are_given(tmp_path: Path) -> None:
    for name in ("one/a.md", "one/b.txt", "two/a.md", "two/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    one, two = tmp_path / "one", tmp_path / "two"
    with _open(tmp_path / "index") as index:
        index_folder(index, [one], patterns=PathPatterns(include=("*.md",)))
        index_folder(index, [two], patterns=PathPatterns(exclude=("a.*",)))
        assert index.paths() == ["a.md", "two/b.txt"]
    with _open(tmp_path / "index") as index:
        assert index_folder(index, [one, two]).unchanged == 2
        report = index_folder(index, [one], patterns=PathPatterns(exclude=("*.md",)))
        assert (report.added, report.removed) == (1, 1)
        assert index.paths() == ["b.txt", "two/b.txt"]
        index_folder(index, [one, two], patterns=PathPatterns(include=("*",)))
        assert index.paths() == ["a.md", "b.txt", "two/a.md", "two/b.txt"]


def test_patterns_are_those_of_a_whole_root(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    for name in ("a.md", "sub/b.md", "sub/c.txt"):
        (docs / name).write_text(name)
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        for source in (docs / "sub", docs / "a.md"):
            with pytest.raises(IndexingError, match=f"patterns count for all of {docs},"):
                index_folder(index, [source], patterns=PathPatterns(include=("*.txt",)))
        assert index_folder(index, [docs / "sub"]).unchanged == 3
        assert index_folder(index, [docs, docs / "sub"], patterns=PathPatterns(include=("*.txt",))).removed == 2


@pytest.mark.parametrize("pattern", ["[", "!*.md"])
def test_what_is_no_pattern_is_refused_and_not_remembered(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("a")
    with _open(tmp_path / "index") as index:
        with pytest.raises(IndexingError, match=re.escape(repr(pattern))):
            index_folder(index, [tmp_path / "docs"], patterns=PathPatterns(include=(pattern,)))
        assert index_folder(index, [tmp_path / "docs"]).added == 1


def test_every_file_ends_as_indexed_or_as_skipped_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "good.txt").write_text("good text")
    (folder / "empty.txt").write_text("")
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 8)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 nothing more")
    with _open(tmp_path / "index") as index:
        first = index_folder(index, [folder])
        assert index.paths() == ["good.txt"]
        assert {skipped.path for skipped in first.skipped} == {"empty.txt", "binary.txt", "broken.pdf", "broken.docx"}
        assert all(skipped.reason and "\n" not in skipped.reason for skipped in first.skipped)
        assert index_folder(index, [folder]).skipped == first.skipped


def test_members_of_an_archive_that_cannot_be_read_are_reported_as_long_as_they_are_there(tmp_path: Path) -> None:
    archive = tmp_path / "docs" / "a.zip"
    archive.parent.mkdir()

    def skipped() -> list[str]:
        with closing(Catalog(tmp_path / "index" / "catalog.sqlite")) as catalog:
            plan = plan_folder(catalog, "index", [archive.parent])
        report = index_folder(index, [archive.parent])
        assert plan.skipped == report.skipped
        assert (report.removed, index.paths()) == (0, ["a.zip"])
        assert summarise_index(index.directory).skipped_count == len(report.skipped)
        return [f"{file.path}: {file.reason}" for file in report.skipped]

    named = ["a.zip/broken.pdf: not a PDF: it has no %PDF header"]
    with _open(tmp_path / "index") as index:
        archive.write_bytes(zipped({"good.txt": b"good", "broken.pdf": b"x"}))
        assert skipped() == named
        generation = index.catalog.generation
        assert skipped() == named
        os.utime(archive, (1, 1))
        assert skipped() == named
        assert index.catalog.generation == generation
        assert "skipped" not in index.search("good")[0].metadata
        archive.write_bytes(zipped({"good.txt": b"good", "broken.txt": b"mended"}))
        assert skipped() == []


def test_members_of_an_archive_that_an_interrupted_sync_had_read_are_reported_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    archive = tmp_path / "docs" / "a.zip"
    archive.parent.mkdir()
    with _open(tmp_path / "index") as index:
        for broken in ("new.pdf", "changed.pdf"):
            archive.write_bytes(zipped({"good.txt": broken.encode(), broken: b"x"}))
            with monkeypatch.context() as interrupted:
                interrupted.setattr(IndexWriter, "publish", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    index_folder(index, [archive.parent])
            assert [file.path for file in index_folder(index, [archive.parent]).skipped] == [f"a.zip/{broken}"]


def test_an_odd_file_that_nobody_thought_of_is_named_and_the_others_are_indexed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ("a.md", "b.odd", "c.md"):
        (folder / name).write_text(f"text of {name}")
    os.utime(folder / "c.md", ns=(10**19, 10**19))  # the year 2286

    def fail(path: Path) -> Document:
        raise ZeroDivisionError

    monkeypatch.setitem(_registered, ".odd", fail)
    with _open(tmp_path / "index") as index:
        report = index_folder(index, [folder])
        assert index.paths() == ["a.md", "c.md"]
        assert [(each.path, each.reason) for each in report.skipped] == [
            ("b.odd", "cannot be parsed: ZeroDivisionError")
        ]
        assert index_folder(index, [folder]).unchanged == 2
    assert index_contents(tmp_path / "index").stale == ()


_BUSY = DocumentError("not read within 8 s", is_passing=True, recurs=True)


@pytest.mark.parametrize(
    ("error", "added"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), 1),
        (DocumentError("not read within 8 s", is_passing=True), 1),
        (DocumentError("no text in it"), 0),
        (_BUSY, 0),
    ],
)
def test_a_file_is_tried_again_where_the_reason_may_have_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, added: int
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.odd").write_text("odd")
    (tmp_path / "docs" / "b.md").write_text("even")

    def fail(path: Path) -> Document:
        raise error

    with _open(tmp_path / "index") as index:
        with monkeypatch.context() as failing:
            failing.setitem(_registered, ".odd", fail)
            skipped = index_folder(index, [tmp_path / "docs"]).skipped
            assert index_folder(index, [tmp_path / "docs"]).skipped == skipped
        assert [each.path for each in skipped] == ["a.odd"]
        assert index_folder(index, [tmp_path / "docs"]).added == added


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), _BUSY])
def test_an_unchanged_file_that_cannot_be_read_again_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.odd").write_text("odd")

    def fail(path: Path) -> Document:
        raise error

    with _open(tmp_path / "index") as index:
        monkeypatch.setitem(_registered, ".odd", lambda path: Document(path.read_text()))
        index_folder(index, [docs])
        with monkeypatch.context() as failing:
            failing.setitem(_registered, ".odd", fail)
            report = index_folder(index, [docs], is_full=True)
            assert (report.changed, report.removed) == (0, 0)
            assert [(each.path, "stays" in each.reason) for each in report.skipped] == [("a.odd", True)]
            assert index.document_text("a.odd") == "odd"
        assert not index_folder(index, [docs]).skipped


def test_a_file_that_was_skipped_is_read_once_its_suffix_has_a_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.Odd").write_bytes(bytes(range(256)))
    (docs / "b.md").write_text("even")
    with _open(tmp_path / "index") as index:
        assert [each.path for each in index_folder(index, [docs]).skipped] == ["a.Odd"]
        monkeypatch.setitem(_registered, ".odd", lambda path: Document("now it is read"))
        report = index_folder(index, [docs])
        assert (report.added, report.skipped) == (1, ())
        assert index.document_text("a.Odd") == "now it is read"
        assert index_folder(index, [docs]).unchanged == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the tesseract is a shell script")
def test_a_scan_is_read_once_tesseract_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs, tesseract = tmp_path / "docs", tmp_path / "bin" / "tesseract"
    docs.mkdir()
    tesseract.parent.mkdir()
    (docs / "a.pdf").write_bytes(scan("The lamp"))
    (docs / "b.md").write_text("even")
    monkeypatch.setenv("PATH", str(tesseract.parent))
    with _open(tmp_path / "index") as index:
        assert index_folder(index, [docs]).skipped[0].reason.endswith(ocr.HOW_TO)
        tesseract.write_text("#!/bin/sh\n")
        tesseract.chmod(0o700)
        assert "OCR finds no text" in index_folder(index, [docs]).skipped[0].reason
        tesseract.write_text("#!/bin/sh\necho The lamp\n")
        assert index_folder(index, [docs]).skipped
        index_folder(index, [docs], is_full=True)
        assert index.paths() == ["a.pdf", "b.md"]


def test_a_text_that_cannot_be_cut_is_named(tmp_path: Path) -> None:
    class Choosy(HashingEmbedder):
        def count_tokens(self, text: str) -> int:
            return 1 // ("odd" not in text)

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("odd")
    (tmp_path / "docs" / "b.md").write_text("even")
    with Index.open(tmp_path / "index", embedder=Choosy()) as index:
        assert [each.reason for each in index_folder(index, [tmp_path / "docs"]).skipped] == [
            "cannot be parsed: ZeroDivisionError"
        ]
        assert index.paths() == ["b.md"]


def test_paths_can_be_strings_and_one_source_needs_no_list(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("odd")
    with Index.open(str(tmp_path / "index"), embedder=HashingEmbedder()) as index:
        assert index_folder(index, str(tmp_path / "a.md")).added == 1
        assert index_folder(index, [str(tmp_path / "a.md")]).unchanged == 1
    assert load_document(str(tmp_path / "a.md")).page_content == "odd"


def test_a_folder_with_nothing_to_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with _open(tmp_path / "index") as index, pytest.raises(DocumentError, match="no file to index"):
        index_folder(index, [tmp_path / "empty"])


def test_a_second_writer_is_told_who_holds_the_index(documents: Path, tmp_path: Path) -> None:
    with (
        _open(tmp_path / "index") as index,
        writer_lock(index.directory),
        pytest.raises(IndexLockedError, match="process"),
    ):
        index_folder(index, [documents])


def test_another_embedder_or_chunker_is_refused_and_both_are_named(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
    with pytest.raises(IndexMismatchError, match=r"256.*64"):
        Index.open(tmp_path / "index", embedder=HashingEmbedder(64))


def test_a_deleted_or_damaged_vector_store_is_made_again_without_embedding(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
        contents = _contents(index)
    for damage in (shutil.rmtree, _overwrite_files):
        damage(tmp_path / "index" / "vectors")
        with _open(tmp_path / "index") as index:
            assert _contents(index) == contents


def test_a_truncated_catalog_is_an_error_that_says_what_to_do(documents: Path, tmp_path: Path) -> None:
    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
    catalog = tmp_path / "index" / "catalog.sqlite"
    catalog.write_bytes(b"not a database at all" * 100)
    with pytest.raises(IndexDamagedError, match="agentkit indexes rebuild index"):
        _open(tmp_path / "index")


def test_a_store_that_names_an_embedding_function_is_not_opened(documents: Path, tmp_path: Path) -> None:
    from agentkit.indexes.vectors import VectorStore

    with _open(tmp_path / "index") as index:
        index_folder(index, [documents])
    database = sqlite3.connect(tmp_path / "index" / "vectors" / "chroma.sqlite3")
    with database:
        database.execute(
            "UPDATE collections SET config_json_str = ?", ('{"embedding_function": {"type": "known", "name": "evil"}}',)
        )
    database.close()
    with pytest.raises(IndexDamagedError, match="embedding function"):
        VectorStore(tmp_path / "index" / "vectors")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "fox", "barley ferry", "stone"])), max_size=8
    )
)
def test_any_sequence_of_edits_gives_what_a_fresh_index_gives(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str]]
) -> None:
    place = tmp_path_factory.mktemp("edits")
    folder = place / "documents"
    folder.mkdir()
    (folder / "always.txt").write_text("always here")
    with _open(place / "index") as index:
        for name, text in edits:
            file = folder / f"{name}.txt"
            if text:
                file.write_text(f"{text} {name}")
            else:
                file.unlink(missing_ok=True)
            index_folder(index, [folder])
        index_folder(index, [folder])
        with _open(place / "fresh") as fresh:
            index_folder(fresh, [folder])
            assert _contents(index) == _contents(fresh)


class _CountingEmbedder(HashingEmbedder):
    texts = 0

    def embed_array(self, texts):  # type: ignore[no-untyped-def]
        self.texts += len(texts)
        return super().embed_array(texts)


def _overwrite_files(folder: Path) -> None:
    for file in _files(folder):
        file.write_bytes(b"\x00damaged" * 50)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
