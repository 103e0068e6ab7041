"""Files to records that can be staged: which of them really changed, loaded and cut into chunks."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from agentkit.chunkers import chunk_document
from agentkit.errors import DocumentError
from agentkit.indexes import FileRecord, Index
from agentkit.loaders import LoadingWorker
from agentkit.pipelines.survey import FoundFile, Sync


def read_files(index: Index, files: Sequence[FoundFile], sync: Sync, *, is_full: bool) -> Iterator[FileRecord | None]:
    """One result a file, in order: its record; None where it was only touched, is staged already or cannot be read,
    which is noted in `sync`.
    """
    with LoadingWorker() as loader:
        for found in files:
            yield _read_file(loader, index, found, sync, is_full=is_full)


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


def _read_file(
    loader: LoadingWorker, index: Index, found: FoundFile, sync: Sync, *, is_full: bool
) -> FileRecord | None:
    known = sync.known.get(found.path)
    try:
        digest = hashlib.sha256(found.file.read_bytes()).hexdigest()
        if sync.staged.get(found.path) == found.stamp and not is_full:
            sync.contents[found.path] = digest
            return None
        if known and known.sha256 == digest and not is_full:
            sync.restamped[found.path] = found.stamp
            return None
        record = _load(loader, index, found, digest)
    except (DocumentError, OSError) as error:
        reason = str(error) if isinstance(error, DocumentError) else f"cannot be read: {error.strerror}"
        sync.skipped[found.path] = (found.source, found.stamp, reason)
        return None
    sync.contents[found.path] = digest
    return record


def _load(loader: LoadingWorker, index: Index, found: FoundFile, digest: str) -> FileRecord:
    document = loader.load(found.file)
    chunks = chunk_document(document, index.limits, index.embedder.count_tokens)
    if not chunks:
        raise DocumentError("no text in it")
    return FileRecord.of(found.path, found.source, found.stamp, digest, document, chunks)
