"""`agentkit index`: bring an index in step with folders and files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentkit.cli._invocation import UsageError, note, path_argument, workspace_of
from agentkit.cli._terminal import to_json
from agentkit.errors import IndexingError
from agentkit.results import IndexReport

if TYPE_CHECKING:
    from agentkit.loaders import PathPatterns
    from agentkit.workspace import Workspace


def index(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Folders or files.", parser=path_argument)],
    name: Annotated[
        str | None, typer.Option("--name", help="The index; by default named after the first path.")
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="PATTERN",
            help="Read only files that match, as in a .gitignore: '*.md', 'reports/'. May be given several times; "
            "remembered until --include or --exclude is given again.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="PATTERN", help="Leave out files and folders that match; as --include."),
    ] = None,
    is_full: Annotated[bool, typer.Option("--full", help="Read every file again, also the unchanged ones.")] = False,
    is_watching: Annotated[
        bool, typer.Option("--watch", help="Stay, and index whatever changes, until Ctrl-C.")
    ] = False,
    is_dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be added, changed, moved, removed and skipped; do nothing."),
    ] = False,
    progress: Annotated[
        Literal["bar", "json", "none"],
        typer.Option("--progress", help="On stderr: a bar where it is a terminal, a JSON object a line, or nothing."),
    ] = "bar",
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --watch, an object a line.")] = False,
) -> None:
    """Make an index of folders and files, or bring it up to date.

    Only what changed is read again. Stopped at any moment, it goes on from there with the same command.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"no such file or folder: {', '.join(missing)}")
    if is_watching and (is_dry_run or is_full):
        raise UsageError(f"--watch and {'--dry-run' if is_dry_run else '--full'} do not go together: leave one out")
    workspace = workspace_of(context)
    patterns = _patterns(include, exclude)

    if is_watching:
        from agentkit.cli._watching import watch

        watch(workspace, paths, name, patterns=patterns, progress=progress, is_json=is_json)
        return

    from agentkit.cli._indexing import plan_as_json, print_plan, print_report, print_skipped, report_as_json
    from agentkit.cli._indexing_progress import progress_shown

    if is_dry_run:
        with progress_shown(progress, verb="Looking at") as shown:
            plan = workspace.plan_folder(paths, name, is_full=is_full, patterns=patterns, on_progress=shown.update)
        shown.finish(plan_as_json(plan))
        if is_json:
            typer.echo(to_json(plan_as_json(plan)))
        else:
            print_plan(plan, is_full=is_full)
        return
    try:
        with progress_shown(progress) as shown:
            report = workspace.index_folder(paths, name, is_full=is_full, patterns=patterns, on_progress=shown.update)
    except KeyboardInterrupt:
        note("stopped: nothing is lost, the same command goes on from here")
        raise
    shown.finish(report_as_json(report))
    if is_json:
        typer.echo(to_json(report_as_json(report)))
    else:
        print_report(report, is_full=is_full)
        if progress != "json":
            print_skipped(report.skipped)
    if not report.chunks:
        raise IndexingError(_nothing_indexed(workspace, report, paths))


def _patterns(include: list[str] | None, exclude: list[str] | None) -> "PathPatterns | None":
    """None where neither is given: then the index's own count."""
    if not include and not exclude:
        return None
    from agentkit.loaders import PathPatterns

    patterns = PathPatterns(tuple(include or ()), tuple(exclude or ()))
    if problem := patterns.problem():
        raise UsageError(problem)
    return patterns


def _nothing_indexed(workspace: "Workspace", report: IndexReport, paths: list[Path]) -> str:
    from agentkit.indexes.contents import index_contents
    from agentkit.loaders.patterns import reminder

    nothing = f"nothing to index in {', '.join(map(str, paths))}"
    if report.skipped:
        return f"{nothing}: none of its files could be read. Give a folder with documents"
    contents = index_contents(workspace.indexes.folder(report.index))
    narrow = reminder(patterns for _, patterns in contents.patterns)
    return f"{nothing}: {narrow or 'it holds no files. Give a folder with documents'}"
