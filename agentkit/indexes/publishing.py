"""Changes of what the readers of an index see, each made inside of a transaction of the catalog."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from agentkit.indexes.records import ChunkRecord, KnownFile, SkipRecord, chunks_from_json, searched_text


def publish(
    connection: sqlite3.Connection,
    *,
    removed: Collection[str],
    skipped: Mapping[str, SkipRecord],
    restamped: Mapping[str, KnownFile],
) -> list[str]:
    """Make what is staged, and these changes, the state that readers see; the ids of the chunks that are gone, sorted.

    `restamped`: files whose bytes are as before, with the stamp and the loader that are to be remembered.
    """
    before = {i for (i,) in connection.execute("SELECT id FROM chunks WHERE path IN (SELECT path FROM staged)")}
    for path in [*removed, *skipped]:
        before.update(i for (i,) in connection.execute("SELECT id FROM chunks WHERE path = ?", (path,)))
        delete_file(connection, path)
    restamp(connection, restamped)
    connection.executemany(
        "INSERT OR REPLACE INTO skipped (path, source, size, mtime_ns, reason, loader) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (path, skip.source, skip.stamp.size, skip.stamp.mtime_ns, skip.reason, skip.loader)
            for path, skip in skipped.items()
        ],
    )
    # What an interrupted sync had read of a file is not its text any more.
    outdated = [(path,) for path in [*removed, *skipped, *restamped]]
    connection.executemany("DELETE FROM staged WHERE path = ?", outdated)
    staged = connection.execute("SELECT path FROM staged").fetchall()
    for (path,) in staged:
        before.difference_update(_publish_file(connection, path))
    connection.execute("DELETE FROM staged")
    connection.execute("DELETE FROM embeddings WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")
    raise_generation(connection)
    return sorted(before)


def restamp(connection: sqlite3.Connection, files: Mapping[str, KnownFile]) -> None:
    """Note stamps and loaders of files whose bytes are as before."""
    rows = [(known.stamp.size, known.stamp.mtime_ns, known.loader, path) for path, known in files.items()]
    connection.executemany("UPDATE files SET size = ?, mtime_ns = ?, loader = ? WHERE path = ?", rows)


def raise_generation(connection: sqlite3.Connection) -> None:
    """In the transaction that publishes a change: whoever has the old state open sees that there is a new one."""
    connection.execute(
        "INSERT INTO facts VALUES ('generation', '1') ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )


def delete_file(connection: sqlite3.Connection, path: str) -> None:
    """Delete all that is published of a file, and what was made again of it."""
    connection.execute("DELETE FROM chunks_fts WHERE rowid IN (SELECT number FROM chunks WHERE path = ?)", (path,))
    connection.execute("DELETE FROM chunks WHERE path = ?", (path,))
    connection.execute("DELETE FROM files WHERE path = ?", (path,))
    connection.execute("DELETE FROM skipped WHERE path = ?", (path,))
    connection.execute("DELETE FROM remade WHERE path = ?", (path,))


def insert_chunks(
    connection: sqlite3.Connection, path: str, metadata: Mapping[str, Any], text: str, chunks: Iterable[ChunkRecord]
) -> None:
    """Publish chunks of a file whose `metadata` and `text` are published, and their words."""
    for chunk in chunks:
        number = connection.execute(
            'INSERT INTO chunks (id, path, start, "end", heading_path, text_hash) VALUES (?, ?, ?, ?, ?, ?)',
            (chunk.id, path, chunk.start, chunk.end, json.dumps(chunk.heading_path), chunk.text_hash),
        ).lastrowid
        searched = searched_text(metadata, text, chunk)
        connection.execute("INSERT INTO chunks_fts (rowid, text) VALUES (?, ?)", (number, searched))


def _publish_file(connection: sqlite3.Connection, path: str) -> list[str]:
    """Move one staged file into place; the ids of its chunks."""
    delete_file(connection, path)
    columns = "path, source, size, mtime_ns, sha256, metadata, text, loader"
    connection.execute(
        f"INSERT INTO files ({columns}) SELECT {columns} FROM staged WHERE path = ?",  # noqa: S608
        (path,),
    )
    metadata, text, staged = connection.execute(
        "SELECT metadata, text, chunks FROM staged WHERE path = ?", (path,)
    ).fetchone()
    chunks = chunks_from_json(staged)
    insert_chunks(connection, path, json.loads(metadata), text, chunks)
    return [chunk.id for chunk in chunks]
