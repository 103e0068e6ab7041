"""`agentkit indexes`: look after the indexes."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._invocation import choose_index, complete_index, note, workspace_of
from agentkit.cli._question import require_yes
from agentkit.cli._terminal import neutralise_line, to_json

if TYPE_CHECKING:
    from agentkit.indexes.summary import IndexSummary

app = typer.Typer(help="List, check, mend and remove indexes.", no_args_is_help=False)

_COPIES_SHOWN = 20

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The index.", autocompletion=complete_index)]


@app.command("list")
def list_indexes(context: typer.Context, is_json: _Json = False) -> None:
    """List the indexes."""
    from agentkit.cli._render import human_bytes, print_table

    workspace = workspace_of(context)
    summaries = [workspace.indexes.summary(name) for name in workspace.indexes.names()]
    if is_json:
        typer.echo(to_json([_as_json(summary) for summary in summaries]))
    elif not summaries:
        note(f"there is no index in {workspace.indexes.directory}: make one with: agentkit index PATH")
    else:
        rows = [(s.name, s.file_count, s.chunk_count, human_bytes(s.size_bytes), _state(s)) for s in summaries]
        print_table("", ("index", "files", "chunks", "size", "state"), rows, sys.stdout)


@app.command("show")
def show_index(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The index.", autocompletion=complete_index)
    ] = None,
    is_json: _Json = False,
) -> None:
    """Show what an index holds, how it was made, and which of its files have changed since."""
    from agentkit.cli._index_contents import contents_as_json, print_contents
    from agentkit.cli._render import human_bytes, print_table
    from agentkit.indexes.roots import how_to_drop

    workspace = workspace_of(context)
    chosen = choose_index(workspace, name)
    summary, contents = workspace.indexes.summary(chosen), workspace.indexes.contents(chosen)
    if is_json:
        typer.echo(to_json({**_as_json(summary), **contents_as_json(contents)}))
        return
    rows = [
        ("index", summary.name),
        ("folder", summary.directory),
        *(("documents", source) for source in summary.sources),
        *(("not there", f"{source}: drop it with: {how_to_drop(chosen, source)}") for source in contents.gone_sources),
        *(("only", f"{' '.join(each.include)} of {source}") for source, each in contents.patterns if each.include),
        *(("without", f"{' '.join(each.exclude)} of {source}") for source, each in contents.patterns if each.exclude),
        ("files", summary.file_count),
        ("skipped", summary.skipped_count),
        ("chunks", summary.chunk_count),
        ("documents' size", human_bytes(contents.source_bytes)),
        ("their text", f"{contents.text_chars:,} characters"),
        ("size", human_bytes(summary.size_bytes)),
        ("stale files", len(contents.stale)),
        ("embedder", summary.embedder),
        ("chunker", summary.chunker),
        ("state", _state(summary)),
    ]
    print_table("", ("what", "value"), rows, sys.stdout)
    print_contents(contents)


@app.command("remove")
def remove_index(
    context: typer.Context,
    name: _Name,
    is_sure: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    is_json: _Json = False,
) -> None:
    """Delete an index. The documents stay as they are."""
    workspace = workspace_of(context)
    chosen = choose_index(workspace, name)
    require_yes(
        f"Delete the index {neutralise_line(chosen)}? The documents stay.", is_sure=is_sure, doing="removing an index"
    )
    workspace.indexes.remove(chosen)
    note(f"removed the index {chosen}")
    if is_json:
        typer.echo(to_json({"removed": chosen}))


@app.command("verify")
def verify_index(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The index.", autocompletion=complete_index)
    ] = None,
    is_json: _Json = False,
) -> None:
    """Check everything that an index holds, and say what mends it.

    Exit code 1 where something is wrong.
    """
    workspace = workspace_of(context)
    found = workspace.indexes.verify(choose_index(workspace, name))
    if is_json:
        typer.echo(to_json({**asdict(found), "is_sound": found.is_sound}))
    elif found.is_sound:
        typer.echo(f"{found.index} is sound: {found.files} files, {found.chunks} passages")
    else:
        from agentkit.cli._render import print_table

        rows = [(problem.what, problem.mend) for problem in found.problems]
        print_table("", ("what is wrong", "what mends it"), rows, sys.stdout)
    if not found.is_sound:
        raise typer.Exit(1)


@app.command("rebuild")
def rebuild_index(
    context: typer.Context,
    name: _Name,
    reembeds: Annotated[
        bool, typer.Option("--reembed", help="Embed all texts again, with the embedder of the settings.")
    ] = False,
    rechunks: Annotated[
        bool, typer.Option("--rechunk", help="Cut all texts again, into passages of the settings' sizes.")
    ] = False,
    is_json: _Json = False,
) -> None:
    """Make an index's vectors and keywords again from its catalog. No source file is read.

    Stopped with --reembed or --rechunk, the index stays as it was and the same command goes on from there.
    """
    from agentkit.cli._progress import Waiting

    workspace = workspace_of(context)
    chosen = choose_index(workspace, name)
    with Waiting("rebuilding…"):
        if reembeds:
            report = workspace.reembed_index(chosen, is_cut_anew=rechunks)
        elif rechunks:
            report = workspace.rechunk_index(chosen)
        else:
            report = workspace.indexes.rebuild(chosen)
    if is_json:
        typer.echo(to_json(asdict(report)))
        return
    embedded = f", {report.embedded} texts embedded" if report.embedded else ""
    note(f"rebuilt {report.index}: {report.files} files, {report.chunks} passages{embedded}")
    if report.was_damaged:
        sources = " ".join(f"'{source}'" for source in report.to_read) or "PATH…"
        note(f"the catalog was damaged; read what is lost again with: agentkit index {sources} --name {report.index}")
        note(f"what was forgotten is listed by: agentkit indexes remember {report.index}")


@app.command("forget")
def forget_files(
    context: typer.Context,
    name: _Name,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A file, a folder or a pattern such as 'letters/*.pdf', or a whole folder of the index.",
        ),
    ],
    is_sure: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    is_json: _Json = False,
) -> None:
    """Erase files from an index and from its files on the disk, and leave them out from now on.

    PATH is as `agentkit search` shows it. The documents stay as they are.

    A whole folder, as `agentkit indexes show` lists it under documents, is dropped and may be indexed again.
    """
    workspace = workspace_of(context)
    chosen = choose_index(workspace, name)
    question = f"Erase {neutralise_line(path)} from the index {neutralise_line(chosen)}? The documents stay."
    require_yes(question, is_sure=is_sure, doing="forgetting")
    with workspace.indexes.keeper(chosen) as keeper:
        report = keeper.forget(path)
    if is_json:
        typer.echo(to_json(asdict(report)))
        return
    note(f"forgot {len(report.paths)} files with {report.chunks} passages")
    for other in report.also_in[:_COPIES_SHOWN]:
        note(f"the same content is still in the index as {other}")
    if len(report.also_in) > _COPIES_SHOWN:
        note(f"{len(report.also_in) - _COPIES_SHOWN} more such files: --json lists all")


@app.command("remember")
def remember_files(
    context: typer.Context,
    name: _Name,
    path: Annotated[
        str | None, typer.Argument(metavar="PATH", help="As it was given to `forget`; by default lists them.")
    ] = None,
    is_json: _Json = False,
) -> None:
    """Let come back what was forgotten, with the next `agentkit index`; without PATH, list it."""
    workspace = workspace_of(context)
    with workspace.indexes.keeper(choose_index(workspace, name)) as keeper:
        if path is not None:
            keeper.remember(path)
            note(f"{path} comes back with the next: agentkit index")
        forgotten = keeper.forgotten()
    if is_json:
        typer.echo(to_json({"forgotten": forgotten}))
    elif path is None:
        for pattern in forgotten:
            typer.echo(neutralise_line(pattern))


def _state(summary: "IndexSummary") -> str:
    if summary.problem:
        return summary.problem
    return "an interrupted change: the next `agentkit index` mends it" if summary.is_dirty else "ready"


def _as_json(summary: "IndexSummary") -> dict[str, Any]:  # Any: whatever JSON holds
    return {
        "name": summary.name,
        "directory": str(summary.directory),
        "sources": list(summary.sources),
        "files": summary.file_count,
        "skipped": summary.skipped_count,
        "chunks": summary.chunk_count,
        "bytes": summary.size_bytes,
        "embedder": summary.embedder,
        "chunker": summary.chunker,
        "state": _state(summary),
    }
