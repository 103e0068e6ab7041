"""`agentkit run` where a person sits: what is asked, and Ctrl-C."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

_PROGRAM = '''
import sys, time
from pathlib import Path
from langchain_core.messages import AIMessage
from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.models.scripted import ScriptedModel
from agentkit.settings import Settings
from agentkit.tools import ToolRegistry, tool
from agentkit.tools.collection import ToolCollection
from agentkit.workspace import Workspace

@tool(effects=True)
def send(text: str) -> str:
    """Send a message.

    Args:
        text: What.
    """
    Path("sent").write_text(text)
    return "sent"

@tool
def hang() -> str:
    """Wait."""
    time.sleep(60)
    return "late"

class WithTools(Workspace):
    def tools(self, *, trusts_all=False):
        return ToolCollection(ToolRegistry([send, hang]))

CALLS = {
    "send": {"name": "send", "args": {"text": "pay \\u202e100\\x1b[2K\\u200b now\\u3164\\U000e0141"}, "id": "1"},
    "hang": {"name": "hang", "args": {}, "id": "1"},
}

def open_workspace():
    call = CALLS[sys.argv[2]]
    model = ScriptedModel(replies=[AIMessage("I try.", tool_calls=[call]), "It is done."])
    return WithTools(Path.cwd(), Settings(), make_chat_model=lambda name: model)

app(sys.argv[1:], prog_name="agentkit", obj=Invocation(open_workspace=open_workspace))
'''


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, folder: Path, *arguments: str, program: str = _PROGRAM) -> None:
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "90", "NO_COLOR": "1"},
        )
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._read(1)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        while self._read(60):
            pass
        return self.process.wait(timeout=60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._ours, 4096)
        except OSError:  # Linux's word for the end of a pseudo-terminal
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, "run", "send")
    yield terminal
    terminal.close()


def test_what_was_typed_before_the_question_is_no_answer_to_it(sending: Terminal, tmp_path: Path) -> None:
    sending.type("y\ny\n")
    sending.wait_for("Run it? [y/N]")
    time.sleep(1)
    assert not (tmp_path / "sent").exists()
    sending.type("n\n")
    assert sending.end() == 0
    assert not (tmp_path / "sent").exists()


def test_the_exact_call_is_shown_with_what_hides_in_it_and_waits(sending: Terminal, tmp_path: Path) -> None:
    sending.wait_for("Run it? [y/N]")
    assert r'"text": "pay \u202e100\u001b[2K\u200b now\u3164\udb40\udd41"' in sending.shown
    assert not (tmp_path / "sent").exists()
    sending.type("y\n")
    assert sending.end() == 0
    assert (tmp_path / "sent").exists()
    assert "It is done." in sending.shown


def test_no_is_no(sending: Terminal, tmp_path: Path) -> None:
    sending.wait_for("Run it? [y/N]")
    sending.type("\n")
    assert sending.end() == 0
    assert not (tmp_path / "sent").exists()
    assert "send was not run" in sending.shown


def test_ctrl_c_at_the_question_refuses_and_ends(sending: Terminal, tmp_path: Path) -> None:
    sending.wait_for("Run it? [y/N]")
    sending.process.send_signal(signal.SIGINT)
    assert sending.end() == 130
    assert not (tmp_path / "sent").exists()


def test_ctrl_c_while_the_question_is_written_shows_what_there_is(tmp_path: Path) -> None:
    interrupting = """
import os, signal, typer
write = typer.echo
def echo(message="", **options):
    write(message, **options)
    if str(message).startswith("Run it?"):
        os.kill(os.getpid(), signal.SIGINT)
typer.echo = echo
"""
    terminal = Terminal(tmp_path, "run", "send", program=interrupting + _PROGRAM)
    try:
        assert terminal.end() == 130
        assert "I try." in terminal.shown
        assert not (tmp_path / "sent").exists()
    finally:
        terminal.close()


def test_ctrl_c_shows_what_there_is_and_ends_with_130(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "run", "hang")
    try:
        terminal.wait_for("hang…")
        started = time.monotonic()
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
        assert time.monotonic() - started < 30
        assert "I try." in terminal.shown
        assert "agentkit: interrupted" in terminal.shown
        assert "Traceback" not in terminal.shown
    finally:
        terminal.close()
