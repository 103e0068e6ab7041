"""Where every command is entered and every error ends: one line on stderr and an exit code.

It is the `main` of the Typer group, so that the installed command, `python -m agentkit` and the tests' runner all go
through it.
"""

import errno
import io
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from agentkit.cli._invocation import Invocation
from agentkit.cli._terminal import neutralise, neutralise_line
from agentkit.directories import DATA_VARIABLE, data_directory
from agentkit.errors import AgentkitError, SettingsError

FAILED = 1
INTERRUPTED = 130


class FrontDoor(TyperGroup):
    """The group of all commands."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,  # Any: Typer's own keyword arguments for the context
    ) -> NoReturn:
        """Run a command line and leave the process with its exit code."""
        _replace_closed_streams()
        _accept_any_text(sys.stdout, sys.stderr)
        invocation: Invocation = extra.setdefault("obj", Invocation())
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except Exception as error:  # noqa: BLE001 the one broad catch of the command line: all that is left ends as one line
            code = _report(error, invocation)
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code == INTERRUPTED:
            # A second Ctrl-C while threads and models shut down ends the process at once, without a traceback.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            _say("agentkit: interrupted")
        sys.exit(code if isinstance(code, int) else 0)


def set_up_logging(*, is_debug: bool) -> None:
    """Keep the libraries' warnings off the terminal, or show everything of agentkit's with `--debug`."""
    if not is_debug:
        warnings.simplefilter("ignore")
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_NeutralFormatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("agentkit")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


class _NeutralFormatter(logging.Formatter):
    """Log lines hold document text and prompts, which must not reach the terminal as they are."""

    def format(self, record: logging.LogRecord) -> str:
        return neutralise(super().format(record))


def _report(error: Exception, invocation: Invocation) -> int:
    """Say what went wrong; gives the exit code."""
    if isinstance(error, BrokenPipeError):  # the reader of a pipe, such as `head`, has gone: nothing left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if invocation.is_debug:
        _say("".join(traceback.format_exception(error)).rstrip())
    _say(f"agentkit: error: {neutralise_line(message_of(error))}")
    return error.exit_code if isinstance(error, TyperException) else FAILED


def message_of(error: Exception) -> str:
    """What happened and what to do next, on one line."""
    return " ".join(f"{_message(error)}{_advice_on_place(error)}".split())


def _message(error: Exception) -> str:
    if isinstance(error, TyperException):
        return _usage_message(error)
    if isinstance(error, AgentkitError):
        return str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "not enough memory: close other programs, or choose a smaller model (agentkit models list)"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        place = f" for {error.filename}" if error.filename else ""
        return f"no space left on the disk{place}: free some and run the command again"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return (
        f"unexpected {type(error).__name__}: {error}. This is a defect of agentkit: "
        "run the command again as `agentkit --debug …` and report what it prints"
    )


def _advice_on_place(error: Exception) -> str:
    """What to do where the folder of agentkit's own files cannot be written; else empty."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if not isinstance(cause, OSError) or not isinstance(cause.filename, str):
        return ""
    try:
        directory = data_directory()
    except SettingsError:
        return ""
    place = Path(cause.filename)
    is_ours = place.is_relative_to(directory) or directory.is_relative_to(place)  # above it: to be made first
    if not is_ours or os.access(directory, os.W_OK):
        return ""
    return f": set {DATA_VARIABLE} to a folder that can be written"


def _usage_message(error: TyperException) -> str:
    """Typer's message, and where the command's help is."""
    message = error.format_message().rstrip(".")
    context: typer.Context | None = getattr(error, "ctx", None)
    return f"{message} (see: {context.command_path} --help)" if context else message


def _say(line: str) -> None:
    with suppress(OSError):  # stderr is closed or full: there is nowhere left to say it
        print(neutralise(line), file=sys.stderr, flush=True)


def _replace_closed_streams() -> None:
    """What was started with `>&-` has no such stream at all."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # until the process ends


def _accept_any_text(*streams: object) -> None:
    """Let no character end the program on a terminal that is not UTF-8."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
