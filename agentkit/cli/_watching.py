"""`agentkit index --watch`: a line for each round that did something, until Ctrl-C."""

import json
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agentkit.cli._indexing import note_sources, report_as_json
from agentkit.cli._indexing_progress import ProgressForm, progress_shown
from agentkit.cli._invocation import note
from agentkit.results import IndexReport, SkippedFile

if TYPE_CHECKING:
    from agentkit.loaders import PathPatterns
    from agentkit.workspace import Workspace


def watch(
    workspace: "Workspace",
    paths: Sequence[Path],
    name: str | None,
    *,
    patterns: "PathPatterns | None",
    progress: ProgressForm,
    is_json: bool,
) -> None:
    """Index `paths` and whatever changes in them, until KeyboardInterrupt."""
    told: set[SkippedFile] = set()
    told_error = ""
    told_gone: Collection[str] = ()
    waited_for: frozenset[Path] = frozenset()
    is_first = True
    with progress_shown(progress) as shown:
        for done in workspace.watch_folder(paths, name, patterns=patterns, on_progress=shown.update):
            shown.pause()
            for file in sorted(done.unsettled - waited_for):
                note(f"{file} is still being written: it waits")
            waited_for = done.unsettled
            if done.error and str(done.error) != told_error:  # a round that fails is tried again every half minute
                note(f"error: {done.error}. The watch goes on")
            told_error = str(done.error or "")
            if done.report and (is_first or _did_something(done.report) or set(done.report.skipped) - told):
                for skipped in sorted(set(done.report.skipped) - told, key=lambda each: each.path):
                    note(f"skipped {skipped.path}: {skipped.reason}")
                told = set(done.report.skipped)
                shown.finish(report_as_json(done.report))
                typer.echo(json.dumps(report_as_json(done.report)) if is_json else _line(done.report))
            if done.report:
                note_sources(done.report, told=told_gone)
                told_gone = done.report.gone_sources
            if is_first:
                note("watching: Ctrl-C ends it")
            is_first = False


def _did_something(report: IndexReport) -> bool:
    return bool(report.added or report.changed or report.reread or report.moved or report.removed)


def _line(report: IndexReport) -> str:
    counts = {
        "added": report.added, "changed": report.changed, "read again": report.reread, "moved": report.moved,
        "removed": report.removed, "unchanged": report.unchanged, "skipped": len(report.skipped),
    }  # fmt: skip
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no files"
    return f"{time.strftime('%H:%M:%S')} {report.index}: {shown}; {report.chunks} chunks in {report.seconds:.1f} s"
