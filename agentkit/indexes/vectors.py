"""The vector index (the door to chromadb): ids and vectors, nothing that cannot be made again from the catalog.

Chroma's defaults that matter, each tried with 1.5: telemetry is on, a collection gets an embedding function of its own,
the distance is squared L2, `add` ignores an id that it has, and one call takes `get_max_batch_size()` records.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import VectorsDamagedError
from agentkit.indexes.batches import batched
from agentkit.indexes.sqlite_errors import is_full, no_space

_COLLECTION = "chunks"
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200}
"""Twice Chroma's defaults of 100: among many nearly equal vectors it missed the best one."""
_MOST_AT_ONCE = 1000
"""Vectors in one call of Chroma's, which makes Python's floats of them: 12 KB each."""
_FULL_DISK = ("disk is full", "no space left", "disk i/o error", "os error 28")
"""What Chroma's error says where there was no room."""


def import_chroma() -> None:
    """Takes a second or two, which `VectorStore` then does not."""
    import chromadb  # noqa: F401


class VectorStore:
    """A Chroma collection in a folder of its own, in cosine distance. Close it before the folder is moved."""

    def __init__(self, directory: Path) -> None:
        """Open the store, making it where the folder is empty.

        Raises:
            VectorsDamagedError: Chroma cannot open the folder, or its collection names an embedding function: opening
                such a one could run its code.
        """
        _refuse_embedding_function(directory)
        import chromadb
        from chromadb.config import Settings

        self._directory = directory
        self._count: int | None = None
        """Of the vectors, once asked for and until they change."""
        with _chroma_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            try:
                self._client = chromadb.PersistentClient(str(directory), settings=Settings(anonymized_telemetry=False))
            except BaseException:
                _let_go_of_broken(directory)
                raise
            try:
                self._collection = self._client.get_or_create_collection(
                    _COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}
                )
                self._batch_size: int = min(_MOST_AT_ONCE, self._client.get_max_batch_size())
            except BaseException:
                self._client.close()
                raise

    def upsert(self, records: Iterable[tuple[str, NDArray[np.float32]]]) -> None:
        """Write vectors under their ids, replacing those that are there.

        Raises:
            DiskSpaceError: there is no room for them.
        """
        for batch in batched(records, self._batch_size):
            with _chroma_errors(self._directory):
                self._count = None
                self._collection.upsert(
                    ids=[identifier for identifier, _ in batch], embeddings=np.stack([vector for _, vector in batch])
                )

    def delete(self, identifiers: Iterable[str]) -> None:
        """Forget ids; those that are not there are no error."""
        for batch in batched(identifiers, self._batch_size):
            with _chroma_errors(self._directory):
                self._count = None
                self._collection.delete(ids=batch)

    def query(self, vector: NDArray[np.float32], *, count: int) -> list[tuple[str, float]]:
        """The ids of the nearest vectors with their cosine similarity, nearest first.

        Raises:
            VectorsDamagedError: Chroma finds its files spoilt.
        """
        (found,) = self.query_many(vector[np.newaxis, :], count=count)
        return found

    def query_many(self, vectors: NDArray[np.float32], *, count: int) -> list[list[tuple[str, float]]]:
        """As `query`, for each row of `vectors`, shape (n, dimension)."""
        if self._count is None:  # Chroma takes 7 ms to count 100,000
            self._count = self.count()
        if not self._count:
            return [[] for _ in vectors]
        with _chroma_errors(self._directory):
            found: Any = self._collection.query(
                query_embeddings=vectors, n_results=min(count, self._count), include=["distances"]
            )
        return [
            [(name, 1.0 - float(distance)) for name, distance in zip(names, distances, strict=True)]
            for names, distances in zip(found["ids"], found["distances"], strict=True)
        ]

    def vectors(self, identifiers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Id -> vector as it is stored, for those of the ids that are there."""
        with _chroma_errors(self._directory):
            found: Any = self._collection.get(ids=list(identifiers), include=["embeddings"])
        return dict(zip(found["ids"], found["embeddings"], strict=True))

    def count(self) -> int:
        """Vectors in the store."""
        with _chroma_errors(self._directory):
            return int(self._collection.count())

    def close(self) -> None:
        """Write what is pending and let go of the files."""
        with _chroma_errors(self._directory):
            self._client.close()
            _blank_unused(self._directory)


def _blank_unused(directory: Path) -> None:
    """Write zeros over HNSW files that Chroma has made and not filled: they hold whatever was in the process's memory,
    such as vectors that are to be forgotten. Chroma does not read them while `index_metadata.pickle` is not there.
    """
    for data in directory.glob("*/data_level0.bin"):
        if not data.with_name("index_metadata.pickle").exists():
            for file in data.parent.iterdir():
                file.write_bytes(bytes(file.stat().st_size))


def _let_go_of_broken(directory: Path) -> None:
    """Chroma (1.5) keeps what failed to start, and would give it to whoever opens the folder next."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient._identifier_to_system.pop(str(directory), None)  # noqa: SLF001 there is no public way


@contextmanager
def _chroma_errors(directory: Path) -> Iterator[None]:
    """Chroma's native layer raises errors of no common class on damaged files and full disks."""
    try:
        yield
    except BaseException as error:
        # A panic of Chroma's Rust is no Exception: https://pyo3.rs/latest/doc/pyo3/panic/struct.PanicException.html
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if any(sign in str(error).lower() for sign in _FULL_DISK) or (directory.is_dir() and is_full(directory)):
            raise no_space(directory) from error
        raise VectorsDamagedError(f"Chroma cannot use {directory}: {error}") from error


def _refuse_embedding_function(directory: Path) -> None:
    """Read the collection's configuration as data, before Chroma would act on it."""
    database = directory / "chroma.sqlite3"
    if not database.is_file():
        return
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT config_json_str, schema_str FROM collections").fetchall()
        finally:
            connection.close()
        configurations = [json.loads(text) for row in rows for text in row if text]
    except (sqlite3.Error, ValueError) as error:
        raise VectorsDamagedError(f"{database} cannot be read: {error}") from error
    if any(_names_embedding_function(configuration) for configuration in configurations):
        raise VectorsDamagedError(
            f"{directory} names an embedding function: agentkit did not make it and will not open it"
        )


def _names_embedding_function(value: Any) -> bool:
    if isinstance(value, dict):
        function = value.get("embedding_function")
        is_named = isinstance(function, dict) and function.get("type") not in (None, "legacy", "unknown")
        return is_named or any(_names_embedding_function(inner) for inner in value.values())
    return isinstance(value, list) and any(_names_embedding_function(inner) for inner in value)
