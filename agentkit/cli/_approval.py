"""A person's word on each call of a tool with effects.

The call is shown exactly: every argument in full, as JSON, with each character that would not be seen as its escape.
What was typed before it is shown is no answer. Where nobody can be asked, only the tools that `--yes` names run.
"""

import json
import re
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._invocation import note
from agentkit.cli._question import confirmed, forget_what_was_typed
from agentkit.cli._terminal import is_terminal, neutralise_line

if TYPE_CHECKING:
    from agentkit.agents import PendingCall

AllowedTools = Annotated[
    list[str] | None,
    typer.Option("--yes", help="Run this tool with effects without asking. Repeatable.", metavar="TOOL"),
]
TrustsTools = Annotated[bool, typer.Option("--trust-tools", help="Run every file of tools/ this time, without asking.")]


_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that nothing is drawn for: Unicode's Default_Ignorable_Code_Point, and Braille without dots."""


class Approval:
    """Decides about calls; an agent's `approve`."""

    def __init__(self, allowed: Collection[str] = (), *, pause: Callable[[], None] = lambda: None) -> None:
        """`allowed`: tools that run unasked. `pause`: called before something is asked, to clear the line."""
        self._allowed = frozenset(allowed)
        self._pause = pause

    def __call__(self, call: "PendingCall") -> bool:
        """True where the call may run. Ctrl-C at the question refuses it and stops the agent."""
        if call.tool in self._allowed:
            return True
        self._pause()
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            note(f"{call.tool} was not run: nobody can be asked here; --yes {call.tool} allows it")
            return False
        forget_what_was_typed()
        typer.echo(f"{neutralise_line(call.tool)} has effects. The call is:\n{exact(call.arguments)}", err=True)
        return confirmed("Run it?")


def exact(arguments: dict[str, Any]) -> str:  # Any: what a model wrote
    """JSON in which nothing hides."""
    return revealed(json.dumps(arguments, ensure_ascii=False, indent=2, default=str))


def revealed(text: str) -> str:
    r"""`text` with control, bidirectional and invisible characters as `\uXXXX` escapes; line ends stay."""
    return "".join(char if char == "\n" or _is_seen(char) else json.dumps(char)[1:-1] for char in text)


def _is_seen(char: str) -> bool:
    return char.isprintable() and not _BLANK.match(char)
