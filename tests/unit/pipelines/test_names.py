"""Names as they are typed fit names whose accents are characters of their own, as a Mac's files may have them."""

import unicodedata
from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.indexes.forgetting import FORGOTTEN
from agentkit.loaders import PathPatterns

TYPED = "caf\u00e9"
STORED = unicodedata.normalize("NFD", TYPED)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / f"{STORED}.md").write_text("red fox")
    (folder / "b.md").write_text("blue fox")
    return folder


def test_a_search_and_a_forget_take_a_typed_name(docs: Path, tmp_path: Path) -> None:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, docs)
        assert [hit.path for hit in index.search("fox", path=f"{TYPED}*")] == [f"{STORED}.md"]
        for condition in (f"path={TYPED}.md", f"path~{TYPED}"):
            assert [hit.path for hit in index.search("fox", where=condition)] == [f"{STORED}.md"]
        for name in (TYPED, STORED):
            assert index.forget(f"{name}.md").paths == (f"{STORED}.md",)
            assert [each.reason for each in index_folder(index, docs).skipped] == [FORGOTTEN]
            index.remember(f"{TYPED}.md")
            assert index_folder(index, docs).added == 1


def test_patterns_and_ignore_files_name_it_as_it_is_typed(docs: Path, tmp_path: Path) -> None:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, docs, patterns=PathPatterns(exclude=(f"{TYPED}.md",)))
        assert index.paths() == ["b.md"]
        index_folder(index, docs, patterns=PathPatterns(include=(f"{TYPED}.md",)))
        assert index.paths() == [f"{STORED}.md"]
        (docs / ".gitignore").write_text(f"{TYPED}.md", encoding="utf-8")
        index_folder(index, docs, patterns=PathPatterns())
        assert index.paths() == ["b.md"]
