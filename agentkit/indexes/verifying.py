"""Is an index what it says? Every stored thing is compared with what it must be, and nothing is changed.

Found are: SQLite pages that are damaged, spans that are not the text that they were, keyword rows and embeddings that
are missing or not those of their chunk, vectors that Chroma lacks, has too many of, has changed or does not find. Not
found is an embedding of unit length that belongs to another text and is in Chroma too: only the embedder could tell.
"""

import json
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.chunkers import Chunk
from agentkit.errors import IndexDamagedError, IndexMismatchError, VectorsDamagedError
from agentkit.indexes.batches import batched
from agentkit.indexes.catalog import Catalog, vector_size
from agentkit.indexes.manifest import manifest_problem, manifest_problem_by_content
from agentkit.indexes.records import chunk_id, is_covered, searched_text, text_hash
from agentkit.indexes.vectors import VectorStore
from agentkit.results import IndexProblem

_Problems = Iterator[IndexProblem]
_AT_ONCE = 500
_NEIGHBOURS = 10
_LENGTH_TOLERANCE = 1e-5
_TOLERANCE = 1e-4
"""Of a number of a vector, and of a similarity: what Chroma's own arithmetic may change."""


def find_problems(catalog: Catalog, vectors: Path, name: str) -> _Problems:
    """What is wrong with the index `name`, whose vector store is the folder `vectors`. Needs the writer lock."""
    rebuild = f"agentkit indexes rebuild {name}"
    try:
        yield from _find_problems(catalog, vectors, name, rebuild)
    except IndexDamagedError as error:
        yield IndexProblem(str(error), rebuild)


def is_readable(path: Path) -> bool:
    """True for a catalog whose pages SQLite can read; also for one that a newer agentkit made, which is no damage.

    Raises:
        IndexUnreadableError: it cannot be opened, damaged or not.
    """
    try:
        with closing(Catalog(path)) as catalog:
            return not list(_page_problems(catalog, ""))
    except IndexDamagedError:
        return False
    except IndexMismatchError:
        return True


def _find_problems(catalog: Catalog, vectors: Path, name: str, rebuild: str) -> _Problems:
    damage = list(_page_problems(catalog, rebuild))
    yield from damage
    if damage:
        return  # whatever else is found would be a consequence
    if catalog.generation == "0" and not catalog.file_count() and manifest_problem(vectors, catalog.generation):
        sources = " ".join(shlex.quote(source) for source in sorted(catalog.roots())) or "PATH"
        yield IndexProblem(
            "nothing is indexed yet: no indexing has come to its end", f"agentkit index {sources} --name {name}"
        )
        return
    if catalog.is_dirty:
        yield IndexProblem("a change was interrupted: the vectors may be out of step", rebuild)
    if catalog.fact("erasing") == "yes":
        yield IndexProblem("something was forgotten and is not yet erased from the disk", rebuild)
    for path in catalog.paths():
        yield from _file_problems(catalog, path, name)
    yield from _keyword_problems(catalog, rebuild)
    embedding_problems = list(find_embedding_problems(catalog, f"{rebuild} --reembed"))
    yield from embedding_problems
    if not catalog.is_dirty and not embedding_problems:
        yield from _vector_problems(catalog, vectors, rebuild)


def _page_problems(catalog: Catalog, mend: str) -> _Problems:
    try:
        found = [row[0] for row in catalog.rows("PRAGMA integrity_check(5)")]
        found += [f"{table} refers to a {parent} that is missing" for table, _, parent, _ in
                  catalog.rows("PRAGMA foreign_key_check") if parent != "embeddings"]  # fmt: skip
    except IndexDamagedError as error:
        found = [str(error.__cause__)]
    # Newer versions of SQLite check the keyword index here too; it has a check of its own below.
    damage = [text for text in found if text != "ok" and "fts5" not in text.lower()]
    if damage:
        yield IndexProblem(f"the catalog is damaged: {'; '.join(damage[:3])}", mend)


def _file_problems(catalog: Catalog, path: str, name: str) -> _Problems:
    """Spans, ids, hashes and keyword rows of one file."""
    (source,) = catalog.rows("SELECT source FROM files WHERE path = ?", (path,))[0]
    read_again = f"agentkit index '{source}' --name {name} --full"
    try:
        metadata, text = catalog.contents([path])[path]
        chunks = catalog.chunks_of(path)
        searched = [searched_text(metadata, text, chunk) for chunk in chunks]
    except (ValueError, TypeError, KeyError, AttributeError, IndexDamagedError):
        yield IndexProblem(f"{path}: its record cannot be read", read_again)
        return
    untrue = [
        chunk
        for chunk, words in zip(chunks, searched, strict=True)
        if chunk.id != chunk_id(path, Chunk(chunk.start, chunk.end, text[chunk.start : chunk.end]))
        or chunk.text_hash != text_hash(words)
    ]
    if untrue:
        first = untrue[0]
        yield IndexProblem(f"{path}: {len(untrue)} spans are not what was read, such as {first.start}", read_again)
        return
    if not is_covered(text, chunks):
        yield IndexProblem(f"{path}: passages are missing", read_again)
    try:
        rows = dict(catalog.rows(
            "SELECT id, text FROM chunks JOIN chunks_fts ON number = chunks_fts.rowid WHERE path = ?", (path,)
        ))  # fmt: skip
    except IndexDamagedError:
        rows = {}
    wrong = sum(rows.get(chunk.id) != words for chunk, words in zip(chunks, searched, strict=True))
    if wrong:
        yield IndexProblem(f"{path}: {wrong} passages are not in the keyword index", f"agentkit indexes rebuild {name}")


def _keyword_problems(catalog: Catalog, mend: str) -> _Problems:
    try:
        rows, chunks = catalog.rows("SELECT (SELECT count(*) FROM chunks_fts), (SELECT count(*) FROM chunks)")[0]
        if rows != chunks:
            yield IndexProblem(f"the keyword index has {rows} passages, the catalog {chunks}", mend)
        with catalog.transaction() as connection:
            connection.execute("INSERT INTO chunks_fts (chunks_fts) VALUES ('integrity-check')")
    except IndexDamagedError:
        yield IndexProblem("the keyword index is damaged", mend)


def find_embedding_problems(catalog: Catalog, mend: str) -> _Problems:
    """Embeddings that are missing, or no vectors of the embedder that the index remembers."""
    missing = catalog.rows(
        "SELECT count(*) FROM chunks WHERE text_hash NOT IN (SELECT text_hash FROM embeddings)"
    )[0][0]  # fmt: skip
    if missing:
        yield IndexProblem(f"{missing} passages have no embedding", mend)
    try:
        embedder: dict[str, Any] = json.loads(catalog.fact("embedder") or "{}")
    except ValueError:
        yield IndexProblem("what embedder made the index cannot be read", mend)
        return
    size = vector_size(embedder)
    short = catalog.rows("SELECT count(*) FROM embeddings WHERE length(vector) != ?", (size,))[0][0]
    if short:
        yield IndexProblem(f"{short} embeddings are not of the embedder's length", mend)
        return
    wrong = sum(not _is_vector(vector, is_normalized=bool(embedder.get("is_normalized"))) for _, vector in
                catalog.vectors())  # fmt: skip
    if wrong:
        yield IndexProblem(f"{wrong} embeddings are no vectors of an embedder", mend)


def _is_vector(vector: NDArray[np.float32], *, is_normalized: bool) -> bool:
    length = float(np.linalg.norm(vector.astype(np.float64)))
    return bool(np.isfinite(length)) and (not is_normalized or abs(length - 1) < _LENGTH_TOLERANCE)


def _vector_problems(catalog: Catalog, directory: Path, mend: str) -> _Problems:
    problem = manifest_problem_by_content(directory, catalog.generation) or _database_problem(directory)
    if problem:
        yield IndexProblem(f"the vectors: {problem}", mend)
        return
    try:
        with closing(VectorStore(directory)) as store:
            count = catalog.chunk_count()
            if store.count() != count:
                yield IndexProblem(f"Chroma has {store.count()} vectors, the catalog {count}", mend)
            missing = changed = lost = 0
            for batch in batched(catalog.vectors(), _AT_ONCE):
                stored = store.vectors([name for name, _ in batch])
                missing += sum(name not in stored for name, _ in batch)
                changed += sum(
                    not np.allclose(stored[name], vector, atol=_TOLERANCE) for name, vector in batch if name in stored
                )
                lost += _count_lost(store, [(name, vector) for name, vector in batch if name in stored])
    except VectorsDamagedError as error:
        yield IndexProblem(str(error), mend)
        return
    if changed:  # Chroma's files are as they were written: it is the catalog that has changed
        yield IndexProblem(f"{changed} embeddings are not those that were indexed", f"{mend} --reembed")
    elif missing or lost:
        yield IndexProblem(f"of the vectors {missing} are missing in Chroma and {lost} are not found", mend)


def _count_lost(store: VectorStore, batch: list[tuple[str, NDArray[np.float32]]]) -> int:
    """Vectors that a search for themselves does not find; where many are equal, finding others of them will do."""
    if not batch:
        return 0
    found = store.query_many(np.stack([vector for _, vector in batch]), count=_NEIGHBOURS)
    return sum(
        name not in {neighbour for neighbour, _ in neighbours}
        and (not neighbours or neighbours[-1][1] < 1 - _TOLERANCE)
        for (name, _), neighbours in zip(batch, found, strict=True)
    )


def _database_problem(directory: Path) -> str:
    """What SQLite says of Chroma's own file."""
    try:
        with closing(sqlite3.connect(f"file:{directory / 'chroma.sqlite3'}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found = [str(error)]
    return "" if found == ["ok"] else f"chroma.sqlite3 is damaged: {found[0]}"
