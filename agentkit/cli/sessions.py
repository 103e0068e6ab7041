"""`agentkit sessions`: what was said in chats, to list, read, search, export and delete."""

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli._invocation import note, workspace_of
from agentkit.cli._question import require_yes
from agentkit.cli._terminal import neutralise, neutralise_line, to_json

if TYPE_CHECKING:
    from agentkit.agents.sessions import SessionStore

app = typer.Typer(help="List, read, search, export and delete chats.", no_args_is_help=False)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The session, or the beginning of its id.")]


class Form(StrEnum):
    """What a session is exported as."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.command("list")
def list_sessions(
    context: typer.Context,
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="At most so many; 0 is all.")] = 0,
    is_json: _Json = False,
) -> None:
    """List the sessions, the latest first."""
    from agentkit.agents.session_export import session_summary
    from agentkit.cli._render import print_table

    with workspace_of(context).sessions() as store:
        found = store.sessions()[: count or None]
        if is_json:
            typer.echo(to_json([session_summary(session) for session in found]))
        elif not found:
            note("there is no session yet: agentkit chat begins one")
        else:
            rows = [
                (s.id, _when(s.updated_at), s.turn_count, s.setup.index or "-", s.setup.model, s.title) for s in found
            ]
            print_table("", ("session", "last used", "turns", "index", "model", "began with"), rows, sys.stdout)


@app.command("show")
def show_session(context: typer.Context, identifier: _Id, is_json: _Json = False) -> None:
    """Show what was said in a session, with steps and sources."""
    _print_session(context, identifier, Form.JSON if is_json else Form.MARKDOWN)


@app.command("export")
def export_session(
    context: typer.Context,
    identifier: _Id,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.MARKDOWN,
    file: Annotated[
        Path | None, typer.Option("-O", "--output", metavar="FILE", help="Where to; standard output by default.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Write a session as Markdown or JSON."""
    form = Form.JSON if is_json else form
    if file is None:
        _print_session(context, identifier, form)
        return
    with workspace_of(context).sessions() as store:
        session = store.session(identifier)
        text = _text(form, session.id, store)
    file.write_text(text, "utf-8")
    note(f"wrote {file}")


@app.command("remove")
def remove_session(
    context: typer.Context,
    identifier: _Id,
    is_sure: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    is_json: _Json = False,
) -> None:
    """Delete a session. Its text is overwritten in the file."""
    with workspace_of(context).sessions() as store:
        session = store.session(identifier)
        question = f"Delete “{neutralise_line(session.title)}” ({session.turn_count} turns)?"
        require_yes(question, is_sure=is_sure, doing="removing a session")
        store.remove(session.id)
    note(f"removed the session {session.id}")
    if is_json:
        typer.echo(to_json({"removed": session.id}))


@app.command("search")
def search_sessions(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words that were said.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="At most so many.")] = 10,
    is_json: _Json = False,
) -> None:
    """Search all that was said, best first."""
    from agentkit.cli._render import print_table

    with workspace_of(context).sessions() as store:
        found = store.search(query, limit=count)
    if is_json:
        shape = [
            {"session": hit.session.id, "title": hit.session.title, "turn": hit.turn, "excerpt": hit.excerpt}
            for hit in found
        ]
        typer.echo(to_json(shape))
    elif not found:
        note("nothing that was said has these words")
    else:
        rows = [(hit.session.id, _when(hit.session.updated_at), hit.excerpt) for hit in found]
        print_table("", ("session", "last used", "what was said"), rows, sys.stdout)


def _print_session(context: typer.Context, identifier: str, form: Form) -> None:
    with workspace_of(context).sessions() as store:
        text = _text(form, store.session(identifier).id, store)
    typer.echo(text if form is Form.JSON else neutralise(text), nl=not text.endswith("\n"))


def _text(form: Form, identifier: str, store: "SessionStore") -> str:
    from agentkit.agents.session_export import session_markdown, session_record

    session, turns = store.session(identifier), store.turns(identifier)
    return to_json(session_record(session, turns)) if form is Form.JSON else session_markdown(session, turns)


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
