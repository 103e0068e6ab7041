"""A chat that is killed at any moment is resumed with every turn and step that its terminal had shown."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from agentkit.models.messages import text_of
from tests.cli.chat_killing import TURNS
from tests.cli.conftest import Cli

MOMENTS = 30
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")


def _replies() -> Iterable[object]:
    for n in range(1, TURNS + 1):
        call = {"name": "calculator", "args": {"expression": f"{n} * 111"}, "id": "1"}
        yield {"content": "I count.", "tool_calls": [call]}
        yield f"Answer {n} takes *several* words, and the last of them is end{n}"


def test_a_killed_chat_resumes_with_all_that_had_been_shown(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = tmp_path / "chats"
    chats.mkdir()
    (chats / "replies.json").write_text(json.dumps(list(_replies())))
    environment = {**os.environ, "TERM": "xterm-256color", "CHAT_PAUSE_S": "0.004"}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }  # this terminal does not tell where its cursor is
    command = [sys.executable, "-m", "tests.cli.chat_killing", str(chats), str(MOMENTS)]
    subprocess.run(command, env=environment, check=True, timeout=280, cwd=ROOT)
    resumed: list[int] = []
    for folder in sorted(chats.glob("*/")):
        shown = (folder / "shown").read_text(errors="replace")
        monkeypatch.setenv("AGENTKIT_DATA_DIR", str(folder))
        monkeypatch.chdir(folder)
        cli.replies = ["Resumed."]
        result = cli("chat", "-c", "-i", "off", piped="And?\n")
        assert result.stdout == "Resumed.\n", result.stderr
        told = [text_of(message) for message in cli.models[-1].calls[0]]
        kept = {turn["question"]: turn for turn in cli.json("sessions", "show", _session(cli))["turns"]}
        done = [n for n in range(1, TURNS + 1) if f"end{n}" in shown]
        resumed.append(len(done))
        for n in done:
            assert kept[f"question{n}"]["answer"].endswith(f"end{n}")
            assert any(text.endswith(f"end{n}") for text in told)
        for n in range(1, TURNS + 1):
            if f"→ {n * 111}" in shown:
                assert kept[f"question{n}"]["steps"][0]["observation"] == str(n * 111)
    assert len(resumed) == MOMENTS + 1
    assert set(resumed) == set(range(TURNS + 1)), "the moments must be spread over the whole chat"


def _session(cli: Cli) -> str:
    [session] = cli.json("sessions", "list")
    return str(session["id"])
