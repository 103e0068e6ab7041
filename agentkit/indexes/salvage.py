"""Make a new catalog of what can be read of a damaged one.

SQLite stops at a damaged page; here every table is read around it. A row is taken only where it proves itself: a chunk
by its id and its text's hash, a file by chunks that cover its text and have embeddings, an embedding by its length.
What is lost is read from the source files by the next sync, which finds the embeddings that were saved. So are, once,
all others: what read a file cannot be proved.
"""

import json
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from agentkit.chunkers import Chunk
from agentkit.indexes.catalog import CATALOG_NAME, VECTOR_TYPE, Catalog, vector_size
from agentkit.indexes.publishing import insert_chunks
from agentkit.indexes.records import ChunkRecord, chunk_id, is_covered, searched_text, text_hash
from agentkit.indexes.sqlite_errors import full_disk_named

DAMAGED_NAME = "damaged"
"""The folder, in the index's, that keeps the damaged files until something is forgotten."""
_NEW_NAME = "catalog.new.sqlite"
_SUFFIXES = ("", "-wal", "-shm")
_PAGE_BYTES = 4096
_HEADER_BYTES = 100
_PAGE_COUNT_AT = 28
_PREFIXES = ["".join(pair) for pair in product("0123456789abcdef", repeat=2)]
_MOST_DAMAGED = 20_000
"""Ranges that are tried in vain before the rest is given up: it would take hours where a large table is lost."""
_LENGTH_TOLERANCE = 1e-5
_Row = tuple[Any, ...]


@dataclass(slots=True)
class _Saved:
    """What was read and has proved itself."""

    facts: dict[str, str] = field(default_factory=dict)
    roots: list[_Row] = field(default_factory=list)
    skipped: list[_Row] = field(default_factory=list)
    forgotten: list[_Row] = field(default_factory=list)
    embeddings: dict[str, bytes] = field(default_factory=dict)
    files: list[_Row] = field(default_factory=list)
    chunks: dict[str, list[ChunkRecord]] = field(default_factory=dict)


def salvage_catalog(directory: Path) -> tuple[str, ...]:
    """Put a sound catalog in place of the damaged one; the folders and files to index again.

    The damaged files are kept beside it. Needs the writer lock, and the catalog must be closed. Killed at any moment,
    there is the damaged catalog or the new one.
    """
    with full_disk_named(directory):
        damaged = _keep_damaged(directory)
        saved = _read(damaged / CATALOG_NAME)
        new = directory / _NEW_NAME
        for suffix in _SUFFIXES:
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        with closing(Catalog(new)) as catalog:
            _write(catalog, saved)
            catalog.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        for suffix in ("-wal", "-shm"):  # a log of the old catalog would be played into the new one
            (directory / (CATALOG_NAME + suffix)).unlink(missing_ok=True)
        new.replace(directory / CATALOG_NAME)
    return tuple(sorted(str(source) for source, _ in saved.roots))


def _keep_damaged(directory: Path) -> Path:
    damaged = directory / DAMAGED_NAME
    shutil.rmtree(damaged, ignore_errors=True)
    damaged.mkdir()
    for suffix in _SUFFIXES:
        with suppress(FileNotFoundError):
            shutil.copyfile(directory / (CATALOG_NAME + suffix), damaged / (CATALOG_NAME + suffix))
    return damaged


def _read(path: Path) -> _Saved:
    """From the file as it is or, where SQLite cannot begin to read it, with the first page of a new catalog."""
    for mend in (_leave, _mend_header, _mend_first_page):
        try:
            mend(path)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return _proven(connection)
        except (sqlite3.Error, UnicodeDecodeError, OSError):
            continue
    return _Saved()


def _leave(path: Path) -> None:
    """Nothing is mended."""


def _mend_header(path: Path) -> None:
    _replace_beginning(path, _HEADER_BYTES)


def _mend_first_page(path: Path) -> None:
    """Its tables begin where those of a catalog begin that was never packed."""
    _replace_beginning(path, _PAGE_BYTES)


def _replace_beginning(path: Path, size: int) -> None:
    fresh = path.with_name("fresh.sqlite")
    with closing(Catalog(fresh)) as catalog:
        catalog.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    beginning = bytearray(fresh.read_bytes()[:size])
    fresh.unlink()
    pages = path.stat().st_size // _PAGE_BYTES
    beginning[_PAGE_COUNT_AT : _PAGE_COUNT_AT + 4] = struct.pack(">I", pages)
    with path.open("r+b") as file:
        file.write(beginning)


def _proven(connection: sqlite3.Connection) -> _Saved:
    saved = _Saved()
    saved.facts = dict(_rows(connection, "SELECT key, value FROM facts", "key"))
    saved.roots = list(_rows(connection, "SELECT source, prefix FROM roots", "source"))
    saved.forgotten = list(_rows(connection, "SELECT pattern FROM forgotten", "pattern"))
    saved.skipped = list(_rows(connection, "SELECT path, source, size, mtime_ns, reason FROM skipped", "path"))
    embedder = _json(saved.facts.get("embedder", ""))
    if not isinstance(embedder, dict):  # nothing tells what the embeddings are worth
        saved.facts.clear()
        return saved
    size = vector_size(embedder)
    for prefix in _PREFIXES:
        query = f"SELECT text_hash, vector FROM embeddings WHERE text_hash BETWEEN '{prefix}' AND '{prefix}g'"  # noqa: S608
        rows = _rows(connection, query, "text_hash")
        saved.embeddings |= {digest: vector for digest, vector in rows if _is_vector(vector, size)}
    chunks: dict[str, list[ChunkRecord]] = {}
    for row in _rows_by_number(
        connection, 'SELECT id, start, "end", heading_path, text_hash, path FROM chunks', "number"
    ):
        with suppress(TypeError, ValueError):
            name, start, end, headings, digest, path = row
            chunks.setdefault(path, []).append(ChunkRecord(name, start, end, tuple(json.loads(headings)), digest))
    query = "SELECT path, source, size, mtime_ns, sha256, metadata, text FROM files"
    known = {source for source, _ in saved.roots}
    for row in _rows_by_number(connection, query, "rowid"):
        found = sorted(chunks.get(row[0], []), key=lambda chunk: chunk.start)
        if row[1] in known and _is_whole(row, found, saved.embeddings):
            saved.files.append(row)
            saved.chunks[row[0]] = found
    return saved


def _is_whole(row: _Row, chunks: list[ChunkRecord], embeddings: dict[str, bytes]) -> bool:
    """True where these are all of the file's chunks, each is the text that it was, and each has its embedding."""
    path, *_, metadata_json, text = row
    metadata = _json(metadata_json)
    if not isinstance(metadata, dict) or not isinstance(text, str) or not chunks:
        return False
    return is_covered(text, chunks) and all(
        chunk.id == chunk_id(path, Chunk(chunk.start, chunk.end, text[chunk.start : chunk.end]))
        and chunk.text_hash in embeddings
        and chunk.text_hash == text_hash(searched_text(metadata, text, chunk))
        for chunk in chunks
    )


def _is_vector(value: Any, size: int) -> bool:
    if not isinstance(value, bytes) or len(value) != size:
        return False
    return (
        abs(float(np.linalg.norm(np.frombuffer(value, dtype=VECTOR_TYPE).astype(np.float64))) - 1) < _LENGTH_TOLERANCE
    )


def _rows(connection: sqlite3.Connection, query: str, key: str) -> Iterator[_Row]:
    """The rows before the first damaged page and, from the other end, those after the last. The key comes first."""
    seen: set[Any] = set()
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error):
            for row in connection.execute(f"{query} ORDER BY {key} {order}"):
                if row[0] in seen:
                    return
                seen.add(row[0])
                yield row


def _rows_by_number(connection: sqlite3.Connection, query: str, number: str) -> Iterator[_Row]:
    """All rows that can be read, by halving ranges of their numbers until the damaged pages are alone."""
    table = query.rpartition(" ")[2]
    highest = _MOST_DAMAGED
    with suppress(sqlite3.Error):
        highest = connection.execute(f"SELECT max({number}) FROM {table}").fetchone()[0] or 0  # noqa: S608
    ranges = [(1, highest)]
    damaged = 0
    while ranges and damaged < _MOST_DAMAGED:
        first, last = ranges.pop()
        try:
            yield from connection.execute(f"{query} WHERE {number} BETWEEN {first} AND {last}").fetchall()
        except sqlite3.Error:
            damaged += 1
            middle = (first + last) // 2
            ranges += [(middle + 1, last), (first, middle)] if first < last else []


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _write(catalog: Catalog, saved: _Saved) -> None:
    kept = {key: value for key, value in saved.facts.items() if key not in {"generation", "erasing", "remaking"}}
    with catalog.transaction() as connection:
        connection.executemany("INSERT INTO roots VALUES (?, ?)", saved.roots)
        connection.executemany("INSERT INTO forgotten VALUES (?)", saved.forgotten)
        connection.executemany(
            "INSERT INTO skipped (path, source, size, mtime_ns, reason) VALUES (?, ?, ?, ?, ?)", saved.skipped
        )
        connection.executemany("INSERT INTO embeddings VALUES (?, ?)", saved.embeddings.items())
        for row in saved.files:
            connection.execute(
                "INSERT INTO files (path, source, size, mtime_ns, sha256, metadata, text) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            insert_chunks(connection, row[0], json.loads(row[5]), row[6], saved.chunks[row[0]])
        connection.executemany("INSERT INTO facts VALUES (?, ?)", {**kept, "dirty": "yes"}.items())
