"""A question to the person who sits here, which only a yes says yes to."""

import select
import signal
import sys

import typer

from agentkit.cli._invocation import UsageError
from agentkit.cli._terminal import is_terminal
from agentkit.errors import AgentkitError

_POLL_S = 0.1


class NotConfirmedError(AgentkitError):
    """The person did not say yes."""


def require_yes(question: str, *, is_sure: bool, doing: str) -> None:
    """Go on where the person says yes to `question`, or has said it already: `is_sure`.

    Raises:
        NotConfirmedError: another answer, or none.
        UsageError: nobody can be asked.
    """
    if is_sure:
        return
    if not is_terminal(sys.stdin):
        raise UsageError(f"{doing} asks first: give --yes where nobody can answer")
    if not confirmed(question):
        raise NotConfirmedError("nothing was done: the answer was not yes")


def confirmed(question: str) -> bool:
    """The answer; no where there is none (Ctrl-D). Ctrl-C is passed on to who handled it before."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # another would leave the question waiting
    try:
        typer.echo(f"{question} [y/N]: ", nl=False, err=True)
        _wait_for_a_line()
        line = sys.stdin.readline()
        if not line:
            typer.echo(err=True)
        return line.strip().lower() in {"y", "yes"}
    except KeyboardInterrupt:
        typer.echo(err=True)
        if callable(handler):
            handler(signal.SIGINT, None)
        return False
    finally:
        signal.signal(signal.SIGINT, handler)


def forget_what_was_typed() -> None:
    """Nobody can have meant what was not shown yet."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _wait_for_a_line() -> None:
    """In short waits, since a read that begins in the moment of a Ctrl-C is not ended by it."""
    if sys.platform != "win32":
        while not select.select([sys.stdin], [], [], _POLL_S)[0]:
            pass
