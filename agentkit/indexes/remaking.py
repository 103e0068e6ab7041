"""Make an index again from the texts in its catalog: with other chunks, or by another embedder. Reads no source file.

What is made is kept beside what there is, batch by batch, and becomes the index in one transaction. Killed before, the
index is as it was, and the same command goes on from there; a file that a sync has changed meanwhile is made again.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from langchain_core.documents import Document

from agentkit.chunkers import ChunkLimits, chunk_document
from agentkit.embedders import Embedder, embed
from agentkit.errors import IndexDamagedError
from agentkit.indexes.batches import batched
from agentkit.indexes.catalog import VECTOR_TYPE, Catalog
from agentkit.indexes.keeper import IndexKeeper
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.makers import check_makers, makers, remembered_limits
from agentkit.indexes.publishing import insert_chunks, raise_generation
from agentkit.indexes.rebuilding import empty_keyword_index
from agentkit.indexes.records import ChunkRecord, chunks_from_json, chunks_to_json, searched_text
from agentkit.results import RebuildReport

OnProgress = Callable[[int, int], None]
"""Called with the files that are done and all of them."""

_BATCH_CHARS = 100_000
_EMBED_AT_ONCE = 512


def reembed(
    directory: Path, *, embedder: Embedder, limits: ChunkLimits | None = None, on_progress: OnProgress | None = None
) -> RebuildReport:
    """Embed every text of the index in `directory` again; the index is `embedder`'s from then on.

    The chunk sizes stay as they are where `limits` is None. Texts are cut again too, since another embedder counts
    tokens in its own way: no chunk is longer than it reads.

    Raises:
        IndexLockedError: somebody is writing the index.
        DiskSpaceError: there is no room for both; the index stays as it was.
    """
    with IndexKeeper(directory) as keeper, writer_lock(directory):
        wanted = limits or remembered_limits(keeper.catalog, embedder)
        return _Remaking(keeper, embedder, wanted, reuses=False).run(on_progress)


def rechunk(
    directory: Path, *, embedder: Embedder, limits: ChunkLimits, on_progress: OnProgress | None = None
) -> RebuildReport:
    """Cut every text of the index in `directory` again, in chunks of `limits`; only new passages are embedded.

    Raises:
        IndexMismatchError: the index was made with another embedder.
        IndexLockedError: somebody is writing the index.
        DiskSpaceError: there is no room for both; the index stays as it was.
    """
    with IndexKeeper(directory) as keeper, writer_lock(directory):
        check_makers(keeper.catalog, makers(embedder, limits), keeper.name, ("embedder",))
        return _Remaking(keeper, embedder, limits, reuses=True).run(on_progress)


class _Remaking:
    """One run; the writer lock is held."""

    def __init__(self, keeper: IndexKeeper, embedder: Embedder, limits: ChunkLimits, *, reuses: bool) -> None:
        self._keeper = keeper
        self._catalog: Catalog = keeper.catalog
        self._embedder = embedder
        self._limits = limits
        self._makers = makers(embedder, limits)
        self._reuses = reuses
        """Whether embeddings that there are will do."""
        self._embedded = 0

    def run(self, on_progress: OnProgress | None) -> RebuildReport:
        started = time.monotonic()
        self._keeper.finish_erasing()
        self._begin_or_resume()
        total = self._catalog.file_count()
        for batch in self._batches():
            self._make(batch)
            if on_progress:
                on_progress(int(self._catalog.rows("SELECT count(*) FROM remade")[0][0]), total)
        self._switch()
        self._keeper.vectors.rebuild()
        files, chunks = self._catalog.file_count(), self._catalog.chunk_count()
        seconds = time.monotonic() - started
        return RebuildReport(self._keeper.name, files, chunks, self._embedded, seconds=seconds)

    def _begin_or_resume(self) -> None:
        """What an earlier run made is of use where it was to the same end."""
        plan = json.dumps({**self._makers, "reuses": self._reuses})
        if self._catalog.fact("remaking") == plan:
            return
        with self._catalog.transaction() as connection:
            connection.execute("DELETE FROM remade")
            connection.execute("DELETE FROM remade_embeddings")
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('remaking', ?)", (plan,))

    def _batches(self) -> Iterator[list[str]]:
        """Paths that are still to be made, so many as have a batch of text."""
        rows = self._catalog.rows(
            "SELECT path, length(text) FROM files WHERE path NOT IN (SELECT path FROM remade) ORDER BY path"
        )
        batch: list[str] = []
        chars = 0
        for path, length in rows:
            batch.append(path)
            chars += length
            if chars >= _BATCH_CHARS:
                yield batch
                batch, chars = [], 0
        if batch:
            yield batch

    def _make(self, paths: list[str]) -> None:
        """Cut and embed the texts of these files, durably."""
        chunks: dict[str, tuple[ChunkRecord, ...]] = {}
        texts: dict[str, str] = {}
        for path in paths:
            document = self._document(path)
            cut = chunk_document(document, self._limits, self._embedder.count_tokens)
            chunks[path] = tuple(ChunkRecord.of(path, chunk, document) for chunk in cut)
            texts |= {c.text_hash: searched_text(document.metadata, document.page_content, c) for c in chunks[path]}
        self._embed(texts)
        with self._catalog.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO remade VALUES (?, ?)",
                [(path, chunks_to_json(made)) for path, made in chunks.items()],
            )

    def _document(self, path: str) -> Document:
        try:
            metadata, text = self._catalog.contents([path])[path]
        except (ValueError, TypeError) as error:
            raise IndexDamagedError(
                f"the record of {path} cannot be read: index its folder again with --full"
            ) from error
        return Document(page_content=text, metadata=metadata)

    def _embed(self, texts: dict[str, str]) -> None:
        with self._catalog.transaction() as connection:
            if self._reuses:
                connection.execute(
                    "INSERT OR IGNORE INTO remade_embeddings SELECT text_hash, vector FROM embeddings "
                    "WHERE text_hash IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(texts)),),
                )
            query = "SELECT text_hash FROM remade_embeddings WHERE text_hash IN (SELECT value FROM json_each(?))"
            there = {digest for (digest,) in connection.execute(query, (json.dumps(list(texts)),))}
        for batch in batched([item for item in texts.items() if item[0] not in there], _EMBED_AT_ONCE):
            vectors = embed(self._embedder, [text for _, text in batch]).astype(VECTOR_TYPE)
            rows = [(digest, vector.tobytes()) for (digest, _), vector in zip(batch, vectors, strict=True)]
            with self._catalog.transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO remade_embeddings VALUES (?, ?)", rows)
            self._embedded += len(batch)

    def _switch(self) -> None:
        """What was made becomes the index, for every reader at once. What a sync that died had staged is of no use."""
        with self._catalog.transaction() as connection:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            connection.execute("DELETE FROM chunks")
            connection.execute("DELETE FROM embeddings")
            connection.execute("DELETE FROM staged")
            connection.execute("INSERT INTO embeddings SELECT * FROM remade_embeddings")
            empty_keyword_index(connection)
            for (path,) in connection.execute("SELECT path FROM remade ORDER BY path").fetchall():
                (made,) = connection.execute("SELECT chunks FROM remade WHERE path = ?", (path,)).fetchone()
                document = self._document(path)
                chunks = chunks_from_json(made)
                insert_chunks(connection, path, document.metadata, document.page_content, chunks)
            connection.execute("DELETE FROM embeddings WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")
            connection.execute("DELETE FROM remade")
            connection.execute("DELETE FROM remade_embeddings")
            connection.execute("DELETE FROM facts WHERE key = 'remaking'")
            facts = {**self._makers, "dirty": "yes"}
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())
            raise_generation(connection)
