"""`agentkit search`: the passages of an index that suit a query best."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from agentkit.cli._filters import Conditions, FormatFilter, PathFilter
from agentkit.cli._invocation import UsageError, choose_index, complete_index, note, workspace_of
from agentkit.cli._pairs import KeyValue, as_mapping
from agentkit.cli._terminal import as_text, to_json
from agentkit.results import SearchMode

_FIELDS = ("rank", "score", "path", "page", "start", "end", "text")


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.", callback=as_text)],
    index: Annotated[
        str | None,
        typer.Option("-i", "--index", help="The index; the only one by default.", autocompletion=complete_index),
    ] = None,
    count: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many passages.")] = 5,
    mode: Annotated[
        SearchMode, typer.Option("--mode", help="By meaning and words, or by one of them.")
    ] = SearchMode.HYBRID,
    path: PathFilter = None,
    form: FormatFilter = None,
    where: Conditions = None,
    options: Annotated[
        list[KeyValue] | None,
        typer.Option(
            "-o", "--option", metavar="KEY VALUE", help="A step of \\[search] in the settings, such as per_file 2."
        ),
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the passages that suit a query best."""
    if not query.strip():
        raise UsageError("the query is empty: say what to look for")
    workspace = workspace_of(context).with_options("search", as_mapping(options or ()))
    with workspace.open_index(choose_index(workspace, index)) as opened:
        hits = workspace.search(query, opened, k=count, mode=mode, path=path, format=form, where=where or ())
        if is_json:
            typer.echo(to_json([{name: asdict(hit)[name] for name in _FIELDS} for hit in hits]))
        elif hits:
            from agentkit.cli._render import print_hits

            print_hits(hits, lambda path: workspace.indexes.source_file(opened.name, path), sys.stdout)
        elif opened.chunk_count:
            note(f"no passages: nothing in the index {opened.name} suits the query")
        else:
            note(f"no passages: the index {opened.name} is empty: agentkit index PATH --name {opened.name} fills it")
