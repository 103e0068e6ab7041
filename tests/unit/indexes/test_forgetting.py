"""`Index.forget`: gone from the answers, gone from the disk, and not back with the next sync."""

import random
import string
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import IndexLockedError, IndexNotFoundError
from agentkit.indexes.keeper import IndexKeeper
from agentkit.results import SearchMode
from tests.unit.indexes.conftest import contents, open_index


def write(folder: Path, *names: str) -> None:
    """Files that say what they are called."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the text of {name}")


def test_what_is_forgotten_is_not_found_and_does_not_come_back(place: Path, documents: Path) -> None:
    with open_index(place) as index:
        report = index.forget("file03.md")
        assert report.paths == ("file03.md",)
        assert report.chunks > 0
        assert "file03.md" not in {hit.path for mode in SearchMode for hit in index.search("number 3", k=99, mode=mode)}
        again = index_folder(index, [documents], is_full=True)
        assert "file03.md" not in index.paths()
        assert [(skipped.path, "indexes remember" in skipped.reason) for skipped in again.skipped] == [
            ("file03.md", True)
        ]
        assert index.verify().is_sound


def test_what_is_remembered_comes_back_with_the_next_sync(place: Path, documents: Path) -> None:
    with open_index(place) as index:
        before = contents(index)
        index.forget("file0*.md")
        assert len(index.paths()) == 2
        with pytest.raises(IndexNotFoundError, match=r"forgotten are: file0\*\.md"):
            index.remember("file03.md")
        index.remember("file0*.md")
        index_folder(index, [documents])
        assert contents(index) == before


def test_a_folder_is_forgotten_with_what_is_in_it_and_what_comes_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    write(folder, "letters/a.txt", "letters/old/b.txt", "letters.txt")
    with open_index(tmp_path / "index") as index:
        index_folder(index, [folder])
        assert index.forget("letters/").paths == ("letters/a.txt", "letters/old/b.txt")
        (folder / "letters" / "new.txt").write_text("a new letter")
        index_folder(index, [folder])
        assert index.paths() == ["letters.txt"]


@pytest.mark.parametrize(("path", "others"), [("notes[1].md", ["notes1.md"]), ("a[1]/x.md", ["a1/x.md", "a[1]/y.md"])])
def test_a_path_that_looks_like_a_pattern_means_that_file_alone(tmp_path: Path, path: str, others: list[str]) -> None:
    folder = tmp_path / "documents"
    write(folder, path, *others)
    with open_index(tmp_path / "index") as index:
        index_folder(index, [folder])
        assert index.forget(path).paths == (path,)
        assert index.forget(path).paths == ()
        assert [each.path for each in index_folder(index, [folder], is_full=True).skipped] == [path]
        assert index.paths() == others
        (folder / path).unlink()
        index_folder(index, [folder])
        assert index.forget(path).paths == ()
        assert index.paths() == others
        assert index.forget(others[0]).paths == (others[0],)
        index.remember(path)
        (folder / path).write_text("back")
        index_folder(index, [folder])
        assert index.paths() == sorted({path, *others[1:]})


def test_a_folder_whose_name_looks_like_a_pattern_is_forgotten_alone(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    write(folder, "old[12]/a.md", "old1/a.md", "old2/a.md")
    with open_index(tmp_path / "index") as index:
        index_folder(index, [folder])
        assert index.forget("old[12]").paths == ("old[12]/a.md",)
        index.remember(*index.keeper.forgotten())
        index_folder(index, [folder])
        assert index.forget("old[1]/*").paths == ("old1/a.md",)
        index_folder(index, [folder])
        assert index.paths() == ["old2/a.md", "old[12]/a.md"]


def test_other_files_of_the_same_content_stay_and_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("the same text in both")
    with open_index(tmp_path / "index") as index:
        index_folder(index, [folder])
        assert index.forget("a.txt").also_in == ("b.txt",)
        assert index.search("same text")[0].path == "b.txt"
        assert index.verify().is_sound


def test_a_path_that_no_file_has_is_an_error_and_a_second_time_is_none(place: Path) -> None:
    with open_index(place) as index:
        with pytest.raises(IndexNotFoundError, match="no file nowhere"):
            index.forget("nowhere/*")
        index.forget("file03.md")
        assert index.forget("file03.md").paths == ()


def test_it_needs_no_embedder(place: Path) -> None:
    with IndexKeeper(place) as keeper:
        assert keeper.forget("file03.md").chunks > 0
        assert keeper.forgotten() == ["file03.md"]
        assert keeper.verify().is_sound


def test_fifty_planted_texts_leave_no_byte_in_any_file_of_the_index(tmp_path: Path) -> None:
    secrets = _plant(tmp_path / "documents")
    place = tmp_path / "index"
    with Index.open(place, embedder=_DenseEmbedder(128)) as index:
        index_folder(index, [tmp_path / "documents"])
        planted = [chunk.id for path in index.paths() if path.startswith("secret/")
                   for chunk in index.catalog.chunks_of(path)]  # fmt: skip
        store = index.vectors.open_for_reading()
        assert store is not None
        vectors = list(index.catalog.vectors_by_id(planted).values())
        as_chroma_has_them = list(store.vectors(planted).values())
    assert len(vectors) >= 50
    assert _found(place, _pieces(secrets, vectors)) == _pieces(secrets, vectors)
    pieces = _pieces(secrets, [*vectors, *as_chroma_has_them])
    with IndexKeeper(place) as keeper:
        assert len(keeper.forget("secret").paths) == 50
        assert _found(place, pieces) == set()
    assert _found(place, pieces) == set()


def test_while_a_reader_needs_the_log_it_says_so_and_the_next_writer_finishes(place: Path, documents: Path) -> None:
    with IndexKeeper(place) as keeper, open_index(place) as reader:
        keeper.catalog.rows("PRAGMA busy_timeout = 50")
        with reader.catalog.snapshot():
            assert reader.file_count == 12
            with pytest.raises(IndexLockedError, match="run the command again"):
                keeper.forget("file03.md")
        assert any("not yet erased" in problem.what for problem in keeper.verify().problems)
        index_folder(reader, [documents])
        assert keeper.verify().is_sound
    assert _found(place, {b"# Number 3\n"}) == set()


class _DenseEmbedder(HashingEmbedder):
    """Vectors that are full of numbers, and other ones for every text: their bytes can be searched for."""

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.stack([np.random.default_rng(zlib.crc32(text.encode())).normal(size=128) for text in texts])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float32, copy=False)


def _plant(folder: Path) -> list[str]:
    """Fifty texts among three hundred others; each is of words that nothing else has."""
    (folder / "secret").mkdir(parents=True)
    letters = random.Random(7)
    for number in range(300):
        (folder / f"open{number}.txt").write_text(_gibberish(letters, 60))
    secrets = [_gibberish(letters, 150) for _ in range(50)]
    for number, text in enumerate(secrets):
        (folder / "secret" / f"{number}.txt").write_text(text)
    return secrets


def _gibberish(letters: random.Random, words: int) -> str:
    return " ".join("".join(letters.choices(string.ascii_lowercase, k=12)) for _ in range(words))


def _pieces(texts: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> set[bytes]:
    """The texts, some of their words, the vectors, and parts of them."""
    words = [word for text in texts for word in text.split()[::30]]
    rows = [vector.astype("<f4").tobytes() for vector in vectors]
    parts = [row[at : at + 16] for row in rows for at in range(0, len(row), 256)]
    return {piece.encode() for piece in [*texts, *words]} | {*rows, *parts}


def _found(place: Path, pieces: set[bytes]) -> set[bytes]:
    """Those of the pieces that stand in a file of the index."""
    files = [file.read_bytes() for file in place.rglob("*") if file.is_file()]
    return {piece for piece in pieces if any(piece in data for data in files)}
