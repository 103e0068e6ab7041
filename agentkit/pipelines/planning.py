"""What `agentkit index` would do, without doing it: the files are read and parsed, nothing is embedded or written."""

import time
from collections.abc import Sequence
from pathlib import Path

from langchain_core.documents import Document

from agentkit.chunkers import Chunk
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.roots import Roots
from agentkit.loaders import LoadingWorker, PathPatterns
from agentkit.pipelines.indexing import DEFAULT_MAX_FILE_BYTES
from agentkit.pipelines.intake import note, read_file
from agentkit.pipelines.progress import IndexingProgress, OnProgress
from agentkit.pipelines.survey import FoundFile, survey
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

        def load(found: FoundFile) -> tuple[Document, list[Chunk]]:
            return loader.load(found.file), []  # how it is cut changes nothing of what is told

        for number, found in enumerate(to_read):
            if on_progress:
                on_progress(IndexingProgress(number, len(to_read), 0, found.path, time.monotonic() - started))
            note(sync, found, read_file(load, found, sync=sync, is_full=is_full))
    return sync_plan(name, sync, read=to_read, removed=sync.removed_paths())
