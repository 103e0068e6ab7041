"""`agentkit index`: bring an index in step with folders and files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._invocation import UsageError, note, workspace_of
from agentkit.cli._terminal import is_terminal, to_json
from agentkit.errors import IndexingError

if TYPE_CHECKING:
    from agentkit.results import IndexReport

_SKIPPED_SHOWN = 20
"""On a terminal."""


def index(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders or files.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The index; by default named after the first path.")
    ] = None,
    is_full: Annotated[bool, typer.Option("--full", help="Read every file again, also the unchanged ones.")] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an index of folders and files, or bring it up to date.

    Only what changed is read again. Stopped at any moment, it goes on from there with the same command.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"no such file or folder: {', '.join(missing)}")
    workspace = workspace_of(context)

    from agentkit.cli._progress import IndexingBar

    try:
        with IndexingBar() as bar:
            report = workspace.index_folder(paths, name, is_full=is_full, on_progress=bar.update)
    except KeyboardInterrupt:
        note("stopped: nothing is lost, the same command goes on from here")
        raise
    if is_json:
        typer.echo(to_json(_as_json(report)))
    else:
        _print_report(report)
    if not report.chunks:
        raise IndexingError(_nothing_indexed(report, paths))


def _as_json(report: "IndexReport") -> dict[str, Any]:  # Any: whatever JSON holds
    """The shape of design.md section 7. A file that moved was added at one path and removed at another."""
    return {
        "index": report.index,
        "files": {
            "added": report.added + report.moved,
            "changed": report.changed,
            "removed": report.removed + report.moved,
            "unchanged": report.unchanged,
            "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in report.skipped],
        },
        "chunks": report.chunks,
        "seconds": round(report.seconds, 3),
    }


def _print_report(report: "IndexReport") -> None:
    from agentkit.cli._render import print_table

    columns = ("added", "changed", "moved", "removed", "unchanged", "skipped", "chunks", "seconds")
    row = (
        report.added,
        report.changed,
        report.moved,
        report.removed,
        report.unchanged,
        len(report.skipped),
        report.chunks,
        round(report.seconds, 1),
    )
    print_table(f"Index {report.index}", columns, [row], sys.stdout)
    if not is_terminal(sys.stderr):
        for skipped in report.skipped:
            note(f"skipped {skipped.path}: {skipped.reason}")
    elif report.skipped:
        rows = [(skipped.path, skipped.reason) for skipped in report.skipped[:_SKIPPED_SHOWN]]
        print_table(f"Skipped files ({len(report.skipped)})", ("file", "reason"), rows, sys.stderr)
        if len(report.skipped) > _SKIPPED_SHOWN:
            note(f"{len(report.skipped) - _SKIPPED_SHOWN} more skipped files are listed by --json")


def _nothing_indexed(report: "IndexReport", paths: list[Path]) -> str:
    places = ", ".join(str(path) for path in paths)
    reason = "none of its files could be read" if report.skipped else "it holds no files"
    return f"nothing to index in {places}: {reason}. Give a folder with documents"
