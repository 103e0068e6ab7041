"""Files that have not changed are read again by loaders that read them differently, and only those."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from langchain_core.documents import Document

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import DocumentError
from agentkit.indexes.catalog import CATALOG_NAME, Catalog
from agentkit.indexes.contents import index_contents
from agentkit.indexes.writer import IndexWriter
from agentkit.loaders import register_loader
from agentkit.loaders.formats import VERSIONS
from agentkit.loaders.load import _LOADERS, _registered
from agentkit.pipelines.planning import plan_folder
from tests.unit.loaders.samples import zipped


class _CountingEmbedder(HashingEmbedder):
    embedded = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return super().embed_documents(texts)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# Lamp\n\nIt shines.")
    (folder / "b.txt").write_text("red fox")
    (folder / "c.csv").write_text("name,price\nlamp,9\n")
    return folder


@pytest.fixture
def index(docs: Path, tmp_path: Path) -> Iterator[Index]:
    """Of `docs`, in step with them."""
    with Index.open(tmp_path / "index", embedder=_CountingEmbedder()) as opened:
        index_folder(opened, docs)
        yield opened


def _stale(index: Index) -> list[tuple[str, str]]:
    return [(each.path, each.reason) for each in index_contents(index.directory).stale]


def _embedded(index: Index) -> int:
    assert isinstance(index.embedder, _CountingEmbedder)
    return index.embedder.embedded


def test_a_loader_of_another_version_reads_its_files_again_and_the_plan_says_so(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VERSIONS, "markdown", VERSIONS["markdown"] + 1)
    monkeypatch.setitem(_LOADERS, "markdown", lambda path: Document("It glows.", metadata={"format": "markdown"}))
    assert _stale(index) == [("a.md", "read differently now")]
    plan = plan_folder(index.catalog, index.name, [docs])
    assert (plan.reread, plan.changed, plan.unchanged) == (("a.md",), (), 2)
    report = index_folder(index, docs)
    assert (report.reread, report.changed, report.unchanged) == (1, 0, 2)
    assert index.document_text("a.md") == "It glows."
    assert (_stale(index), index_folder(index, docs).unchanged) == ([], 3)


def test_text_that_is_the_same_after_reading_again_is_not_embedded(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = _embedded(index)
    monkeypatch.setitem(VERSIONS, "markdown", VERSIONS["markdown"] + 1)
    (docs / "a.md").touch()
    assert index_folder(index, docs).reread == 1
    assert _embedded(index) == embedded


def test_an_index_that_was_made_before_loaders_had_versions_is_read_again_once(index: Index, docs: Path) -> None:
    index.close()
    with closing(sqlite3.connect(index.directory / CATALOG_NAME)) as connection, connection:
        for table in ("files", "skipped", "staged"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN loader")
        connection.execute("PRAGMA user_version = 4")
    with Index.open(index.directory, embedder=_CountingEmbedder()) as opened:
        assert opened.search("fox")
        assert len(_stale(opened)) == 3
        assert index_folder(opened, docs).reread == 3
        assert (_embedded(opened), index_folder(opened, docs).unchanged) == (0, 3)


def test_a_refusal_is_not_final_for_a_loader_of_another_version(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Document:
        raise DocumentError("odd")

    (docs / "d.xml").write_text("<a>text</a>")
    with monkeypatch.context() as before:
        before.setitem(_LOADERS, "xml", refuse)
        assert [each.path for each in index_folder(index, docs).skipped] == ["d.xml"]
    assert [each.path for each in index_folder(index, docs).skipped] == ["d.xml"]
    monkeypatch.setitem(VERSIONS, "xml", VERSIONS["xml"] + 1)
    assert index_folder(index, docs).added == 1


def test_a_file_that_the_new_loader_takes_too_long_for_keeps_its_text_and_is_tried_once(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_long(_: Path) -> Document:
        raise DocumentError("not read within 8 s", is_passing=True, recurs=True)

    monkeypatch.setitem(VERSIONS, "csv", VERSIONS["csv"] + 1)
    monkeypatch.setitem(_LOADERS, "csv", take_long)
    report = index_folder(index, docs)
    assert [(each.path, "stays" in each.reason) for each in report.skipped] == [("c.csv", True)]
    assert "lamp" in index.document_text("c.csv")
    again = index_folder(index, docs)
    assert (again.skipped, again.unchanged) == ((), 3)


def test_what_an_interrupted_sync_read_by_older_loaders_is_read_again(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    (docs / "a.md").write_text("# Lamp\n\nIt is out.")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(IndexWriter, "publish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            index_folder(index, docs)
    monkeypatch.setitem(VERSIONS, "markdown", VERSIONS["markdown"] + 1)
    monkeypatch.setitem(_LOADERS, "markdown", lambda path: Document("It glows.", metadata={"format": "markdown"}))
    assert index_folder(index, docs).changed == 1
    assert index.document_text("a.md") == "It glows."


def test_an_archive_is_read_again_with_any_loader_since_its_members_are(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "d.zip").write_bytes(zipped({"e.html": "<p>One</p>"}))
    index_folder(index, docs)
    monkeypatch.setitem(VERSIONS, "html", VERSIONS["html"] + 1)
    assert index_folder(index, docs).reread == 1


def test_a_loader_from_outside_reads_what_agentkit_s_own_had_read_and_again_where_its_version_is_another(
    index: Index, docs: Path
) -> None:
    def sync_with(version: str) -> int:
        register_loader(".txt", lambda path: [Document(f"read {version}")], version=version)
        return index_folder(index, docs).reread

    try:
        assert [sync_with(version) for version in ("", "", "2", "2")] == [1, 0, 1, 0]
        assert index.document_text("b.txt") == "read 2"
    finally:
        _registered.pop(".txt", None)
    # A program without it leaves what it read: else two programs that share an index would undo each other's work.
    assert (index_folder(index, docs).unchanged, _stale(index)) == (3, [])


def test_a_catalog_remembers_what_refused_a_file(index: Index, docs: Path) -> None:
    (docs / "d.bin").write_bytes(bytes(range(256)))
    index_folder(index, docs)
    with closing(Catalog(index.directory / CATALOG_NAME)) as catalog:
        known = catalog.known_files(str(docs))
    assert {path: each.loader.partition("-")[0] for path, each in known.items()} == {
        "a.md": "markdown",
        "b.txt": "text",
        "c.csv": "csv",
        "d.bin": "text",
    }
