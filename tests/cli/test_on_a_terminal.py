"""What a person sees: the command line on a pseudo-terminal."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

RUN_WITH_DOUBLES = """
import sys
from pathlib import Path
from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.embedders import HashingEmbedder
from agentkit.models.scripted import ScriptedModel
from agentkit.settings import Settings
from agentkit.workspace import Workspace

def open_workspace():
    model = ScriptedModel(replies=["The answer is \\x1b[31mforty one\\x1b[0m."])
    return Workspace(Path.cwd(), Settings(), make_embedder=HashingEmbedder, make_chat_model=lambda name: model)

app(sys.argv[1:], prog_name="agentkit", obj=Invocation(open_workspace=open_workspace))
"""


def show(folder: Path, *arguments: str, **environment: str) -> str:
    """Everything that the terminal gets, with the escape sequences in it."""
    ours, theirs = os.openpty()
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI", "VTE_VERSION", "TERM_PROGRAM")}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_WITH_DOUBLES, *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", "COLUMNS": "90", **environment},
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux's word for the end of a pseudo-terminal
            break
        if not piece:
            break
        shown += piece
    process.wait(timeout=60)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_an_answer_is_streamed_and_its_control_characters_are_not_obeyed(workspace: Path) -> None:
    shown = show(workspace, "ask", "what?")
    assert "The answer is ␛[31mforty one␛[0m.\n" in shown
    assert "\x1b[31m" not in shown


def test_sources_are_links_where_the_terminal_makes_links(workspace: Path, docs: Path, cli: Cli) -> None:
    cli.json("index", docs)
    shown = show(workspace, "search", "watts", "-k", "1", VTE_VERSION="7600")
    assert f"{(docs / 'lamp.md').as_uri()}\x1b\\" in shown
    assert "\x1b]8;" not in show(workspace, "search", "watts", "-k", "1")


def test_no_color_is_obeyed(workspace: Path, docs: Path, cli: Cli) -> None:
    cli.json("index", docs)
    assert "\x1b[36m" in show(workspace, "search", "watts")
    assert "\x1b[36m" not in show(workspace, "search", "watts", NO_COLOR="1")


def test_indexing_shows_a_bar_and_then_a_table(workspace: Path, docs: Path) -> None:
    shown = show(workspace, "index", str(docs))
    assert "Indexing" in shown
    assert "2/2" in shown
    assert "Index docs" in shown
    assert shown.rstrip().endswith("┘")


def test_skipped_files_are_a_table_of_names_and_reasons(workspace: Path, docs: Path) -> None:
    (docs / "bad\x1b[2Jname.pdf").write_bytes(b"%PDF-1.7 nothing")
    shown = show(workspace, "index", str(docs))
    assert "Skipped files (1)" in shown
    assert "bad␛[2Jname.pdf" in shown
