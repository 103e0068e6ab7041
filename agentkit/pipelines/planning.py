"""What `agentkit index` would do, without doing it: the files are read and parsed, nothing is embedded or written."""

import time
from collections.abc import Sequence
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.roots import Roots
from agentkit.loaders import LoadingWorker, PathPatterns, file_digest
from agentkit.pipelines.indexing import DEFAULT_MAX_FILE_BYTES
from agentkit.pipelines.progress import IndexingProgress, OnProgress
from agentkit.pipelines.survey import FoundFile, Sync, survey
from agentkit.pipelines.sync_report import sync_plan
from agentkit.results import IndexPlan


def plan_folder(
    catalog: Catalog,
    name: str,
    sources: Sequence[Path],
    *,
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES,
    is_full: bool = False,
    patterns: PathPatterns | None = None,
    on_progress: OnProgress | None = None,
) -> IndexPlan:
    """What `index_folder` with the same arguments would add, change, move, remove and skip, and why.

    Takes the time that parsing what changed takes: only then it is known what cannot be read.

    Raises:
        DocumentError: a source does not exist, none holds a file that can be read, or none of one suits the patterns.
        IndexingError: a source contains one that the index already has, or patterns are given that cannot count.
    """
    started = time.monotonic()
    roots = Roots(catalog, name)
    sync = survey(catalog, sources, roots, patterns=patterns, max_file_bytes=max_file_bytes)
    to_read = sync.changed_files(is_full=is_full)
    with LoadingWorker() as loader:
        for number, found in enumerate(to_read):
            if on_progress:
                on_progress(IndexingProgress(number, len(to_read), 0, found.path, time.monotonic() - started))
            _look_at(loader, found, sync, is_full=is_full)
    return sync_plan(name, sync, read=to_read, removed=sync.removed_paths())


def _look_at(loader: LoadingWorker, found: FoundFile, sync: Sync, *, is_full: bool) -> None:
    known = sync.known.get(found.path)
    try:
        digest = file_digest(found.file)
        if known and known.sha256 == digest and not is_full:
            sync.restamped[found.path] = found.stamp
            return
        loader.load(found.file)
    except (DocumentError, OSError) as error:
        reason = str(error) if isinstance(error, DocumentError) else f"cannot be read: {error.strerror}"
        sync.skipped[found.path] = (found.source, found.stamp, reason)
        return
    sync.contents[found.path] = digest
