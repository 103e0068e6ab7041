"""`agentkit chat`: a conversation, with an index, with tools, or with the model alone."""

import os
import sys
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli._approval import AllowedTools, Approval, TrustsTools
from agentkit.cli._invocation import OFF, UsageError, check_allowed, choose_index, complete_index, note, workspace_of
from agentkit.cli._terminal import as_text, is_terminal
from agentkit.errors import ToolSetupError

if TYPE_CHECKING:
    from pathlib import Path

    from agentkit.agents.session import Session, SessionSetup
    from agentkit.chat import Chat
    from agentkit.workspace import Workspace


def chat(
    context: typer.Context,
    index: Annotated[
        str | None,
        typer.Option(
            "-i", "--index", help="The index; the only one by default, off for none.", autocompletion=complete_index
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="A model's name, hf:OWNER/REPO:FILE, a GGUF file, or provider:name."),
    ] = None,
    system: Annotated[
        str | None, typer.Option("-s", "--system", help="Instructions for the model.", callback=as_text)
    ] = None,
    tools: Annotated[
        list[str] | None, typer.Option("-T", "--tool", metavar="TOOL", help="A tool that the model may call.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option("--strategy", metavar="NAME", help="How to reason: see agentkit ask --help.")
    ] = None,
    allowed: AllowedTools = None,
    trusts_all: TrustsTools = False,
    is_continued: Annotated[
        bool, typer.Option("-c", "--continue", help="Go on with the latest session of this workspace.")
    ] = False,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Go on with this session (agentkit sessions list).")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a turn, each on one line.")] = False,
) -> None:
    """Talk with a model about your documents, with tools, or with the model alone.

    Piped text is a question a line: echo "Who built the mill?" | agentkit chat
    """
    workspace = workspace_of(context)
    known = _session(workspace, session, is_continued=is_continued)
    if allowed:
        check_allowed(allowed, workspace.tools(trusts_all=trusts_all).registry)
    setup = _setup(workspace, known, index)
    if model is not None:
        setup = replace(setup, model=model)
    if system is not None:
        setup = replace(setup, system=system)
    if tools is not None:
        setup = replace(setup, tools=tuple(tools))
    elif setup.tools:
        setup = replace(setup, tools=_tools_still_here(workspace, setup.tools, trusts_all=trusts_all))
    if strategy is not None:
        workspace.strategy(strategy, {})
        setup = replace(setup, strategy=strategy)

    from agentkit.chat import Chat

    _talk(Chat(workspace, setup, session=known, trusts_tools=trusts_all), workspace, allowed or (), is_json=is_json)


def _session(workspace: "Workspace", identifier: str | None, *, is_continued: bool) -> "Session | None":
    if identifier is not None and is_continued:
        raise UsageError("--continue and --session exclude each other")
    with workspace.sessions() as store:
        if identifier is not None:
            return store.session(identifier)
        if not is_continued:
            return None
        latest = store.sessions(workspace=str(workspace.root or ""))
    if not latest:
        note("there is no session to continue here, so a new one begins")
    return latest[0] if latest else None


def _setup(workspace: "Workspace", known: "Session | None", index: str | None) -> "SessionSetup":
    from agentkit.agents.session import SessionSetup

    if known and index is None:
        if known.setup.index and known.setup.index not in workspace.indexes.names():
            note(f"the session's index {known.setup.index} is not here, so the model answers without sources")
            return replace(known.setup, index="")
        return known.setup
    setup = known.setup if known else SessionSetup(model=workspace.settings.models.chat)
    if index == OFF:
        return replace(setup, index="")
    if index is None and not workspace.indexes.names():
        note("there is no index, so the model answers without sources (make one: agentkit index PATH)")
        return setup
    return replace(setup, index=choose_index(workspace, index))


def _tools_still_here(workspace: "Workspace", names: tuple[str, ...], *, trusts_all: bool) -> tuple[str, ...]:
    """Those of a session that there still are: as with its index, the session goes on without the others."""
    try:
        found = workspace.tools(trusts_all=trusts_all)
    except ToolSetupError:  # told where they are loaded, which on a terminal leaves the chat open
        return names
    gone = [name for name in names if name not in found.registry]
    reasons = f" ({'; '.join(found.problems)})" if found.problems else ""
    for name in gone:
        note(f"the session's tool {name} is not here, so the model answers without it{reasons}")
    return tuple(name for name in names if name not in gone)


def _talk(talk: "Chat", workspace: "Workspace", allowed: Collection[str], *, is_json: bool) -> None:
    from agentkit.cli._chat_loop import chat_on_pipe, chat_on_terminal, greet
    from agentkit.cli._chat_screen import PipedScreen, TerminalScreen

    def find(path: str) -> "Path | None":
        return workspace.indexes.source_file(talk.setup.index, path) if talk.setup.index else None

    talk.approve = Approval(allowed)
    try:
        if not is_terminal(sys.stdin):
            chat_on_pipe(talk, workspace, PipedScreen(talk, find, is_json=is_json))
        elif is_json or not is_terminal(sys.stdout):
            chat_on_terminal(talk, workspace, PipedScreen(talk, find, is_json=is_json), sys.stderr)
        else:
            screen = TerminalScreen(talk, find)
            talk.approve = screen.asking(talk.approve)
            greet(talk, screen)
            chat_on_terminal(talk, workspace, screen, sys.stdout)
    except BaseException:
        talk.close()
        raise
    _leave(talk)


def _leave(talk: "Chat") -> None:
    """End now, also while a model is being loaded, which nothing can interrupt; all that was said is on the disk."""
    is_loading = talk.is_loading
    talk.close()
    if is_loading:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
