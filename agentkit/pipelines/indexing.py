"""The whole story of `agentkit index`: walk, compare with the catalog, load, chunk, embed, publish, report."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from agentkit.indexes import FileRecord, Index
from agentkit.indexes.roots import Roots
from agentkit.loaders import PathPatterns
from agentkit.paths import StrPath, paths_of
from agentkit.pipelines.intake import by_size, read_files
from agentkit.pipelines.progress import IndexingProgress, OnProgress
from agentkit.pipelines.survey import FoundFile, survey
from agentkit.pipelines.sync_report import sync_report
from agentkit.results import IndexReport

DEFAULT_MAX_FILE_BYTES = 50_000_000
_STAGE_CHARS = 300_000
"""Text that is read before it is embedded and committed: enough to sort by length, little to lose."""


def index_folder(
    index: Index,
    sources: StrPath | Sequence[StrPath],
    *,
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES,
    is_full: bool = False,
    patterns: PathPatterns | None = None,
    unsettled: Collection[Path] = (),
    on_progress: OnProgress | None = None,
) -> IndexReport:
    """Bring an index up to date with folders or files; what has not changed costs one `stat`.

    What has not changed is read again once where this version of agentkit reads it differently.

    Every file ends as indexed or as skipped with its reason. Stopped at any moment, also by a kill, it leaves the index
    as it was, and the next run goes on from where this one was.

    Args:
        index: Held by its writer lock meanwhile.
        sources: Folders or files, or one of them. A folder inside of one that the index has means all of that one.
        max_file_bytes: Larger files are skipped.
        is_full: Read every file again; texts that have not changed are still not embedded again.
        patterns: What to read of the sources; None for what the index remembers of the last time.
        unsettled: Files that are being written: what the index holds of them stays, and they are not read.
        on_progress: Called before each file and after the last.

    Raises:
        DocumentError: a source does not exist, none holds a file that can be read, or none of one suits the patterns.
        IndexingError: a source contains one that the index already has, or patterns are given that cannot count.
        IndexLockedError: somebody else is writing the index.
        DiskSpaceError: the disk is full.
    """
    started = time.monotonic()
    with index.writer() as writer:
        roots = Roots(writer.catalog, index.name)
        sync = survey(
            writer.catalog,
            paths_of(sources),
            roots,
            patterns=patterns,
            max_file_bytes=max_file_bytes,
            unsettled=unsettled,
        )
        roots.remember()
        to_read = sync.changed_files(is_full=is_full)
        removed = sync.removed_paths()
        if to_read:
            index.vectors.prepare()
        writer.catalog.unstage(sync.outdated | (sync.staged.keys() - {found.path for found in sync.found}))
        records = _watched(read_files(index, to_read, sync, is_full=is_full), to_read, on_progress, started)
        for batch in by_size(records, chars=_STAGE_CHARS):
            writer.stage(batch)
        if sync.contents or removed or sync.staged or sync.has_new_skips():
            writer.publish(removed=removed, skipped=sync.skipped, restamped=sync.restamped)
        else:
            writer.catalog.restamp(sync.restamped)
            index.vectors.mend()
        seconds = time.monotonic() - started
        return sync_report(index, sync, read=to_read, removed=removed, seconds=seconds)


def _watched(
    records: Iterable[FileRecord | None], files: Sequence[FoundFile], on_progress: OnProgress | None, started: float
) -> Iterator[FileRecord | None]:
    """The records as they come, with a report of progress before each file and after the last."""
    chunks_done = 0
    names = [*(found.path for found in files), ""]

    def report(number: int) -> None:
        if on_progress:
            seconds = time.monotonic() - started
            on_progress(IndexingProgress(number, len(files), chunks_done, names[number], seconds))

    report(0)
    for number, record in enumerate(records, start=1):
        chunks_done += len(record.chunks) if record else 0
        report(number)
        yield record
