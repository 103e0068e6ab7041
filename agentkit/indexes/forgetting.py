"""Forget files: their text, words, embeddings and vectors are erased from the index's files, and they do not come back.

What is deleted first is deleted for every reader at once, in one transaction that also notes that the rest is to be
done: the vectors are made again without them, and the catalog's file is packed. What is interrupted in between is
finished by the next writer. Not erased are the paths, which say what must not come back, and what a file system keeps
of freed blocks: against that only an encrypted disk helps.

A root that is forgotten as a whole leaves no path and may be indexed again, as another folder of its name may.
"""

import glob
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from agentkit.errors import IndexNotFoundError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.publishing import delete_file, raise_generation
from agentkit.indexes.records import FileStamp
from agentkit.indexes.roots import patterns_fact, remembered_patterns
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

    A file or folder of just this path is meant alone; only where there is none, it is a pattern. The whole source of
    a root means the root. `finish_erasing` must follow. Needs the writer lock.

    Raises:
        IndexNotFoundError: no file matches, and the pattern is not forgotten already.
    """
    roots = catalog.roots()
    source = next((root for root in roots if pattern in {root, root + "/", root + "\\"}), None)
    return _forget_root(catalog, source, roots[source]) if source else _forget_files(catalog, pattern)


def _forget_files(catalog: Catalog, pattern: str) -> tuple[list[str], int, list[str]]:
    with catalog.transaction() as connection:
        all_paths = dict(_paths(connection))
        forgotten = forgotten_patterns(catalog)
        pattern = _meant(pattern, all_paths, forgotten)
        found = {path: source for path, source in all_paths.items() if matches(path, pattern)}
        if not found and pattern not in forgotten:
            raise IndexNotFoundError(
                f"the index has no file {pattern}: give a path, a folder or a pattern as `agentkit search` shows them, "
                "or a folder of the index as `agentkit indexes show` lists them"
            )
        deleted = _delete(connection, found)
        stamp = FileStamp(0, 0)  # of no file: once it may come back, it is read
        connection.executemany(
            "INSERT INTO skipped (path, source, size, mtime_ns, reason) VALUES (?, ?, ?, ?, ?)",
            [(path, source, stamp.size, stamp.mtime_ns, FORGOTTEN) for path, source in found.items()],
        )
        connection.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (pattern,))
    return deleted


def _forget_root(catalog: Catalog, source: str, prefix: str) -> tuple[list[str], int, list[str]]:
    """With its patterns, and with what was forgotten by the name of the whole root: another may come to have that."""
    patterns = {root: each for root, each in remembered_patterns(catalog).items() if root != source}
    name = prefix.rstrip("/")
    with catalog.transaction() as connection:
        found = {path for path, root in _paths(connection) if root == source}
        deleted = _delete(connection, found)
        connection.execute("DELETE FROM roots WHERE source = ?", (source,))
        connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", patterns_fact(patterns).items())
        whole = [(each,) for each in (name, f"{name}/", _exactly(name), _exactly(f"{name}/")) if name]
        connection.executemany("DELETE FROM forgotten WHERE pattern = ?", whole)
    return deleted


def _paths(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Path and root of all that is known, staged or skipped."""
    query = (
        "SELECT path, source FROM files UNION SELECT path, source FROM staged UNION SELECT path, source FROM skipped"
    )
    return connection.execute(query).fetchall()


def _delete(connection: sqlite3.Connection, found: Collection[str]) -> tuple[list[str], int, list[str]]:
    """Delete what there is of these paths, and note that it is to be erased."""
    known = connection.execute("SELECT path, sha256 FROM files").fetchall()
    digests = {digest for path, digest in known if path in found}
    also_in = sorted(path for path, digest in known if digest in digests and path not in found)
    before = _count_chunks(connection)
    for path in found:
        delete_file(connection, path)
        connection.execute("DELETE FROM staged WHERE path = ?", (path,))
    _delete_unused_embeddings(connection)
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('dirty', 'yes'), ('erasing', 'yes')")
    raise_generation(connection)
    return sorted(path for path, _ in known if path in found), before - _count_chunks(connection), also_in


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
