"""What a sync did, counted in files."""

from collections import Counter
from collections.abc import Sequence

from agentkit.indexes import Index
from agentkit.pipelines.survey import FoundFile, Sync
from agentkit.results import IndexReport, SkippedFile


def sync_report(
    index: Index, sync: Sync, *, read: Sequence[FoundFile], removed: Sequence[str], seconds: float
) -> IndexReport:
    """Counts of files. A new path with the content of one that vanished is that file, moved."""
    before = {path: known.sha256 for path, known in sync.known.items() if known.sha256}
    new = [path for path in sync.contents if path not in before]
    vanished = Counter(before[path] for path in removed if path in before)
    moved = (vanished & Counter(sync.contents[path] for path in new)).total()
    untouched = {found.path for found in sync.found} - {found.path for found in read} - sync.skipped.keys()
    return IndexReport(
        index=index.name,
        added=len(new) - moved,
        changed=len(sync.contents) - len(new),
        moved=moved,
        removed=vanished.total() - moved,
        unchanged=len(untouched) + len(sync.restamped),
        skipped=tuple(SkippedFile(path, reason) for path, (_, _, reason) in sorted(sync.skipped.items())),
        chunks=index.chunk_count,
        seconds=seconds,
    )
