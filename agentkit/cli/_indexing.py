"""How a sync, and what one would do, look: as tables and lists, and as JSON."""

import sys
from collections.abc import Collection, Sequence
from typing import Any

from agentkit.cli._invocation import note
from agentkit.cli._render import print_table
from agentkit.cli._terminal import is_terminal
from agentkit.indexes.roots import how_to_drop
from agentkit.results import IndexPlan, IndexReport, SkippedFile

_SKIPPED_SHOWN = 20
"""On a terminal."""


def report_as_json(report: IndexReport) -> dict[str, Any]:  # Any: whatever JSON holds
    """The shape of design.md section 7. A file that moved was added at one path and removed at another."""
    return {
        "index": report.index,
        "files": {
            "added": report.added + report.moved,
            "changed": report.changed,
            "reread": report.reread,
            "removed": report.removed + report.moved,
            "unchanged": report.unchanged,
            "skipped": _skipped_as_json(report.skipped),
        },
        "chunks": report.chunks,
        "seconds": round(report.seconds, 3),
        **_sources_as_json(report),
    }


def plan_as_json(plan: IndexPlan) -> dict[str, Any]:  # Any: whatever JSON holds
    """The files themselves, where a report counts them."""
    return {
        "index": plan.index,
        "files": {
            "added": list(plan.added),
            "changed": list(plan.changed),
            "reread": list(plan.reread),
            "moved": [{"from": old, "to": new} for old, new in plan.moved],
            "removed": list(plan.removed),
            "unchanged": plan.unchanged,
            "skipped": _skipped_as_json(plan.skipped),
        },
        **_sources_as_json(plan),
    }


def print_report(report: IndexReport, *, is_full: bool) -> None:
    """The counts, on stdout; on stderr why unchanged files were read again, unless all were to be (`is_full`)."""
    counts = {
        "added": report.added,
        "changed": report.changed,
        **({"reread": report.reread} if report.reread else {}),
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "skipped": len(report.skipped),
        "chunks": report.chunks,
        "seconds": round(report.seconds, 1),
    }
    print_table(f"Index {report.index}", tuple(counts), [tuple(counts.values())], sys.stdout)
    note_sources(report)
    if not is_full:
        _note_reread(report.reread)


def print_plan(plan: IndexPlan, *, is_full: bool) -> None:
    """A line a file that would be touched, and their number; the skipped files with their reasons. `is_full` as in
    `print_report`.
    """
    rows = [
        *(("add", path, "") for path in plan.added),
        *(("change", path, "") for path in plan.changed),
        *(("read again", path, "") for path in plan.reread),
        *(("move", old, new) for old, new in plan.moved),
        *(("remove", path, "") for path in plan.removed),
        *(("skip", skipped.path, skipped.reason) for skipped in plan.skipped),
    ]
    if rows:
        print_table(f"Would do in the index {plan.index}", ("what", "file", "to, or why"), rows, sys.stdout)
    note(
        f"a dry run: nothing was written. {len(plan.added)} to add, {len(plan.changed)} changed, "
        f"{len(plan.reread)} to read again, {len(plan.moved)} moved, {len(plan.removed)} to remove, {plan.unchanged} "
        f"unchanged, {len(plan.skipped)} skipped"
    )
    note_sources(plan)
    if not is_full:
        _note_reread(len(plan.reread))


def note_sources(done: IndexReport | IndexPlan, *, told: Collection[str] = ()) -> None:
    """On stderr, which folders of the index are at another place now, and which of those that were not `told` before
    are gone, with the way to drop them.
    """
    for old, new in done.moved_sources:
        note(f"documents of {old} are now at {new}")
    for source in done.gone_sources:
        if source not in told:
            how = how_to_drop(done.index, source)
            note(
                f"{source} is not there, and what was read of it stays. If it was moved, give its new place; if it is "
                f"gone for good, drop it with: {how}"
            )


def print_skipped(files: Sequence[SkippedFile]) -> None:
    """The skipped files with their reasons, on stderr."""
    if not is_terminal(sys.stderr):
        for skipped in files:
            note(f"skipped {skipped.path}: {skipped.reason}")
    elif files:
        rows = [(skipped.path, skipped.reason) for skipped in files[:_SKIPPED_SHOWN]]
        print_table(f"Skipped files ({len(files)})", ("file", "reason"), rows, sys.stderr)
        if len(files) > _SKIPPED_SHOWN:
            note(f"{len(files) - _SKIPPED_SHOWN} more skipped files are listed by --json")


def _note_reread(count: int) -> None:
    if count:
        note(f"read again, though unchanged: {count} files that another version of agentkit read in its own way")


def _sources_as_json(done: IndexReport | IndexPlan) -> dict[str, Any]:  # Any: whatever JSON holds
    moved = [{"from": old, "to": new} for old, new in done.moved_sources]
    return {"moved_sources": moved, "gone_sources": list(done.gone_sources)}


def _skipped_as_json(files: Sequence[SkippedFile]) -> list[dict[str, str]]:
    return [{"path": skipped.path, "reason": skipped.reason} for skipped in files]
