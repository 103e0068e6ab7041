"""The catalog: one SQLite file that holds an index's files, text, chunks, embeddings and keyword index.

It is the truth (design.md, invariant 3): durable before anything is reported (WAL, `synchronous=FULL`), and read as a
whole: what a sync has read is *staged* as it goes and *published* in one transaction, so that a reader never sees half.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import IndexDamagedError, IndexLockedError, IndexMismatchError
from agentkit.indexes.bm25 import PLACES, KeywordScorer
from agentkit.indexes.conditions import Condition, casefold
from agentkit.indexes.publishing import publish, restamp
from agentkit.indexes.records import ChunkRecord, FileRecord, FileStamp, KnownFile, SkipRecord, chunks_to_json
from agentkit.indexes.schema import MIGRATIONS, SCHEMA, VERSION
from agentkit.indexes.sqlite_errors import catalog_errors
from agentkit.indexes.sqlite_files import immediate_transaction, is_empty, set_up, version_of
from agentkit.paths import composed

CATALOG_NAME = "catalog.sqlite"
VECTORS_NAME = "vectors"
VECTOR_TYPE = np.dtype("<f4")
_TRIES, _BETWEEN_TRIES_S = 100, 0.02
_NO_VERSION = 1000
"""A number as high as this is damage, and no version of a catalog."""


class Catalog:
    """The SQLite file of one index. Safe to use from several threads, which take turns."""

    def __init__(self, path: Path) -> None:
        """Open the catalog, making it where there is none.

        Raises:
            IndexDamagedError: not an SQLite file, or damaged.
            IndexMismatchError: made by a newer agentkit.
        """
        _refuse_lost(path)
        self._path = path
        self._lock = threading.RLock()
        self._keywords = KeywordScorer(self._rows)
        self._counted: tuple[tuple[int, int] | None, int] = (None, 0)
        """A state of the file, and its chunks."""
        with catalog_errors(self._path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            try:
                _write_ahead(self._connection)
                self._connection.execute("PRAGMA synchronous = FULL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute("PRAGMA secure_delete = ON")
                self._connection.create_function("casefold", 1, casefold, deterministic=True)
                self._connection.create_function("composed", 1, composed, deterministic=True)
                self._create_or_check()
                self._connection.execute(PLACES)
                self._file = _identity(path)
            except BaseException:
                self._connection.close()
                raise

    @property
    def is_in_place(self) -> bool:
        """False where the file was deleted or replaced since it was opened: what is written to it is lost."""
        return _identity(self._path) == self._file

    def close(self) -> None:
        """Close the file. Calling it twice does nothing."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: committed at the end, rolled back on any exception."""
        with self._lock, catalog_errors(self._path), immediate_transaction(self._connection):
            yield self._connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is read of one state, whatever is published meanwhile. Other threads wait."""
        with self._lock, catalog_errors(self._path):
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """What a query gives. For the modules that look after an index; everybody else has a method here."""
        return self._rows(query, tuple(values))

    def erase_remnants(self) -> None:
        """Leave nothing in the files of what was deleted: the keyword index's stale words, pages, the write-ahead log.

        Raises:
            IndexLockedError: another process is reading the index and needs the log.
        """
        with self.transaction() as connection:
            connection.execute("INSERT INTO chunks_fts (chunks_fts) VALUES ('optimize')")
        with self._lock, catalog_errors(self._path):
            self._connection.execute("VACUUM")  # secure_delete leaves copies where SQLite moved rows between pages
            (is_busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise IndexLockedError(
                f"another process is reading {self._path}, so that what was deleted is still in its log: "
                "run the command again"
            )

    # Facts and roots

    def fact(self, key: str) -> str | None:
        """A fact about the index, such as its embedder; None where it is not known."""
        rows = self._rows("SELECT value FROM facts WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set_facts(self, facts: Mapping[str, str]) -> None:
        """Write facts, replacing those of the same key."""
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    @property
    def generation(self) -> str:
        """A number that every published change raises."""
        return self.fact("generation") or "0"

    @property
    def is_dirty(self) -> bool:
        """True while the vectors are being written, and after a crash until they are made again."""
        return self.fact("dirty") == "yes"

    def roots(self) -> dict[str, str]:
        """Every folder or file that was indexed -> what its files' paths begin with."""
        return dict(self._rows("SELECT source, prefix FROM roots"))

    def change_roots(self, *, added: Mapping[str, str], moved: Mapping[str, str], facts: Mapping[str, str]) -> None:
        """Note new roots with what their files' paths begin with, those that are at another place now (old -> new),
        and facts about them; all or nothing. Paths and chunks stay.
        """
        with self.transaction() as connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")  # until the commit: files refer to their root
            for old, new in moved.items():
                for table in ("roots", "files", "skipped", "staged"):
                    connection.execute(f"UPDATE {table} SET source = ? WHERE source = ?", (new, old))  # noqa: S608
            connection.executemany("INSERT INTO roots VALUES (?, ?)", added.items())
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    # What is known

    def known_files(self, source: str) -> dict[str, KnownFile]:
        """Path -> what is known of it, for every file of a root that is indexed or was skipped."""
        query = (
            "SELECT path, size, mtime_ns, '', reason, loader FROM skipped WHERE source = ?1 "
            "UNION ALL SELECT path, size, mtime_ns, sha256, '', loader FROM files WHERE source = ?1"
        )
        return self._known(query, source)

    def staged_files(self, source: str) -> dict[str, KnownFile]:
        """Path -> what is known of it, for every file that an interrupted sync has already read."""
        return self._known("SELECT path, size, mtime_ns, sha256, '', loader FROM staged WHERE source = ?", source)

    def paths_elsewhere(self, source: str) -> set[str]:
        """The paths of files that are indexed, or staged, of other roots."""
        query = "SELECT path FROM files WHERE source != ?1 UNION SELECT path FROM staged WHERE source != ?1"
        return {path for (path,) in self._rows(query, (source,))}

    def chunks_of(self, path: str) -> list[ChunkRecord]:
        """The chunks of a file in the order of its text."""
        rows = self._rows(
            'SELECT id, start, "end", heading_path, text_hash FROM chunks WHERE path = ? ORDER BY start', (path,)
        )
        return [ChunkRecord(i, start, end, tuple(json.loads(names)), digest) for i, start, end, names, digest in rows]

    def chunks_by_id(self, identifiers: Sequence[str]) -> dict[str, tuple[str, ChunkRecord]]:
        """Chunk id -> path and chunk, for those that are published."""
        rows = self._rows(
            'SELECT id, path, start, "end", heading_path, text_hash FROM chunks '
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(identifiers),),
        )
        return {
            i: (path, ChunkRecord(i, start, end, tuple(json.loads(names)), digest))
            for i, path, start, end, names, digest in rows
        }

    def matching_chunks(self, conditions: Iterable[Condition]) -> list[int]:
        """The numbers of the chunks that every condition holds for, ascending."""
        tests = list(conditions)
        wanted = " AND ".join(test.sql for test in tests) or "TRUE"
        values = tuple(value for test in tests for value in test.values)
        query = f"SELECT number FROM chunks JOIN files USING (path) WHERE {wanted} ORDER BY number"  # noqa: S608
        return [number for (number,) in self._rows(query, values)]

    def keyword_ranking(
        self, query: str, *, count: int, within: Sequence[int] | None = None
    ) -> list[tuple[str, float]]:
        """Chunk ids with their BM25 score (higher is better), best first, for an FTS5 query; none for an empty one.

        `within`: only chunks of these numbers; None takes all.
        """
        found = self._keywords.ranking(query, self.generation, count=count, within=within)
        numbers = json.dumps([number for number, _ in found])
        names = dict(
            self._rows("SELECT number, id FROM chunks WHERE number IN (SELECT value FROM json_each(?))", (numbers,))
        )
        ranking = ((names[number], score) for number, score in found)
        return sorted(ranking, key=lambda each: (-each[1], each[0]))[:count]

    def searched_texts(self, identifiers: Sequence[str]) -> list[str]:
        """What is searched by words for these chunks, in their order."""
        rows = dict(
            self._rows(
                "SELECT id, text FROM chunks JOIN chunks_fts ON number = chunks_fts.rowid "
                "WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(identifiers),),
            )
        )
        return [rows[identifier] for identifier in identifiers if identifier in rows]

    def vectors_by_id(self, identifiers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Chunk id -> embedding, for those that are published."""
        rows = self._rows(
            "SELECT id, vector FROM chunks JOIN embeddings USING (text_hash) "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(identifiers),),
        )
        size = self._vector_size()
        return {identifier: self._vector(blob, size) for identifier, blob in rows}

    def document_frequencies(self, stems: Iterable[str]) -> dict[str, int]:
        """In how many chunks each stem occurs."""
        return self._keywords.frequencies(stems, self.generation)

    def text(self, path: str) -> str | None:
        """The text of a file as its loader produced it."""
        rows = self._rows("SELECT text FROM files WHERE path = ?", (path,))
        return rows[0][0] if rows else None

    def contents(self, paths: Iterable[str]) -> dict[str, tuple[dict[str, Any], str]]:
        """Path -> what the loader knew of the file, and its text."""
        rows = self._rows(
            "SELECT path, metadata, text FROM files WHERE path IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(set(paths))),),
        )
        return {path: (json.loads(metadata), text) for path, metadata, text in rows}

    def metadata(self, path: str) -> dict[str, Any]:
        """What the loader knew of a file."""
        return self._metadata("SELECT metadata FROM files WHERE path = ?", path)

    def staged_metadata(self, path: str) -> dict[str, Any]:
        """What the loader knew of a file that is staged."""
        return self._metadata("SELECT metadata FROM staged WHERE path = ?", path)

    def paths(self) -> list[str]:
        return [path for (path,) in self._rows("SELECT path FROM files ORDER BY path")]

    def file_count(self) -> int:
        return int(self._rows("SELECT count(*) FROM files")[0][0])

    def skipped_count(self) -> int:
        """Of the files that are skipped, those in archives included."""
        files = self._rows("SELECT count(*) FROM skipped")[0][0]
        return int(files + self._rows("SELECT total(json_array_length(metadata, '$.skipped')) FROM files")[0][0])

    def chunk_count(self) -> int:
        with self._lock:  # counted again only after a change, here or by another process: a search asks several times
            state = (self._rows("PRAGMA data_version")[0][0], self._connection.total_changes)
            if self._counted[0] != state:
                self._counted = state, int(self._rows("SELECT count(*) FROM chunks")[0][0])
            return self._counted[1]

    def published(self, identifiers: Sequence[str]) -> set[str]:
        """Those of the chunk ids that are published."""
        query = "SELECT id FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
        return {found for (found,) in self._rows(query, (json.dumps(identifiers),))}

    # Embeddings

    def missing_embeddings(self, hashes: Iterable[str]) -> set[str]:
        """Those of the text hashes that have no embedding yet."""
        wanted = set(hashes)
        query = "SELECT text_hash FROM embeddings WHERE text_hash IN (SELECT value FROM json_each(?))"
        return wanted - {digest for (digest,) in self._rows(query, (json.dumps(sorted(wanted)),))}

    def add_embeddings(self, hashes: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep `vectors`, shape (len(hashes), dimension), durably."""
        rows = [(name, row.astype(VECTOR_TYPE).tobytes()) for name, row in zip(hashes, vectors, strict=True)]
        with self.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?)", rows)

    def vectors(self, within: Sequence[int] | None = None) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Id and embedding of every published chunk, or of those of some numbers."""
        return self._vectors(
            "SELECT chunks.id, vector FROM chunks JOIN embeddings USING (text_hash) "
            "WHERE ?1 IS NULL OR number IN (SELECT value FROM json_each(?1))",
            (None if within is None else json.dumps(within),),
        )

    def staged_vectors(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Id and embedding of every staged chunk."""
        return self._vectors(
            "SELECT json_extract(chunk.value, '$[0]'), vector FROM staged, json_each(staged.chunks) AS chunk "
            "JOIN embeddings ON text_hash = json_extract(chunk.value, '$[4]')"
        )

    # Writing

    def stage(self, files: Sequence[FileRecord]) -> None:
        """Keep what was read of these files until it is published."""
        rows = [
            (
                f.path,
                f.source,
                f.stamp.size,
                f.stamp.mtime_ns,
                f.sha256,
                json.dumps(f.metadata),
                f.text,
                chunks_to_json(f.chunks),
                f.loader,
            )
            for f in files
        ]
        with self.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def restamp(self, files: Mapping[str, KnownFile]) -> None:
        """Note stamps and loaders of files whose bytes are as before, which no reader sees."""
        with self.transaction() as connection:
            restamp(connection, files)

    def unstage(self, paths: Iterable[str]) -> None:
        """Forget staged files that are no longer there."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM staged WHERE path = ?", [(path,) for path in paths])

    def publish(
        self,
        *,
        removed: Collection[str],
        skipped: Mapping[str, SkipRecord],
        restamped: Mapping[str, KnownFile],
    ) -> list[str]:
        """Make what is staged, and these changes, the state that readers see (see `publishing.publish`)."""
        with self.transaction() as connection:
            return publish(connection, removed=removed, skipped=skipped, restamped=restamped)

    def _vectors(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Batch by batch, so that memory does not grow with the index."""
        size = self._vector_size()
        with self._lock, catalog_errors(self._path):
            cursor = self._connection.execute(query, values)
        while True:
            with self._lock, catalog_errors(self._path):
                rows = cursor.fetchmany(1000)
            if not rows:
                return
            for name, blob in rows:
                yield name, self._vector(blob, size)

    def _vector(self, blob: Any, size: int) -> NDArray[np.float32]:  # Any: in a damaged file it may be none
        if not isinstance(blob, bytes) or len(blob) != size:
            raise IndexDamagedError(f"an embedding in {self._path} is damaged: {_mend(self._path)} --reembed")
        return np.frombuffer(blob, dtype=VECTOR_TYPE)

    def _vector_size(self) -> int:
        return vector_size(json.loads(self.fact("embedder") or "{}"))

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock, catalog_errors(self._path):
            return self._connection.execute(query, values).fetchall()

    def _known(self, query: str, source: str) -> dict[str, KnownFile]:
        rows = self._rows(query, (source,))
        return {path: KnownFile(path, FileStamp(size, mtime), *rest) for path, size, mtime, *rest in rows}

    def _metadata(self, query: str, path: str) -> dict[str, Any]:
        rows = self._rows(query, (path,))
        found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
        return found

    def _create_or_check(self) -> None:
        if version_of(self._connection) == VERSION:
            return
        with self.transaction() as connection:  # another process may be making it at this moment
            version = version_of(connection)
            if version == VERSION:
                return
            if VERSION < version < _NO_VERSION:
                raise IndexMismatchError(
                    f"{self._path} was made by a newer agentkit (version {version}): update agentkit"
                )
            is_new = is_empty(connection)
            if (version not in MIGRATIONS and not is_new) or version >= _NO_VERSION:
                raise IndexDamagedError(f"{self._path} is not a catalog of agentkit, or damaged: {_mend(self._path)}")
            script = SCHEMA if is_new else "".join(MIGRATIONS[at] for at in range(version, VERSION))
            set_up(connection, script, VERSION)


def vector_size(embedder: Mapping[str, Any]) -> int:
    """Bytes of an embedding of an embedder, as the facts tell of it."""
    return int(embedder.get("dimension", 0)) * VECTOR_TYPE.itemsize


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Set the journal's mode. SQLite does not wait by itself while another connection to a new file does the same."""
    for tries_left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not tries_left or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_BETWEEN_TRIES_S)
        else:
            return


def _refuse_lost(path: Path) -> None:
    """An index has its catalog before it has vectors: where only these are there, a new catalog would hide a loss."""
    is_there = path.is_file() and path.stat().st_size
    if path.name == CATALOG_NAME and not is_there and (path.parent / VECTORS_NAME).is_dir():
        raise IndexDamagedError(f"the catalog {path} is missing or empty: {_mend(path)}")


def _identity(path: Path) -> tuple[int, int]:
    """Which file it is; no file's where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_dev, status.st_ino


def _mend(path: Path) -> str:
    return f"mend it with: agentkit indexes rebuild {path.parent.name}"
