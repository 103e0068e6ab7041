"""An index: a folder with a catalog (the truth) and a Chroma store (made from it), searched and written as one.

Who sees what: a writer stages, then adds the new vectors, then publishes the catalog in one transaction, then deletes
the old vectors. A reader takes from Chroma only ids that the published catalog knows; while the *dirty* mark says that
the vectors are being written, or were when a writer died, it compares with the catalog's own embeddings instead. So a
search never sees half a sync, and a vector store that a crash has spoilt is never asked.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from agentkit.chunkers import CHUNKER_NAME, ChunkLimits
from agentkit.embedders import Embedder
from agentkit.errors import IndexDamagedError, IndexLockedError, IndexMismatchError, IndexNotFoundError
from agentkit.indexes import feedback
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.conditions import Condition, format_is, parse_condition, path_matches
from agentkit.indexes.fusion import fuse_ranks, fuse_scores
from agentkit.indexes.keywords import keyword_query
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.records import ChunkRecord
from agentkit.indexes.retriever import IndexRetriever
from agentkit.indexes.vectors import VectorStore
from agentkit.loaders import page_at
from agentkit.results import Hit, SearchMode

if TYPE_CHECKING:
    from agentkit.indexes.writer import IndexWriter

_CATALOG_NAME = "catalog.sqlite"
_VECTORS_NAME = "vectors"
_FUSION_DEPTH = 200
"""How many passages of each ranking are fused, at least."""
_KEYWORD_WEIGHT = 0.4
"""Of the words' score in a hybrid search; the rest is the meaning's."""
_FIRST_WEIGHT = 0.2
"""Of the first search's score; the rest is that of the search with feedback, which alone lets the best hit slip."""
_OF_THE_WHOLE_FILE = frozenset({"outline", "parts"})
"""What the chunker needs of a document and no single passage does; a heading path tells the passage's share."""
_OVERFETCH = 20
"""How many more neighbours are asked for than wanted: some may belong to a sync that is not published."""


class Index:
    """An index in a folder of its own; safe to search from several threads. Close it, or use it in a `with` block."""

    def __init__(self, directory: Path, *, embedder: Embedder, limits: ChunkLimits) -> None:
        """Use `Index.open`."""
        self.directory = directory
        self.embedder = embedder
        self.limits = limits
        self.catalog = Catalog(directory / _CATALOG_NAME)
        self._vectors: VectorStore | None = None
        self._vectors_generation: str | None = None

    @classmethod
    def open(cls, directory: Path, *, embedder: Embedder, limits: ChunkLimits | None = None) -> "Index":
        """The index in `directory`, made where there is none. No model is loaded.

        Raises:
            IndexMismatchError: it was made with another embedder or chunker.
            IndexDamagedError: its catalog cannot be read.
        """
        directory.mkdir(parents=True, exist_ok=True)
        limits = limits or ChunkLimits(max_tokens=embedder.max_tokens)
        index = cls(directory, embedder=embedder, limits=limits)
        try:
            index._check_or_remember()
        except BaseException:
            index.close()
            raise
        return index

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def file_count(self) -> int:
        return self.catalog.file_count()

    @property
    def chunk_count(self) -> int:
        return self.catalog.chunk_count()

    @property
    def is_dirty(self) -> bool:
        """True while the vectors are being written, and after a crash until they are made again."""
        return self.catalog.fact("dirty") == "yes"

    def paths(self) -> list[str]:
        """The paths of the indexed files, sorted."""
        return self.catalog.paths()

    def document_text(self, path: str) -> str:
        """The text that the loader made of a file: what every span of the index counts in.

        Raises:
            IndexNotFoundError: the index has no such path.
        """
        text = self.catalog.text(path)
        if text is None:
            raise IndexNotFoundError(
                f"the index {self.name} has no file {path}: `agentkit indexes show {self.name}` lists them"
            )
        return text

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        mode: SearchMode = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: Sequence[str] = (),
    ) -> list[Hit]:
        """The `k` passages that suit `query` best, best first. An empty index or query gives none.

        `path` takes only files whose path matches a pattern such as `reports/*`, `format` only those of a format such
        as `pdf`, and `where` only what every condition holds for, such as `size<1MB` (see `conditions.py`).

        A hit's score is the cosine similarity (dense), BM25 (keyword) or, in a hybrid search, both
        scaled to 0 to 1 and weighted.

        Raises:
            ConditionError: one of `where` is not a condition.
        """
        conditions = _conditions(path, format, where)
        if k < 1 or not query.strip() or not self.chunk_count:
            return []
        within = self.catalog.matching_chunks(conditions) if conditions else None
        if within == []:
            return []
        ranking = self._ranking(query, k, mode, within)[:k]
        known = self.catalog.chunks_by_id([name for name, _ in ranking])
        contents = self.catalog.contents(path for path, _ in known.values())
        found = [(*known[name], score) for name, score in ranking if name in known]
        return [
            _hit(rank, path, chunk, score, *contents[path])
            for rank, (path, chunk, score) in enumerate(found, start=1)
            if path in contents
        ]

    def as_retriever(
        self,
        *,
        k: int = 5,
        mode: SearchMode = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: Sequence[str] = (),
    ) -> IndexRetriever:
        """This index for LangChain programs: `k` passages a query. `path`, `format` and `where` as in `search`."""
        return IndexRetriever(index=self, k=k, mode=mode, path=path, format=format, where=tuple(where))

    @contextmanager
    def writer(self) -> "Iterator[IndexWriter]":
        """Hold the writer lock.

        Raises:
            IndexLockedError: somebody else is writing; the message says who.
        """
        from agentkit.indexes.writer import IndexWriter

        with writer_lock(self.directory):
            yield IndexWriter(self)

    def close(self) -> None:
        """Let go of the files. Calling it twice does nothing."""
        self.close_vectors()
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Vectors, for the writer and for search

    def open_vectors(self) -> VectorStore:
        """The vector store, sound: made again from the catalog's embeddings where it is not. Needs the writer lock."""
        if self._vectors is not None:
            return self._vectors
        store = None if self.is_dirty else self._sound_store()
        if store is None:
            self._rebuild_vectors()
            store = VectorStore(self.directory / _VECTORS_NAME)
        self._vectors = store
        return store

    def _sound_store(self) -> VectorStore | None:
        """The store as it is on the disk; None where it is damaged or lacks vectors."""
        try:
            store = VectorStore(self.directory / _VECTORS_NAME)
            if store.count() == self.chunk_count:
                return store
        except IndexDamagedError:
            return None
        store.close()
        return None

    def close_vectors(self) -> None:
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None

    def _ranking(self, query: str, k: int, mode: SearchMode, within: list[int] | None) -> list[tuple[str, float]]:
        """Ids of published chunks with their scores, best first; only of those numbers, if given."""
        if mode is SearchMode.KEYWORD:
            return self.catalog.keyword_ranking(keyword_query(query), count=k, within=within)
        vector = self.embedder.embed_array([query])[0]
        if mode is SearchMode.DENSE:
            return self._nearest(vector, k, within)
        return self._hybrid(query, vector, max(k, _FUSION_DEPTH), within)

    def _hybrid(
        self, query: str, vector: NDArray[np.float32], depth: int, within: list[int] | None
    ) -> list[tuple[str, float]]:
        """Two searches: what the first finds by ranks tells the second what else to look for; both count."""
        words_first = self.catalog.keyword_ranking(keyword_query(query), count=depth, within=within)
        meaning_first = self._nearest(vector, depth, within)
        best = [name for name, _ in fuse_ranks([meaning_first, words_first])[: feedback.PASSAGES]]
        told = feedback.telling_words(
            self.catalog.searched_texts(best), self.catalog.document_frequencies, self.chunk_count
        )
        words_second = self.catalog.keyword_ranking(keyword_query(query, told), count=depth, within=within)
        meaning_second = self._nearest(feedback.moved(vector, self.catalog.vectors_by_id(best)), depth, within)
        first = fuse_scores(words_first, meaning_first, weight=_KEYWORD_WEIGHT)
        second = fuse_scores(words_second, meaning_second, weight=_KEYWORD_WEIGHT)
        return fuse_scores(first, second, weight=_FIRST_WEIGHT)

    def _nearest(
        self, vector: NDArray[np.float32], count: int, within: list[int] | None = None
    ) -> list[tuple[str, float]]:
        store = self._vectors_for_reading() if within is None else None
        if store is None:
            return self._exact_nearest(vector, count, within)
        candidates = store.query(vector, count=count + _OVERFETCH)
        known = self.catalog.chunks_by_id([name for name, _ in candidates])
        found = _ordered((name, score) for name, score in candidates if name in known)
        if len(found) < min(count, self.chunk_count):  # the store is being written by another process
            return self._exact_nearest(vector, count)
        return found[:count]

    def _vectors_for_reading(self) -> VectorStore | None:
        """The vector store where it can be trusted now; None where another process is writing it."""
        generation = self.catalog.fact("generation")
        if self._vectors is not None and not self.is_dirty and generation == self._vectors_generation:
            return self._vectors
        self.close_vectors()
        with suppress(IndexLockedError), writer_lock(self.directory):
            self._vectors_generation = generation
            return self.open_vectors()
        return None

    def _exact_nearest(
        self, vector: NDArray[np.float32], count: int, within: list[int] | None = None
    ) -> list[tuple[str, float]]:
        """By comparing with every embedding of the catalog, or of some chunks."""
        return _ordered((name, float(other @ vector)) for name, other in self.catalog.vectors(within))[:count]

    def _rebuild_vectors(self) -> None:
        """Make the vector store again beside the old one, from the catalog's embeddings, and switch by rename."""
        current, new, old = (self.directory / (_VECTORS_NAME + suffix) for suffix in ("", ".new", ".old"))
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        store = VectorStore(new)
        store.upsert(self.catalog.vectors())
        store.close()
        if current.exists():
            current.rename(old)
        new.rename(current)
        shutil.rmtree(old, ignore_errors=True)
        self.catalog.set_facts({"dirty": "no"})

    def _check_or_remember(self) -> None:
        """Compare the embedder and the chunker with what the index was made by."""
        current = {
            "embedder": json.dumps(asdict(self.embedder.identity), sort_keys=True),
            "chunker": json.dumps({"name": CHUNKER_NAME, **asdict(self.limits)}, sort_keys=True),
        }
        for key, value in current.items():
            remembered = self.catalog.fact(key)
            if remembered is not None and remembered != value:
                raise IndexMismatchError(
                    f"the index {self.name} was made with the {key} {_shown(remembered)}; now it is {_shown(value)}: "
                    f"change the settings back, or remove the index and index the folder again"
                )
        if self.catalog.fact("embedder") is None:
            self.catalog.set_facts({**current, "created": datetime.now(UTC).isoformat(timespec="seconds")})


def _conditions(path: str | None, form: str | None, where: Sequence[str]) -> list[Condition]:
    conditions = [parse_condition(text) for text in where]
    if path is not None:
        conditions.append(path_matches(path))
    if form is not None:
        conditions.append(format_is(form))
    return conditions


def _ordered(found: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Best first; equal ones by their id, so that the order does not depend on how an index came to be."""
    return sorted(found, key=lambda each: (-round(each[1], 6), each[0]))


def _hit(rank: int, path: str, chunk: ChunkRecord, score: float, metadata: dict[str, Any], text: str) -> Hit:
    return Hit(
        rank=rank,
        score=score,
        path=path,
        page=page_at(metadata.get("page_offsets") or [], chunk.start),
        start=chunk.start,
        end=chunk.end,
        text=text[chunk.start : chunk.end],
        metadata={
            **{name: value for name, value in metadata.items() if name not in _OF_THE_WHOLE_FILE},
            "heading_path": chunk.heading_path,
            "chunk_id": chunk.id,
        },
    )


def _shown(fact: str) -> str:
    values: dict[str, Any] = json.loads(fact)
    name = values.pop("name")
    return f"{name} ({', '.join(f'{key} {value}' for key, value in values.items())})"
