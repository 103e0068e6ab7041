"""Where a copied text goes."""

import io
import sys

import pytest

from agentkit.cli._clipboard import copy


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_terminal_is_asked_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, screen = io.StringIO(), _Screen()
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setattr(sys, "stderr", screen)
    assert "OSC 52" in copy("text", environment={})
    assert (pipe.getvalue(), screen.getvalue()) == ("", "\x1b]52;c;dGV4dA==\x07")
