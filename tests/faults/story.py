"""The life of an index in steps, each of which is to be interrupted: what is done, and what an index then says."""

import hashlib
import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import chromadb.api.rust  # noqa: F401 here once, and not in every child again
import snowballstemmer  # noqa: F401

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.chunkers import ChunkLimits
from agentkit.errors import IndexMismatchError
from agentkit.indexes import index as index_module
from agentkit.indexes import remaking, vectors, writer  # noqa: F401
from agentkit.indexes.keeper import IndexKeeper
from agentkit.pipelines import indexing
from agentkit.results import SearchMode

SECRET = "quincunx-rhododendron-zephyr"
"""Stands in the file that is forgotten, and nowhere else."""
ASKED = {f"red fox, {mode}": ("red fox", mode) for mode in SearchMode} | {"secret": (SECRET, SearchMode.HYBRID)}
_SMALL = ChunkLimits(max_chars=500, overlap_chars=0)
_WORDS = ["red", "fox", "barley", "flour", "ferry", "stone", "tide", "mill", "lantern", "gauge"]

# Small enough that every step writes in several batches, that Chroma writes its HNSW files, and that it is asked.
indexing._STAGE_CHARS = remaking._BATCH_CHARS = 12_000
index_module.EXACT_UP_TO = 0  # type: ignore[attr-defined]  # where it is read
vectors._HNSW.update({"sync_threshold": 16, "batch_size": 8})


def _sync(place: Path, documents: Path) -> None:
    with open_index(place) as index:
        index_folder(index, [documents])


def _forget(place: Path, documents: Path) -> None:
    with IndexKeeper(place) as keeper:
        keeper.forget("file05.md")


def _rebuild(place: Path, documents: Path) -> None:
    with IndexKeeper(place) as keeper:
        keeper.rebuild()


def _write_all(documents: Path) -> None:
    documents.mkdir()
    for number in range(12):
        _write(documents, number, f"{SECRET} " if number == 5 else "")


def _change_some(documents: Path) -> None:
    for number in (1, 4, 12, 13):
        _write(documents, number, "again ")
    (documents / "file02.md").rename(documents / "moved.md")


def _delete_some(documents: Path) -> None:
    for number in (0, 3, 12):
        (documents / f"file{number:02}.md").unlink()


def _leave(documents: Path) -> None:
    """No document changes before this step."""


def _reembed(place: Path, documents: Path) -> None:
    Index.reembed(place, embedder=HashingEmbedder(96))


def _rechunk(place: Path, documents: Path) -> None:
    Index.rechunk(place, embedder=HashingEmbedder(96), limits=_SMALL)


STEPS: dict[str, tuple[Callable[[Path], None], Callable[[Path, Path], None]]] = {
    "index": (_write_all, _sync),
    "update": (_change_some, _sync),
    "delete": (_delete_some, _sync),
    "forget": (_leave, _forget),
    "rebuild": (_leave, _rebuild),
    "reembed": (_leave, _reembed),
    "rechunk": (_leave, _rechunk),
}
"""Name -> what becomes of the documents before it, and what is done to the index."""


def state(place: Path) -> dict[str, Any]:
    """What an index says of itself to whoever opens it: JSON, equal for equal indexes."""
    with open_index(place) as index:
        hits = {asked: hits_of(index, asked) for asked in ASKED}
        ids = [chunk.id for path in index.paths() for chunk in index.catalog.chunks_of(path)]
        texts = [index.document_text(path) for path in index.paths()]
        digest = hashlib.sha256(json.dumps([ids, texts]).encode()).hexdigest()
        made_by = [index.catalog.fact(key) for key in ("embedder", "chunker")]
        return {
            "made by": made_by,
            "paths": index.paths(),
            "forgotten": index.keeper.forgotten(),
            "digest": digest,
            "hits": hits,
        }


def hits_of(index: Index, asked: str) -> list[list[Any]]:
    """What one of `ASKED` finds, as JSON has it."""
    query, mode = ASKED[asked]
    return [[hit.path, hit.start, round(hit.score, 4)] for hit in index.search(query, k=6, mode=mode)]


def faults_of(place: Path) -> list[str]:
    """What `verify` finds, and bytes of the forgotten file that are still there."""
    with open_index(place) as index:
        found = [problem.what for problem in index.verify().problems]
        is_forgotten = bool(index.keeper.forgotten())
    secret = SECRET.partition("-")[0].encode()
    files = [file for file in place.rglob("*") if file.is_file()]
    if is_forgotten:
        found += [f"{file.name} holds the secret" for file in files if secret in file.read_bytes()]
    return found + [f"{file} is left over" for file in files if "vectors." in str(file.relative_to(place))]


def open_index(place: Path) -> Index:
    """By whatever it was made by."""
    for embedder, limits in (
        (HashingEmbedder(64), None),
        (HashingEmbedder(96), None),
        (HashingEmbedder(96), _SMALL),
    ):
        with suppress(IndexMismatchError):
            return Index.open(place, embedder=embedder, limits=limits)
    raise AssertionError(f"{place} is made by nothing of this story")


def _write(documents: Path, number: int, more: str) -> None:
    words = random.Random(number)
    lines = [f"{more}{' '.join(words.choices(_WORDS, k=9))} {number} {at}" for at in range(40)]
    (documents / f"file{number:02}.md").write_text(f"# Number {number}\n\n" + ".\n\n".join(lines))
