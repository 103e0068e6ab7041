"""The whole story of `agentkit index`: walk, compare with the catalog, load, chunk, embed, publish, report."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentkit.chunkers import chunk_document
from agentkit.errors import DocumentError
from agentkit.indexes import FileRecord, FileStamp, Index, IndexWriter, KnownFile
from agentkit.loaders import FileEntry, LoadingWorker, walk
from agentkit.results import IndexReport, SkippedFile

DEFAULT_MAX_FILE_BYTES = 50_000_000
_STAGE_CHARS = 100_000
"""Text that is read before it is embedded and committed: enough to sort by length, little to lose."""


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """How far a sync is. Files that have not changed are not counted."""

    files_done: int
    files_total: int
    chunks_done: int
    current_path: str
    seconds: float


@dataclass(slots=True)
class _Sync:
    """What one sync has found out so far, over all of its roots."""

    found: list["_Found"] = field(default_factory=list)
    known: dict[str, KnownFile] = field(default_factory=dict)
    staged: dict[str, FileStamp] = field(default_factory=dict)
    skipped: dict[str, tuple[str, FileStamp, str]] = field(default_factory=dict)
    restamped: dict[str, FileStamp] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    """Path -> sha256, of what was read."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file of the walk under the path that the index knows it by."""

    path: str
    source: str
    stamp: FileStamp
    file: Path


def index_folder(
    index: Index,
    sources: Sequence[Path],
    *,
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES,
    is_full: bool = False,
    on_progress: Callable[[IndexingProgress], None] | None = None,
) -> IndexReport:
    """Bring an index up to date with folders or files; what has not changed costs one `stat`.

    Every file ends as indexed or as skipped with its reason. Stopped at any moment, also by a kill, it leaves the index
    as it was, and the next run goes on from where this one was.

    `is_full` reads every file again; texts that have not changed are still not embedded again.

    Raises:
        DocumentError: a source does not exist, or none holds a file that can be read.
        IndexLockedError: somebody else is writing the index.
        DiskSpaceError: the disk is full.
    """
    started = time.monotonic()
    with index.writer() as writer:
        sync = _Sync()
        for source in sources:
            _survey(writer, source, sync, max_file_bytes)
        paths = {found.path for found in sync.found}
        to_read = [found for found in sync.found if is_full or not _is_unchanged(found, sync)]
        removed = [path for path in sync.known if path not in paths and path not in sync.skipped]
        _refuse_nothing(sources, sync)
        writer.catalog.unstage([path for path in sync.staged if path not in paths])
        before = {path: known.sha256 for path, known in sync.known.items() if known.sha256}
        for batch in _by_size(_read(index, to_read, sync, is_full=is_full, on_progress=on_progress, started=started)):
            writer.stage(batch)
        if sync.contents or removed or sync.restamped or sync.staged or _has_new_skips(sync):
            writer.publish(removed=removed, skipped=sync.skipped, restamped=sync.restamped)
        untouched = len(paths - {found.path for found in to_read} - sync.skipped.keys())
        report = _report(index, before, removed, sync, untouched)
        return replace(report, seconds=time.monotonic() - started)


def _survey(writer: IndexWriter, source: Path, sync: _Sync, max_file_bytes: int) -> None:
    """Walk one source and gather what the catalog knows of it."""
    try:
        is_there = source.exists()
    except OSError:  # a name that is too long for the file system
        is_there = False
    if not is_there:
        raise DocumentError(f"{source} does not exist: check the path (nothing was removed from the index)")
    root, prefix = writer.root(source)
    sync.known |= writer.catalog.known_files(root)
    sync.staged |= writer.catalog.staged_files(root)
    for entry in walk(Path(root), max_file_bytes=max_file_bytes):
        if isinstance(entry, FileEntry):
            stamp = FileStamp(entry.size, entry.mtime_ns)
            sync.found.append(_Found(prefix + entry.relative, root, stamp, entry.path))
        else:
            sync.skipped[prefix + entry.path] = (root, FileStamp(0, 0), entry.reason)


def _is_unchanged(found: _Found, sync: _Sync) -> bool:
    known = sync.known.get(found.path)
    if known is None or known.stamp != found.stamp or found.path in sync.staged:
        return False
    if known.skip_reason:
        sync.skipped[found.path] = (found.source, found.stamp, known.skip_reason)
    return True


def _refuse_nothing(sources: Sequence[Path], sync: _Sync) -> None:
    if not sync.found and not sync.known:
        reasons = "; ".join(f"{path}: {reason}" for path, (_, _, reason) in list(sync.skipped.items())[:3])
        places = ", ".join(map(str, sources))
        raise DocumentError(f"there is no file to index in {places}" + (f" ({reasons})" if reasons else ""))


def _read(
    index: Index,
    to_read: Sequence[_Found],
    sync: _Sync,
    *,
    is_full: bool,
    on_progress: Callable[[IndexingProgress], None] | None,
    started: float,
) -> Iterator[FileRecord]:
    """Load and chunk the files; those that were only touched or cannot be read are noted in `sync`."""
    with LoadingWorker() as loader:
        yield from _read_with(loader, index, to_read, sync, is_full=is_full, on_progress=on_progress, started=started)


def _read_with(
    loader: LoadingWorker,
    index: Index,
    to_read: Sequence[_Found],
    sync: _Sync,
    *,
    is_full: bool,
    on_progress: Callable[[IndexingProgress], None] | None,
    started: float,
) -> Iterator[FileRecord]:
    chunks_done = 0
    for number, found in enumerate(to_read):
        if on_progress:
            on_progress(IndexingProgress(number, len(to_read), chunks_done, found.path, time.monotonic() - started))
        known = sync.known.get(found.path)
        try:
            digest = hashlib.sha256(found.file.read_bytes()).hexdigest()
            if sync.staged.get(found.path) == found.stamp and not is_full:
                sync.contents[found.path] = digest
                continue
            if known and known.sha256 == digest and not is_full:
                sync.restamped[found.path] = found.stamp
                continue
            record = _load(loader, index, found, digest)
        except (DocumentError, OSError) as error:
            reason = str(error) if isinstance(error, DocumentError) else f"cannot be read: {error.strerror}"
            sync.skipped[found.path] = (found.source, found.stamp, reason)
            continue
        sync.contents[found.path] = digest
        chunks_done += len(record.chunks)
        yield record
    if on_progress:
        on_progress(IndexingProgress(len(to_read), len(to_read), chunks_done, "", time.monotonic() - started))


def _load(loader: LoadingWorker, index: Index, found: _Found, digest: str) -> FileRecord:
    document = loader.load(found.file)
    chunks = chunk_document(document, index.limits, index.embedder.count_tokens)
    if not chunks:
        raise DocumentError("no text in it")
    return FileRecord.of(found.path, found.source, found.stamp, digest, document, chunks)


def _by_size(files: Iterable[FileRecord]) -> Iterator[list[FileRecord]]:
    batch: list[FileRecord] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.text)
        if size >= _STAGE_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _has_new_skips(sync: _Sync) -> bool:
    return any(
        path not in sync.known or sync.known[path].skip_reason != reason
        for path, (_, _, reason) in sync.skipped.items()
    )


def _report(index: Index, before: dict[str, str], removed: list[str], sync: _Sync, untouched: int) -> IndexReport:
    """Counts of files. A new path with the content of one that vanished is that file, moved."""
    new = [path for path in sync.contents if path not in before]
    vanished = [before[path] for path in removed if path in before]
    moved = 0
    for path in new:
        if sync.contents[path] in vanished:
            vanished.remove(sync.contents[path])
            moved += 1
    skipped = tuple(SkippedFile(path, reason) for path, (_, _, reason) in sorted(sync.skipped.items()))
    return IndexReport(
        index=index.name,
        added=len(new) - moved,
        changed=sum(path in before for path in sync.contents),
        moved=moved,
        removed=len(vanished),
        unchanged=untouched + len(sync.restamped),
        skipped=skipped,
        chunks=index.chunk_count,
    )
