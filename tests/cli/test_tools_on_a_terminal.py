"""`agentkit tools trust` where a person sits."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_run_on_a_terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

_PROGRAM = "import runpy; runpy.run_module('agentkit', run_name='__main__')"


@pytest.fixture
def trusting(workspace: Path) -> Iterator[Terminal]:
    """The question about two files, to which something was typed before they were shown."""
    for name in ("a", "b"):
        (workspace / "tools" / f"{name}.py").write_text(f"this = '{name}'\nhidden\u3164 = 'a\u200b\u202e'\n", "utf-8")
    terminal = Terminal(workspace, "tools", "trust", program=_PROGRAM)
    terminal.type("y\ny\n")
    yield terminal
    terminal.close()


def test_what_was_typed_before_a_file_is_shown_is_no_answer(trusting: Terminal) -> None:
    trusting.wait_for("Run a.py on this machine from now on? [y/N]")
    trusting.type("n\n")
    trusting.wait_for("Run b.py on this machine from now on? [y/N]")
    trusting.type("y\n")
    assert trusting.end() == 0
    assert "a.py is trusted" not in trusting.shown
    assert "b.py is trusted" in trusting.shown


def test_what_hides_in_a_file_is_shown(trusting: Terminal) -> None:
    trusting.wait_for("Run a.py on this machine from now on? [y/N]")
    assert r"hidden\u3164 = 'a\u200b\u202e'" in trusting.shown


def test_ctrl_c_at_the_question_ends_with_130_and_trusts_nothing(trusting: Terminal) -> None:
    trusting.wait_for("Run a.py on this machine from now on? [y/N]")
    trusting.process.send_signal(signal.SIGINT)
    assert trusting.end() == 130
    assert "is trusted" not in trusting.shown
