"""What is asked before something is deleted, where a person sits."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_run_on_a_terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

_PROGRAM = "import runpy; runpy.run_module('agentkit', run_name='__main__')"


@pytest.fixture
def removing(workspace: Path, docs: Path, cli: Cli) -> Iterator[Terminal]:
    """The question whether an index is to be deleted."""
    cli.json("index", docs)
    terminal = Terminal(workspace, "indexes", "remove", "docs", program=_PROGRAM)
    terminal.wait_for("Delete the index docs? The documents stay. [y/N]: ")
    yield terminal
    terminal.close()


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x04"])
def test_what_is_no_yes_leaves_everything_as_it_is(removing: Terminal, cli: Cli, keys: str) -> None:
    removing.type(keys)
    assert removing.end() == 1
    assert removing.shown.splitlines()[-1] == "agentkit: error: nothing was done: the answer was not yes"
    assert [index["name"] for index in cli.json("indexes", "list")] == ["docs"]


def test_ctrl_c_ends_with_130(removing: Terminal, cli: Cli) -> None:
    removing.process.send_signal(signal.SIGINT)
    assert removing.end() == 130
    assert removing.shown.splitlines()[-1] == "agentkit: interrupted"
    assert [index["name"] for index in cli.json("indexes", "list")] == ["docs"]


def test_yes_deletes(removing: Terminal, cli: Cli) -> None:
    removing.type("y\n")
    assert removing.end() == 0
    assert cli.json("indexes", "list") == []
