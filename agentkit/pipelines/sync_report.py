"""What a sync did, or would do: which files are new, changed, moved and gone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from agentkit.indexes import Index
from agentkit.pipelines.survey import FoundFile, Sync
from agentkit.results import IndexPlan, IndexReport, SkippedFile


@dataclass(frozen=True, slots=True)
class _Changes:
    """Paths, sorted."""

    added: list[str]
    changed: list[str]
    reread: list[str]
    moved: list[tuple[str, str]]
    """From and to."""
    removed: list[str]
    unchanged: int


def sync_report(
    index: Index, sync: Sync, *, read: Sequence[FoundFile], removed: Sequence[str], seconds: float
) -> IndexReport:
    """Counts of files."""
    changes = _changes(sync, read, removed)
    return IndexReport(
        index=index.name,
        added=len(changes.added),
        changed=len(changes.changed),
        reread=len(changes.reread),
        moved=len(changes.moved),
        removed=len(changes.removed),
        unchanged=changes.unchanged,
        skipped=_skipped(sync),
        chunks=index.chunk_count,
        seconds=seconds,
        moved_sources=sync.moved_sources,
        gone_sources=sync.gone_sources,
    )


def sync_plan(name: str, sync: Sync, *, read: Sequence[FoundFile], removed: Sequence[str]) -> IndexPlan:
    """The files themselves, for a sync that has not been done."""
    changes = _changes(sync, read, removed)
    return IndexPlan(
        index=name,
        added=tuple(changes.added),
        changed=tuple(changes.changed),
        reread=tuple(changes.reread),
        moved=tuple(changes.moved),
        removed=tuple(changes.removed),
        unchanged=changes.unchanged,
        skipped=_skipped(sync),
        moved_sources=sync.moved_sources,
        gone_sources=sync.gone_sources,
    )


def _changes(sync: Sync, read: Sequence[FoundFile], removed: Sequence[str]) -> _Changes:
    """A new path with the content of one that vanished is that file, moved. One that cannot be read any more, and whose
    text therefore goes, is among the skipped.
    """
    before = {path: known.sha256 for path, known in sync.known.items() if known.sha256}
    vanished = defaultdict(list)
    for path in sorted(removed, reverse=True):
        if path in before:
            vanished[before[path]].append(path)
    added, moved = [], []
    for path in sorted(sync.contents.keys() - before.keys()):
        if twins := vanished[sync.contents[path]]:
            moved.append((twins.pop(), path))
        else:
            added.append(path)
    held = {found.path for found in sync.found if found.path in sync.known or found.file not in sync.unsettled}
    untouched = held - {found.path for found in read} - sync.skipped.keys()
    again = sync.contents.keys() & before.keys()
    same = {path for path in again if before[path] == sync.contents[path]}
    return _Changes(
        added=added,
        changed=sorted(again - same),
        reread=sorted(same),
        moved=moved,
        removed=sorted(path for paths in vanished.values() for path in paths),
        unchanged=len(untouched) + len(sync.restamped.keys() - sync.kept.keys()),
    )


def _skipped(sync: Sync) -> tuple[SkippedFile, ...]:
    reasons = {path: skip.reason for path, skip in sync.skipped.items()}
    reasons |= {path: f"{reason} (what was read of it before stays)" for path, reason in sync.kept.items()}
    for archive in sync.members.keys() - sync.skipped.keys():
        reasons |= {f"{archive}/{member['name']}": member["reason"] for member in sync.members[archive]}
    return tuple(SkippedFile(path, reason) for path, reason in sorted(reasons.items()))
