"""An index: a folder with a catalog (the truth) and a Chroma store (made from it), searched and written as one.

Who sees what: a writer stages, then adds the new vectors, then publishes the catalog in one transaction, then deletes
the old vectors. A search reads one state of the catalog, and takes from Chroma only ids that this state knows. Where
the vectors were changed meanwhile, or the *dirty* mark says that they are being written or were when a writer died, it
compares with the catalog's own embeddings instead. So a search never sees half a sync, and a vector store that a crash
has spoilt is never asked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from agentkit.chunkers import ChunkLimits, page_at
from agentkit.embedders import Embedder, embed
from agentkit.errors import EmbedderError, IndexNotFoundError, VectorsDamagedError, WorkspaceError
from agentkit.indexes.conditions import Condition, format_is, parse_condition, path_matches
from agentkit.indexes.exact import EXACT_UP_TO, ExactVectors
from agentkit.indexes.keeper import IndexKeeper
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.makers import check_makers, makers
from agentkit.indexes.ranking import Nearest, hybrid_ranking, keyword_ranking
from agentkit.indexes.records import ChunkRecord
from agentkit.indexes.sqlite_errors import full_disk_named
from agentkit.indexes.vectors import VectorStore
from agentkit.paths import StrPath, paths_of
from agentkit.results import ForgetReport, Hit, IndexVerification, RebuildReport, SearchMode

if TYPE_CHECKING:
    from agentkit.indexes.retriever import IndexRetriever
    from agentkit.indexes.writer import IndexWriter

_T = TypeVar("_T")
_QUERY_BATCH = 64
_OF_THE_WHOLE_FILE = frozenset({"outline", "parts", "skipped"})
"""What the chunker or a report needs of a document and no single passage does; a heading path tells its share."""
_OVERFETCH = 20
"""How many more neighbours are asked for than wanted: some may belong to a sync that is not published."""


class Index:
    """An index in a folder of its own; safe to search from several threads. Close it, or use it in a `with` block."""

    def __init__(self, directory: Path, *, embedder: Embedder, limits: ChunkLimits) -> None:
        """Use `Index.open`."""
        self.directory = directory
        self.embedder = embedder
        self.limits = limits
        self.keeper = IndexKeeper(directory)
        self.catalog = self.keeper.catalog
        self.vectors = self.keeper.vectors
        self._exact: tuple[str, ExactVectors] | None = None
        """Of which generation, and the vectors."""

    @classmethod
    def open(cls, directory: StrPath, *, embedder: Embedder, limits: ChunkLimits | None = None) -> "Index":
        """The index in `directory`, made where there is none. No model is loaded.

        Raises:
            IndexMismatchError: it was made with another embedder or chunker.
            IndexDamagedError: its catalog cannot be read.
            EmbedderError: `embedder` is none of agentkit's.
            WorkspaceError: the folder cannot be made.
            ValueError: the path is empty.
        """
        if not isinstance(embedder, Embedder):
            raise EmbedderError(
                f"{type(embedder).__name__} is no agentkit.Embedder: derive a class from that, which also says what it "
                "is and counts tokens"
            )
        directory = paths_of(directory)[0].absolute()  # the current folder may change
        limits = limits or ChunkLimits(max_tokens=embedder.max_tokens)
        with full_disk_named(directory):
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError, PermissionError) as error:
                raise WorkspaceError(f"no index can be made in {directory}: {error.strerror}") from error
            index = cls(directory, embedder=embedder, limits=limits)
        try:
            index._check_or_remember()
        except BaseException:
            index.close()
            raise
        return index

    def __reduce__(self) -> "tuple[Callable[[], Index], tuple[()]]":
        """A copy, also in another process, opens the index for itself."""
        return partial(Index.open, self.directory, embedder=self.embedder, limits=self.limits), ()

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
        return self.catalog.is_dirty

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
        mode: SearchMode | str = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
    ) -> list[Hit]:
        """The `k` passages that suit `query` best, best first. An empty index or query gives none.

        `path` takes only files whose path matches a pattern such as `reports/*`, `format` only those of a format such
        as `pdf`, and `where` only what every condition holds for, such as `size<1MB` (see `conditions.py`).

        A hit's score is the cosine similarity (dense), BM25 (keyword) or, in a hybrid search, both
        scaled to 0 to 1 and weighted.

        Raises:
            ConditionError: one of `where` is not a condition.
            ValueError: there is no such mode, or `k` is below 1.
        """
        (hits,) = self.search_all([query], k=k, mode=mode, path=path, format=format, where=where)
        return hits

    def search_all(
        self,
        queries: Sequence[str],
        *,
        k: int = 5,
        mode: SearchMode | str = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
    ) -> Iterator[list[Hit]]:
        """What `search` gives for each query, in their order; the queries are embedded in batches.

        Raises:
            ConditionError: one of `where` is not a condition.
            ValueError: there is no such mode, or `k` is below 1.
        """
        if k < 1:
            raise ValueError(f"k is {k}: give 1 or more")
        mode = SearchMode(mode)
        conditions = _conditions(path, format, where)
        for start in range(0, len(queries), _QUERY_BATCH):
            batch = queries[start : start + _QUERY_BATCH]
            if not self.chunk_count:
                yield from ([] for _ in batch)
                continue
            asked = [query for query in batch if query.strip()]
            vectors = iter(embed(self.embedder, asked) if asked and mode is not SearchMode.KEYWORD else ())
            for query in batch:
                yield self._search(query, next(vectors, None), k, mode, conditions) if query.strip() else []

    def _search(
        self, query: str, vector: NDArray[np.float32] | None, k: int, mode: SearchMode, conditions: list[Condition]
    ) -> list[Hit]:
        def find(store: VectorStore | None) -> list[Hit]:
            within = self.catalog.matching_chunks(conditions) if conditions else None
            if within == []:
                return []
            return self._hits(self._ranking(query, vector, k, mode, within, store)[:k])

        asks_store = vector is not None and not conditions and self.chunk_count > EXACT_UP_TO
        return self._in_one_state(find, self.vectors.open_for_reading() if asks_store else None)

    def vectors_of(self, hits: Sequence[Hit]) -> dict[str, NDArray[np.float32]]:
        """Chunk id -> vector, shape (dimension,), of unit length, for those of the hits that are still in the index.

        Raises:
            IndexMismatchError: another embedder embedded the index again since they were found.
        """
        with self._snapshot():
            return self.catalog.vectors_by_id([hit.metadata["chunk_id"] for hit in hits])

    def as_retriever(
        self,
        *,
        k: int = 5,
        mode: SearchMode | str = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
    ) -> "IndexRetriever":
        """This index for LangChain programs: `k` passages a query. `path`, `format` and `where` as in `search`."""
        from agentkit.indexes.retriever import IndexRetriever  # 0.6 s, which a search does without

        return IndexRetriever(
            index=self, k=k, mode=SearchMode(mode), path=path, format=format, where=tuple(_listed(where))
        )

    @contextmanager
    def writer(self) -> "Iterator[IndexWriter]":
        """Hold the writer lock.

        Raises:
            IndexLockedError: somebody else is writing; the message says who.
            IndexNotFoundError: the index was removed, or made again, since it was opened.
        """
        from agentkit.indexes.writer import IndexWriter

        self._check_in_place()  # the lock would make its folder again
        with writer_lock(self.directory):
            self._check_in_place()
            self.keeper.finish_erasing()
            yield IndexWriter(self)

    # Looking after it: `keeper.py` says how

    def verify(self) -> IndexVerification:
        """Everything that the index holds, compared with what it must be; nothing is changed."""
        return self.keeper.verify()

    def rebuild(self) -> RebuildReport:
        """Make the keyword index and the vectors again from the catalog; embeds nothing."""
        return self.keeper.rebuild()

    @staticmethod
    def reembed(
        directory: StrPath,
        *,
        embedder: Embedder,
        limits: ChunkLimits | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> RebuildReport:
        """Embed all texts of an index again, perhaps by another embedder; reads no source file (see `remaking.py`).

        Nobody sees it before all is done; killed before, it goes on from there when it is called again.
        """
        from agentkit.indexes.remaking import reembed

        return reembed(Path(directory), embedder=embedder, limits=limits, on_progress=on_progress)

    @staticmethod
    def rechunk(
        directory: StrPath,
        *,
        embedder: Embedder,
        limits: ChunkLimits,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> RebuildReport:
        """Cut all texts of an index again, into chunks of `limits`; reads no source file (see `remaking.py`).

        Raises:
            IndexMismatchError: the index was made with another embedder.
        """
        from agentkit.indexes.remaking import rechunk

        return rechunk(Path(directory), embedder=embedder, limits=limits, on_progress=on_progress)

    def forget(self, path: str) -> ForgetReport:
        """Erase a file, a folder or what matches a pattern from the disk; the next sync leaves it out.

        Raises:
            IndexNotFoundError: no file of the index matches.
        """
        return self.keeper.forget(path)

    def remember(self, path: str) -> None:
        """Let come back what was forgotten by this path or pattern.

        Raises:
            IndexNotFoundError: nothing was forgotten by it.
        """
        self.keeper.remember(path)

    def close(self) -> None:
        """Let go of the files. Calling it twice does nothing."""
        self.keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _in_one_state(self, find: Callable[[VectorStore | None], _T], store: VectorStore | None) -> _T:
        """What `find` gives over one state of the index; with the store where it stayed as it was meanwhile."""
        if store is not None:
            try:
                with self._snapshot():
                    found = find(store)
                if self.vectors.is_current(store):
                    return found
            except VectorsDamagedError:
                if self.vectors.is_current(store):
                    self.vectors.distrust()
        with self._snapshot():
            return find(None)

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the catalog, of an index that is still of this embedder."""
        with self.catalog.snapshot():
            self._check(("embedder",))
            yield

    def _hits(self, ranking: list[tuple[str, float]]) -> list[Hit]:
        known = self.catalog.chunks_by_id([name for name, _ in ranking])
        contents = self.catalog.contents(path for path, _ in known.values())
        found = [(*known[name], score) for name, score in ranking if name in known]
        return [
            _hit(rank, path, chunk, score, *contents[path]) for rank, (path, chunk, score) in enumerate(found, start=1)
        ]

    def _ranking(
        self,
        query: str,
        vector: NDArray[np.float32] | None,
        k: int,
        mode: SearchMode,
        within: list[int] | None,
        store: VectorStore | None,
    ) -> list[tuple[str, float]]:
        """Ids of published chunks with their scores, best first; only of those numbers, if given."""
        if vector is None:
            return keyword_ranking(self.catalog, query, k, within)

        nearest = self._nearest_of(within, store)
        if mode is SearchMode.DENSE:
            return nearest(vector, k)
        return hybrid_ranking(self.catalog, query, vector, k, within, nearest)

    def _nearest_of(self, within: list[int] | None, store: VectorStore | None) -> Nearest:
        """How to find neighbours: by the store where there is one, or by comparing with every vector, or some."""
        if within is not None:
            return ExactVectors(self.catalog.vectors(within)).nearest
        return self._all_vectors().nearest if store is None else partial(self._nearest_in, store)

    def _nearest_in(self, store: VectorStore, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        candidates = store.query(vector, count=count + _OVERFETCH)
        known = self.catalog.published([name for name, _ in candidates])
        found = _ordered((name, score) for name, score in candidates if name in known)
        if len(found) < min(count, self.chunk_count):
            return self._all_vectors().nearest(vector, count)
        return found[:count]

    def _all_vectors(self) -> ExactVectors:
        """Every published vector, kept until something else is published. Inside a snapshot, whose lock guards it."""
        generation = self.catalog.generation
        if self._exact is None or self._exact[0] != generation:
            self._exact = generation, ExactVectors(self.catalog.vectors())
        return self._exact[1]

    def _check_in_place(self) -> None:
        if not self.catalog.is_in_place:
            raise IndexNotFoundError(f"the index {self.name} was removed, or made again, meanwhile: open it again")

    def _check_or_remember(self) -> None:
        """Compare the embedder and the chunker with what the index was made by; a new index remembers them."""
        if self.catalog.fact("embedder") is None:
            created = datetime.now(UTC).isoformat(timespec="seconds")
            self.catalog.set_facts({**makers(self.embedder, self.limits), "created": created})
        self._check(("embedder", "chunker"))

    def _check(self, keys: tuple[str, ...]) -> None:
        check_makers(self.catalog, makers(self.embedder, self.limits), self.name, keys)


def _conditions(path: str | None, form: str | None, where: str | Sequence[str]) -> list[Condition]:
    conditions = [parse_condition(text) for text in _listed(where)]
    if path is not None:
        conditions.append(path_matches(path))
    if form is not None:
        conditions.append(format_is(form))
    return conditions


def _listed(where: str | Sequence[str]) -> Sequence[str]:
    return [where] if isinstance(where, str) else where


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
