"""Forget files: their text, words, embeddings and vectors are erased from the index's files, and they do not come back.

What is deleted first is deleted for every reader at once, in one transaction that also notes that the rest is to be
done: the vectors are made again without them, and the catalog's file is packed. What is interrupted in between is
finished by the next writer. Not erased are the paths, which say what must not come back, and what a file system keeps
of freed blocks: against that only an encrypted disk helps.
"""

import glob
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from agentkit.errors import IndexNotFoundError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.publishing import delete_file, raise_generation
from agentkit.indexes.records import FileStamp
from agentkit.indexes.salvage import DAMAGED_NAME
from agentkit.indexes.vector_folder import VectorFolder
from agentkit.paths import composed

FORGOTTEN = "forgotten (agentkit indexes remember lets it come back)"
"""The reason of the skip."""
_EXACTLY = "./"
"""What begins so is a path whatever characters it has, and no pattern; no path of an index begins so."""


def matches(path: str, pattern: str) -> bool:
    """True for the file itself, for what is in a folder of that path, and for a pattern such as `letters/*.pdf`."""
    path, pattern = composed(path), composed(pattern)
    name = pattern.removeprefix(_EXACTLY)
    if path == name or path.startswith(name.rstrip("/") + "/"):
        return True
    return name == pattern and fnmatchcase(path, pattern)


def is_forgotten(path: str, patterns: Sequence[str]) -> bool:
    return any(matches(path, pattern) for pattern in patterns)


def forgotten_patterns(catalog: Catalog) -> list[str]:
    """What must not come back, sorted."""
    return [pattern for (pattern,) in catalog.rows("SELECT pattern FROM forgotten ORDER BY pattern")]


def forget(catalog: Catalog, pattern: str) -> tuple[list[str], int, list[str]]:
    """Delete what the catalog holds of the files that match; their paths, chunks, and other files of the same bytes.

    A file or folder of just this path is meant alone; only where there is none, it is a pattern. `finish_erasing` must
    follow. Needs the writer lock.

    Raises:
        IndexNotFoundError: no file matches, and the pattern is not forgotten already.
    """
    with catalog.transaction() as connection:
        known = connection.execute("SELECT path, source, sha256 FROM files").fetchall()
        tried = connection.execute("SELECT path, source, '' FROM staged UNION SELECT path, source, '' FROM skipped")
        all_paths = {path: source for path, source, _ in [*known, *tried]}
        forgotten = forgotten_patterns(catalog)
        pattern = _meant(pattern, all_paths, forgotten)
        found = {path: source for path, source in all_paths.items() if matches(path, pattern)}
        if not found and pattern not in forgotten:
            raise IndexNotFoundError(
                f"the index has no file {pattern}: give a path, a folder or a pattern as `agentkit search` shows them"
            )
        digests = {digest for path, _, digest in known if path in found}
        also_in = sorted(path for path, _, digest in known if digest in digests and path not in found)
        before = _count_chunks(connection)
        for path, source in found.items():
            delete_file(connection, path)
            connection.execute("DELETE FROM staged WHERE path = ?", (path,))
            stamp = FileStamp(0, 0)  # of no file: once it may come back, it is read
            row = (path, source, stamp.size, stamp.mtime_ns, FORGOTTEN)
            connection.execute("INSERT INTO skipped (path, source, size, mtime_ns, reason) VALUES (?, ?, ?, ?, ?)", row)
        _delete_unused_embeddings(connection)
        connection.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (pattern,))
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('dirty', 'yes'), ('erasing', 'yes')")
        raise_generation(connection)
        chunks = before - _count_chunks(connection)
    return sorted(path for path, _, _ in known if path in found), chunks, also_in


def finish_erasing(catalog: Catalog, vectors: VectorFolder) -> None:
    """Erase from the disk what was forgotten, where that is still to be done. Needs the writer lock.

    Raises:
        IndexLockedError: another process is reading the index and needs the log.
    """
    if catalog.fact("erasing") != "yes":
        return
    vectors.rebuild()
    shutil.rmtree(vectors.path.parent / DAMAGED_NAME, ignore_errors=True)
    catalog.erase_remnants()
    catalog.set_facts({"erasing": "no"})


def remember(catalog: Catalog, pattern: str) -> None:
    """Let files come back that were forgotten by this path or pattern: the next sync reads them. Needs the writer lock.

    Raises:
        IndexNotFoundError: nothing was forgotten by it.
    """
    patterns = forgotten_patterns(catalog)
    names = {composed(pattern), composed(_exactly(pattern))}
    meant = {each for each in patterns if composed(each) in names}
    if not meant:
        known = f"forgotten are: {', '.join(patterns)}" if patterns else "nothing is forgotten"
        raise IndexNotFoundError(f"{pattern} is not forgotten: {known}")
    with catalog.transaction() as connection:
        connection.executemany("DELETE FROM forgotten WHERE pattern = ?", [(each,) for each in meant])
        others = [other for other in patterns if other not in meant]
        skipped = connection.execute("SELECT path FROM skipped WHERE reason = ?", (FORGOTTEN,)).fetchall()
        back = [(path,) for (path,) in skipped if not is_forgotten(path, others)]
        connection.executemany("DELETE FROM skipped WHERE path = ?", back)


def _exactly(path: str) -> str:
    return _EXACTLY + path.removeprefix(_EXACTLY)


def _meant(pattern: str, paths: Iterable[str], forgotten: Sequence[str]) -> str:
    """The pattern, marked as a path where it is one that is known and could be taken for others too."""
    exact = _exactly(pattern)
    is_plain = glob.escape(pattern) == pattern
    is_path = exact in forgotten or any(matches(path, exact) for path in paths)
    return exact if is_path and not is_plain else pattern


def _count_chunks(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM chunks").fetchone()[0])


def _delete_unused_embeddings(connection: sqlite3.Connection) -> None:
    """Those of no published, staged or remade chunk."""
    connection.execute(
        "DELETE FROM embeddings WHERE text_hash NOT IN (SELECT text_hash FROM chunks UNION "
        "SELECT json_extract(chunk.value, '$[4]') FROM staged, json_each(staged.chunks) AS chunk)"
    )
    connection.execute(
        "DELETE FROM remade_embeddings WHERE text_hash NOT IN ("
        "SELECT json_extract(chunk.value, '$[4]') FROM remade, json_each(remade.chunks) AS chunk)"
    )
