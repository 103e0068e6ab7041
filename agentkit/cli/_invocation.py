"""What one run of the command line carries from the front door to the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.exceptions import TyperException

from agentkit.cli._terminal import neutralise_line
from agentkit.errors import AgentkitError, IndexNotFoundError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from agentkit.workspace import Workspace


OFF = "off"
"""What stands for none, in options and in a chat's commands."""


class UsageError(TyperException):
    """A command line that cannot be meant: exit code 2."""

    exit_code = 2


def _open_workspace() -> Workspace:
    from agentkit.workspace import Workspace

    return Workspace.open()


@dataclass(slots=True)
class Invocation:
    """The workspace's opener, which tests replace to bring their own models, and the options before the command."""

    open_workspace: Callable[[], Workspace] = _open_workspace
    is_debug: bool = False


def workspace_of(context: typer.Context) -> Workspace:
    """The workspace that the command works in, opened now."""
    invocation: Invocation = context.find_root().obj
    return invocation.open_workspace()


def path_argument(text: str) -> Path:
    """A path as it was given; one that is empty, as a variable that is not set, would be the current folder.

    Raises:
        UsageError: it is empty.
    """
    if not text:
        raise UsageError("an empty path: give one, or . for this folder")
    return Path(text)


def check_folder_of(output: Path) -> None:
    """Do nothing where a file can be written there: before what takes long.

    Raises:
        UsageError: its folder is not there, or cannot be written.
    """
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent}: make it, or give another one")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"{output.parent} cannot be written: give another folder")


def choose_index(workspace: Workspace, name: str | None) -> str:
    """The index that is meant: `name`, or the only one there is.

    Raises:
        IndexNotFoundError: there is none, or none of that name.
        UsageError: there are several and none was named.
    """
    if name is not None:
        return workspace.indexes.require(name).name
    names = workspace.indexes.names()
    if not names:
        raise IndexNotFoundError("there is no index yet: make one with: agentkit index PATH")
    if len(names) > 1:
        raise UsageError(f"there are {len(names)} indexes: choose one with -i: {', '.join(names)}")
    return names[0]


def check_allowed(allowed: Iterable[str], tools: Iterable[BaseTool]) -> None:
    """Do nothing where each name that `--yes` gives is one of the tools.

    Raises:
        UsageError: one is not.
    """
    known = [tool.name for tool in tools]
    for name in allowed:
        if name not in known:
            raise UsageError(f"--yes {name}: there is no such tool; the tools are {', '.join(known)}")


def complete_index(incomplete: str) -> Iterable[str]:
    """Names of indexes for the shell's completion, which must not fail."""
    try:
        names = _open_workspace().indexes.names()
    except (AgentkitError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def note(message: str) -> None:
    """Tell the person something that is not the answer: one line on stderr."""
    print(f"agentkit: {neutralise_line(message)}", file=sys.stderr, flush=True)
