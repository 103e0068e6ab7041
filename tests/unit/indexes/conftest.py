"""An index of a few documents, and what makes two indexes the same."""

import random
from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder

_WORDS = ["red", "fox", "barley", "flour", "ferry", "stone", "tide", "mill", "lantern", "gauge"]
_QUERIES = ("red fox", "number 7", "barley flour", "the last ferry")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A dozen files with a few passages each, no two alike."""
    folder = tmp_path / "documents"
    folder.mkdir()
    write_documents(folder, files=12)
    return folder


@pytest.fixture
def place(documents: Path, tmp_path: Path) -> Path:
    """The folder of an index of `documents`; nobody has it open."""
    with open_index(tmp_path / "index") as index:
        index_folder(index, [documents])
    return tmp_path / "index"


def write_documents(folder: Path, *, files: int, paragraphs: int = 40) -> None:
    words = random.Random(1)
    for number in range(files):
        lines = [" ".join(words.choices(_WORDS, k=9)) + f" {number} {at}" for at in range(paragraphs)]
        (folder / f"file{number:02}.md").write_text(f"# Number {number}\n\n" + ".\n\n".join(lines))


def open_index(directory: Path) -> Index:
    return Index.open(directory, embedder=HashingEmbedder())


def contents(index: Index) -> tuple[list[str], list[list[tuple[str, int, float]]]]:
    """Chunk ids and search results."""
    ids = sorted(chunk.id for path in index.paths() for chunk in index.catalog.chunks_of(path))
    found = [[(hit.path, hit.start, round(hit.score, 5)) for hit in index.search(query, k=8)] for query in _QUERIES]
    return ids, found
