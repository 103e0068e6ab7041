"""Ways in which an index can be damaged: each is noticed, none ends the process, each is mended.

What is spoilt beside a sound catalog is mended without embedding; of a spoilt catalog what can be read is saved.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import IndexDamagedError, IndexMismatchError, IndexUnreadableError
from agentkit.indexes import vectors
from agentkit.indexes.collection import IndexCollection
from agentkit.indexes.keeper import rebuild_index, verify_index
from tests.unit.indexes.conftest import contents, open_index, write_documents

Damage = Callable[[Path], None]
_HNSW_FILES = ["data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin", "link_lists.bin"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with documents, the folder of their index, and a state of it with changes in the log only."""
    with pytest.MonkeyPatch.context() as patch:  # Chroma writes its HNSW files only from so many vectors on
        patch.setitem(vectors._HNSW, "sync_threshold", 16)
        patch.setitem(vectors._HNSW, "batch_size", 8)
        patch.setitem(vectors._HNSW, "num_threads", 1)  # what several insert at once is not the same graph each time
        patch.setattr("agentkit.indexes.index.EXACT_UP_TO", 0)
        folder = tmp_path_factory.mktemp("sound")
        (folder / "documents").mkdir()
        write_documents(folder / "documents", files=24)
        with open_index(folder / "index") as index:
            index_folder(index, [folder / "documents"])
        assert {file.name for file in (folder / "index" / "vectors").glob("*/*")} == set(_HNSW_FILES)
        yield folder


@pytest.fixture(scope="module")
def expected(sound: Path) -> object:
    with open_index(sound / "index") as index:
        return contents(index)


@pytest.fixture
def place(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound / "index", tmp_path / "index"))


class _Interrupted(HashingEmbedder):
    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise KeyboardInterrupt


def test_an_index_that_was_never_brought_to_its_end_is_to_be_indexed_again(documents: Path, tmp_path: Path) -> None:
    with open_index(tmp_path / "index") as index:
        (problem,) = index.verify().problems
        assert problem.mend == "agentkit index PATH --name index"
    with Index.open(tmp_path / "index", embedder=_Interrupted()) as index, pytest.raises(KeyboardInterrupt):
        index_folder(index, [documents])
    with open_index(tmp_path / "index") as index:
        (problem,) = index.verify().problems
        assert problem.what.startswith("nothing is indexed yet")
        assert problem.mend == f"agentkit index {documents} --name index"
        index_folder(index, [documents])
        assert index.verify().is_sound


def _hnsw(name: str, spoil: Callable[[bytes], bytes] | None) -> Damage:
    def damage(place: Path) -> None:
        (file,) = (place / "vectors").glob(f"*/{name}")
        _spoil(file, spoil)

    return damage


def _chroma(spoil: Callable[[bytes], bytes] | None) -> Damage:
    return lambda place: _spoil(place / "vectors" / "chroma.sqlite3", spoil)


def _spoil(file: Path, spoil: Callable[[bytes], bytes] | None) -> None:
    if spoil is None:
        file.unlink()
    else:
        data = file.read_bytes()
        file.write_bytes(spoil(data) or b"")


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2] if data else b"x"


def _zeros(data: bytes) -> bytes:
    return bytes(max(len(data), 1))


def _flipped(data: bytes) -> bytes:
    spoilt = bytearray(data or b"x")
    spoilt[len(spoilt) // 3] ^= 16
    return bytes(spoilt)


def _header(data: bytes) -> bytes:
    return bytes(100) + data[100:]


def _hole(data: bytes) -> bytes:
    return data[:4096] + bytes(4096) + data[8192:]


def _scribbled(data: bytes) -> bytes:
    spoilt = bytearray(data)
    for at in random.Random(3).sample(range(len(spoilt)), 400):
        spoilt[at] ^= 255
    return bytes(spoilt)


def _sql(database: str, statement: str) -> Damage:
    def damage(place: Path) -> None:
        with closing(sqlite3.connect(place / database)) as connection, connection:
            connection.execute(statement)

    return damage


def _chroma_sql(statement: str) -> Damage:
    return _sql("vectors/chroma.sqlite3", statement)


def _foreign_store(place: Path) -> None:
    """Another index's vectors, of the same generation."""
    documents = place.parent / "others"
    documents.mkdir()
    write_documents(documents, files=30, paragraphs=10)
    with open_index(place.parent / "other") as index:
        index_folder(index, [documents])
    shutil.rmtree(place / "vectors")
    shutil.copytree(place.parent / "other" / "vectors", place / "vectors")


def _foreign_function(place: Path) -> None:
    _chroma_sql(
        """UPDATE collections SET config_json_str = '{"embedding_function": {"type": "known", "name": "evil"}}'"""
    )(place)


def _delete_vectors(place: Path) -> None:
    shutil.rmtree(place / "vectors")


def _delete_hnsw(place: Path) -> None:
    for folder in [path for path in (place / "vectors").iterdir() if path.is_dir()]:
        shutil.rmtree(folder)


BESIDE_THE_CATALOG: dict[str, Damage] = {
    "no vectors": _delete_vectors,
    "no HNSW folder": _delete_hnsw,
    "no manifest": lambda place: (place / "vectors" / "manifest.json").unlink(),
    "manifest garbled": lambda place: _spoil(place / "vectors" / "manifest.json", _half),
    **{
        f"{name} {how}": _hnsw(name, spoil)
        for name in _HNSW_FILES
        for how, spoil in (("deleted", None), ("cut", _half), ("zeroed", _zeros), ("flipped", _flipped))
    },
    "chroma.sqlite3 deleted": _chroma(None),
    "chroma.sqlite3 empty": _chroma(lambda data: b""),
    "chroma.sqlite3 cut": _chroma(_half),
    "chroma.sqlite3 zeroed": _chroma(_zeros),
    "chroma.sqlite3 without header": _chroma(_header),
    "chroma.sqlite3 with a page of zeros": _chroma(_hole),
    "chroma.sqlite3 scribbled over": _chroma(_scribbled),
    "Chroma lacks rows": _chroma_sql("DELETE FROM embeddings WHERE id % 7 = 0"),
    "Chroma has other ids": _chroma_sql("UPDATE embeddings SET embedding_id = 'x' || id WHERE id % 7 = 0"),
    "Chroma has no collection": _chroma_sql("DELETE FROM collections"),
    "an embedding function is configured": _foreign_function,
    "another index's vectors": _foreign_store,
    "the dirty mark is set": _sql("catalog.sqlite", "INSERT OR REPLACE INTO facts VALUES ('dirty', 'yes')"),
    "the catalog is of an earlier state": _sql(
        "catalog.sqlite", "UPDATE facts SET value = '0' WHERE key = 'generation'"
    ),
}
KEYWORDS: dict[str, Damage] = {
    "keyword rows deleted": _sql("catalog.sqlite", "DELETE FROM chunks_fts WHERE rowid % 5 = 0"),
    "a keyword row too many": _sql("catalog.sqlite", "INSERT INTO chunks_fts (rowid, text) VALUES (99999, 'stray')"),
    "keyword rows of another text": _sql("catalog.sqlite", "UPDATE chunks_fts SET text = 'other' WHERE rowid % 5 = 0"),
    "keyword content out of step": _sql(
        "catalog.sqlite", "UPDATE chunks_fts_content SET c0 = 'other' WHERE id % 5 = 0"
    ),
    "keyword segments deleted": _sql("catalog.sqlite", "DELETE FROM chunks_fts_data WHERE id > 10"),
    "keyword segments zeroed": _sql(
        "catalog.sqlite", "UPDATE chunks_fts_data SET block = zeroblob(length(block)) WHERE id > 10"
    ),
}
EMBEDDINGS: dict[str, Damage] = {
    "embeddings deleted": _sql("catalog.sqlite", "DELETE FROM embeddings WHERE text_hash < '4'"),
    "embeddings zeroed": _sql(
        "catalog.sqlite", "UPDATE embeddings SET vector = zeroblob(length(vector)) WHERE text_hash < '4'"
    ),
    "embeddings cut": _sql(
        "catalog.sqlite", "UPDATE embeddings SET vector = substr(vector, 1, 99) WHERE text_hash < '4'"
    ),
    "embeddings not numbers": _sql(
        "catalog.sqlite", "UPDATE embeddings SET vector = replace(hex(vector), '0', 'F') WHERE text_hash < '4'"
    ),
    "embeddings of other texts": _sql(
        "catalog.sqlite",
        "UPDATE embeddings SET vector = (SELECT max(vector) FROM embeddings) WHERE text_hash < '4'",
    ),
}
RECORDS: dict[str, Damage] = {
    "a text changed": _sql(
        "catalog.sqlite", "UPDATE files SET text = replace(text, 'fox', 'axe') WHERE path = 'file03.md'"
    ),
    "a text cut": _sql("catalog.sqlite", "UPDATE files SET text = substr(text, 1, 500) WHERE path = 'file03.md'"),
    "metadata garbled": _sql("catalog.sqlite", "UPDATE files SET metadata = '{\"title' WHERE path = 'file03.md'"),
    "metadata of another file": _sql(
        "catalog.sqlite", "UPDATE files SET metadata = json_set(metadata, '$.title', 'Other') WHERE path = 'file03.md'"
    ),
    "spans moved": _sql("catalog.sqlite", "UPDATE chunks SET start = start + 1 WHERE path = 'file03.md'"),
    "headings garbled": _sql("catalog.sqlite", "UPDATE chunks SET heading_path = '[' WHERE path = 'file03.md'"),
    "passages deleted": _sql("catalog.sqlite", "DELETE FROM chunks WHERE path = 'file03.md' AND start > 900"),
}


@pytest.mark.parametrize("kind", [*BESIDE_THE_CATALOG, *KEYWORDS])
def test_what_is_beside_the_texts_is_noticed_and_made_again_without_embedding(
    kind: str, place: Path, expected: object
) -> None:
    (BESIDE_THE_CATALOG | KEYWORDS)[kind](place)
    found = verify_index(place)
    assert found.problems
    assert {problem.mend for problem in found.problems} == {"agentkit indexes rebuild index"}
    rebuild_index(place)
    assert verify_index(place).problems == ()
    with open_index(place) as index:
        assert contents(index) == expected


@pytest.mark.parametrize("kind", [kind for kind in BESIDE_THE_CATALOG if ".bin" not in kind or "zeroed" in kind])
def test_a_search_and_a_sync_mend_the_vectors_by_themselves(
    kind: str, place: Path, sound: Path, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.indexes.index.EXACT_UP_TO", 0)
    BESIDE_THE_CATALOG[kind](place)
    with open_index(place) as index:
        assert contents(index) == expected
        index_folder(index, [sound / "documents"])
        assert contents(index) == expected


def test_a_search_whose_store_another_thread_has_closed_does_not_spoil_the_one_that_is_open(place: Path) -> None:
    def find(store: vectors.VectorStore | None) -> list[tuple[str, float]]:
        return store.query(np.ones(256, dtype=np.float32), count=1) if store else []

    with open_index(place) as index:
        late = index.vectors.open_for_reading()
        index.vectors.close()
        store = index.vectors.open_for_reading()
        assert index._in_one_state(find, late) == []
        assert index.vectors.open_for_reading() is store
        assert len(index._in_one_state(find, store)) == 1
    assert (place / "vectors" / "manifest.json").exists()


@pytest.mark.parametrize("kind", [*EMBEDDINGS, *RECORDS])
def test_a_spoilt_record_is_named_with_the_command_that_mends_it(
    kind: str, place: Path, sound: Path, expected: object
) -> None:
    (EMBEDDINGS | RECORDS)[kind](place)
    commands = {problem.mend for problem in verify_index(place).problems}
    if kind in EMBEDDINGS:
        assert commands == {"agentkit indexes rebuild index --reembed"}
        Index.reembed(place, embedder=HashingEmbedder())
    else:
        assert f"agentkit index '{sound / 'documents'}' --name index --full" in commands
        with open_index(place) as index:
            index_folder(index, [sound / "documents"], is_full=True)
        rebuild_index(place)
    assert verify_index(place).problems == ()
    with open_index(place) as index:
        assert contents(index) == expected


def _catalog(spoil: Callable[[bytes], bytes] | None) -> Damage:
    return lambda place: _spoil(place / "catalog.sqlite", spoil)


def _cut_at(share: float) -> Damage:
    return _catalog(lambda data: data[: int(len(data) * share)])


def _page_with(piece: bytes) -> Damage:
    """Zeros in place of the page that holds a piece."""

    def spoil(data: bytes) -> bytes:
        page = data.index(piece) // 4096 * 4096
        return data[:page] + bytes(4096) + data[page + 4096 :]

    return _catalog(spoil)


CATALOG: dict[str, tuple[Damage, float]] = {
    "deleted": (_catalog(None), 1),
    "empty": (_catalog(lambda data: b""), 1),
    "all zeros": (_catalog(_zeros), 1),
    "text instead": (_catalog(lambda data: b"not a database at all" * 500), 1),
    "without header": (_catalog(_header), 0.1),
    "without first page": (_catalog(lambda data: bytes(4096) + data[4096:]), 0.1),
    "cut at 90 %": (_cut_at(0.9), 1),
    "cut at 50 %": (_cut_at(0.5), 1),
    "cut at 10 %": (_cut_at(0.1), 1),
    "cut in its first page": (_cut_at(0.001), 1),
    "a page of a text is zeros": (_page_with(b"# Number 7"), 0.5),
    "a page of paths is zeros": (_page_with(b"file03.md"), 0.5),
    "scribbled over": (_catalog(_scribbled), 1),
    "its version is a number of no version": (_sql("catalog.sqlite", "PRAGMA user_version = 70000"), 0.1),
}
"""How, and which share of the texts may have to be embedded again."""


@pytest.mark.parametrize("kind", CATALOG)
def test_of_a_spoilt_catalog_what_can_be_read_is_saved(kind: str, place: Path, sound: Path, expected: object) -> None:
    damage, most = CATALOG[kind]
    damage(place)
    found = verify_index(place)
    assert {problem.mend for problem in found.problems} == {"agentkit indexes rebuild index"}
    report = rebuild_index(place)
    assert report.was_damaged
    assert verify_index(place).problems == ()
    embedder = _CountingEmbedder()
    with Index.open(place, embedder=embedder) as index:
        index_folder(index, [sound / "documents"])
        assert embedder.texts <= most * index.chunk_count
        assert contents(index) == expected
        assert index.verify().problems == ()


@pytest.mark.parametrize("kind", ["deleted", "empty", "all zeros", "without header", "cut at 50 %"])
def test_a_spoilt_catalog_is_an_error_that_names_the_file_and_the_command(kind: str, place: Path) -> None:
    CATALOG[kind][0](place)
    with (
        pytest.raises(IndexDamagedError, match=r"catalog\.sqlite.*agentkit indexes rebuild index"),
        open_index(place) as i,
    ):
        i.search("red fox")
    assert "agentkit indexes rebuild" in IndexCollection(place.parent).summary("index").problem


@pytest.mark.parametrize("vector", ["zeroblob(8)", "'text'"])
def test_an_embedding_of_another_length_is_named_with_the_command(vector: str, place: Path) -> None:
    _sql("catalog.sqlite", f"UPDATE embeddings SET vector = {vector}")(place)
    with open_index(place) as index, pytest.raises(IndexDamagedError, match="agentkit indexes rebuild index --reembed"):
        index.search("red fox")


@pytest.mark.parametrize("name", ["PERM", "READONLY", "CANTOPEN", "AUTH", "NOMEM", "IOERR_READ"])
def test_a_catalog_that_cannot_be_opened_is_not_taken_for_damaged(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("SQLite's words")
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
        raise error

    before = (place / "catalog.sqlite").read_bytes()
    with monkeypatch.context() as failing:
        failing.setattr(sqlite3, "connect", fail)
        with pytest.raises(IndexUnreadableError, match=r"cannot be opened \(SQLite's words\): "):
            rebuild_index(place)
        assert "cannot be opened" in IndexCollection(place.parent).summary("index").problem
    assert (place / "catalog.sqlite").read_bytes() == before


def test_a_catalog_of_a_newer_agentkit_is_left_as_it_is(place: Path) -> None:
    _sql("catalog.sqlite", "PRAGMA user_version = 9")(place)
    before = (place / "catalog.sqlite").read_bytes()
    with pytest.raises(IndexMismatchError, match="update agentkit"):
        rebuild_index(place)
    assert (place / "catalog.sqlite").read_bytes() == before


def test_a_lost_log_is_an_earlier_state_and_the_next_sync_brings_it_back(
    place: Path, sound: Path, tmp_path: Path, expected: object
) -> None:
    """As after a kill and the loss of `catalog.sqlite-wal`: the vectors are those of the later state."""
    documents = Path(shutil.copytree(sound / "documents", tmp_path / "documents"))
    killed = tmp_path / "killed"
    with open_index(tmp_path / "index2") as index:
        index_folder(index, [documents])
        before = contents(index)
        index.catalog.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        (documents / "file03.md").write_text("# Changed\n\nbarley flour of the last ferry")
        index_folder(index, [documents])
        after = contents(index)
        shutil.copytree(index.directory, killed)
    (killed / "catalog.sqlite-wal").unlink()
    assert [problem.mend for problem in verify_index(killed).problems] == ["agentkit indexes rebuild killed"]
    with open_index(killed) as index:
        assert contents(index) == before
        index_folder(index, [documents])
        assert contents(index) == after
        assert index.verify().problems == ()


def test_there_are_forty_kinds_and_more() -> None:
    assert len(BESIDE_THE_CATALOG | KEYWORDS | EMBEDDINGS | RECORDS) + len(CATALOG) >= 60


def test_what_was_saved_from_a_damaged_catalog_is_gone_once_something_is_forgotten(place: Path) -> None:
    CATALOG["without header"][0](place)
    rebuild_index(place)
    assert (place / "damaged").is_dir()
    with open_index(place) as index:
        index.forget("file03.md")
    assert not (place / "damaged").exists()


class _CountingEmbedder(HashingEmbedder):
    texts = 0

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        return super().embed_array(texts)
