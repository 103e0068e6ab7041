"""Files to records that can be staged: which of them really changed, loaded and cut into chunks.

Many files are read by several processes, some way ahead of whoever takes the records, so that reading goes on while
those are embedded. How far ahead is bounded by files and by bytes: memory does not grow with the folder.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue

from langchain_core.documents import Document

from agentkit.chunkers import Chunk, chunk_document
from agentkit.cores import usable_cores
from agentkit.errors import DocumentError
from agentkit.indexes import FileRecord, FileStamp, Index
from agentkit.indexes.records import SkipRecord
from agentkit.loaders import Chunking, LoadingWorker, file_digest
from agentkit.loaders.load import is_current, loader_of, mistakes_named
from agentkit.pipelines.survey import FoundFile, Sync

_MANY_BYTES = 1_000_000
"""Of all files together: below, reading them takes less time than starting processes."""
_MOST_WORKERS = 8
_FILES_AHEAD = 64
_BYTES_AHEAD = 64_000_000

Load = Callable[[FoundFile], tuple[Document, list[Chunk]]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a file: its digest, and a record where it was loaded; or why it cannot be read."""

    digest: str = ""
    record: FileRecord | None = None
    problem: str = ""
    is_passing: bool = False
    """Whether what was read of the same file before stays."""
    recurs: bool = False
    """Whether the same file would fail so again."""


def read_files(index: Index, files: Sequence[FoundFile], sync: Sync, *, is_full: bool) -> Iterator[FileRecord | None]:
    """One result a file, in order: its record; None where it was only touched, is staged already or cannot be read,
    which is noted in `sync`.
    """
    are_many = len(files) > 1 and sum(found.stamp.size for found in files) > _MANY_BYTES
    count = min(_MOST_WORKERS, usable_cores()) if are_many else 1
    tokenizer = index.embedder.tokenizer_file if are_many else None
    chunking = Chunking(tokenizer, index.limits) if tokenizer else None
    with ExitStack() as stack:
        workers = [stack.enter_context(LoadingWorker(chunking=chunking)) for _ in range(count)]
        threads = stack.enter_context(ThreadPoolExecutor(count))
        stack.callback(_stop, threads, workers)
        load = _loader(index, workers, is_cut_there=chunking is not None)
        read = partial(read_file, load, sync=sync, is_full=is_full)
        for found, reading in _ahead(read, files, threads):
            note(sync, found, reading)
            yield reading.record


def read_file(load: Load, found: FoundFile, *, sync: Sync, is_full: bool) -> Reading:
    """Load a file where its bytes, or what reads them, are not those that are known."""
    known = sync.known.get(found.path)
    try:
        digest = file_digest(found.file)
        is_known = known is not None and known.sha256 == digest and is_current(known.loader, found.file)
        if not is_full and (is_known or sync.staged.get(found.path) == found.stamp):
            return Reading(digest)
        document, chunks = load(found)
        if not document.page_content.strip():
            raise DocumentError("no text in it")
        loader = loader_of(found.file)
        return Reading(digest, FileRecord.of(found.path, found.source, found.stamp, digest, document, chunks, loader))
    except DocumentError as error:
        return Reading(problem=str(error), is_passing=error.is_passing, recurs=error.recurs)
    except OSError as error:
        return Reading(problem=f"cannot be read: {error.strerror}", is_passing=True)


def note(sync: Sync, found: FoundFile, reading: Reading) -> None:
    """Keep in `sync` what came of a file."""
    if reading.is_passing and sync.is_read(found):
        sync.kept[found.path] = reading.problem
        if reading.recurs:
            sync.restamped[found.path] = replace(sync.known[found.path], loader=loader_of(found.file))
    elif reading.problem:
        stamp = found.stamp if reading.recurs else FileStamp(0, 0)  # no file's: the next sync tries again
        sync.skipped[found.path] = SkipRecord(found.source, stamp, reading.problem, loader_of(found.file))
    elif reading.record or sync.staged.get(found.path) == found.stamp:
        sync.contents[found.path] = reading.digest
        if reading.record:
            sync.members[found.path] = reading.record.metadata.get("skipped", [])
    else:
        sync.restamped[found.path] = replace(sync.known[found.path], stamp=found.stamp)


def by_size(files: Iterable[FileRecord | None], *, chars: int) -> Iterator[list[FileRecord]]:
    """The files in batches of about `chars` characters of text."""
    batch: list[FileRecord] = []
    size = 0
    for file in files:
        if file is None:
            continue
        batch.append(file)
        size += len(file.text)
        if size >= chars:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _ahead(
    read: Callable[[FoundFile], Reading], files: Sequence[FoundFile], threads: ThreadPoolExecutor
) -> Iterator[tuple[FoundFile, Reading]]:
    """Every file with what came of it, in order, while those after it are being read."""
    waiting: deque[tuple[FoundFile, Future[Reading]]] = deque()
    size = 0
    for found in files:
        while waiting and (len(waiting) >= _FILES_AHEAD or size + found.stamp.size > _BYTES_AHEAD):
            first, future = waiting.popleft()
            size -= first.stamp.size
            yield first, future.result()
        waiting.append((found, threads.submit(read, found)))
        size += found.stamp.size
    yield from ((found, future.result()) for found, future in waiting)


def _loader(index: Index, workers: Sequence[LoadingWorker], *, is_cut_there: bool) -> Load:
    """Loads and cuts a file with a worker that is free; it is cut here where the worker cannot count its tokens."""
    free: SimpleQueue[LoadingWorker] = SimpleQueue()
    for worker in workers:
        free.put(worker)

    def load(found: FoundFile) -> tuple[Document, list[Chunk]]:
        worker = free.get()
        try:
            if is_cut_there:
                return worker.load_chunks(found.file)
            document = worker.load(found.file)
        finally:
            free.put(worker)
        index.embedder.count_tokens("")  # outside of the `with`: an embedder that cannot count is no fault of the file
        with mistakes_named():
            return document, chunk_document(document, index.limits, index.embedder.count_tokens)

    return load


def _stop(threads: ThreadPoolExecutor, workers: Sequence[LoadingWorker]) -> None:
    """Before the threads are waited for: nothing new is begun, and what is being read, perhaps for minutes, ends."""
    threads.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.close()
