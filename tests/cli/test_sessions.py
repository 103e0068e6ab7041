"""`agentkit sessions`: read, search, export and delete what was said."""

import json
from pathlib import Path

import pytest

from agentkit.agents.session import Attachment, SessionSetup
from agentkit.agents.sessions import SessionStore
from agentkit.results import Answer, Citation, Step
from agentkit.workspace import data_directory
from tests.cli.conftest import Cli

STEP = Step(1, "I count.", "calculator", {"expression": "6 * 7"}, "42")


@pytest.fixture
def session(workspace: Path) -> str:
    with SessionStore(data_directory() / "sessions.sqlite") as store:
        made = store.create(SessionSetup(model="tiny", index="docs", system="Be brief."), title="How many\nwatts?").id
        turn = store.ask(made, "How many\nwatts?", attachments=[Attachment("a.txt", "forty")])
        cited = Citation("lamp.md", 2, 3, 9, "41\nwatts")
        store.answer(
            turn.number, Answer("It draws \x1b[31m41 watts.", citations=(cited,), is_grounded=True, steps=(STEP,))
        )
        store.ask(made, "And the heater?")
    return made


def test_the_list_shows_the_latest_first(cli: Cli, session: str) -> None:
    [line] = cli("sessions", "list").stdout.splitlines()[1:]
    assert line.startswith(session)
    assert line.endswith("How many watts?")
    [shape] = cli.json("sessions", "list")
    assert (shape["id"], shape["turn_count"], shape["index"], shape["model"]) == (session, 2, "docs", "tiny")


def test_an_empty_list_says_how_to_begin(cli: Cli) -> None:
    assert "agentkit chat" in cli("sessions", "list").stderr
    assert cli.json("sessions", "list") == []


def test_show_is_harmless_markdown_with_steps_and_sources(cli: Cli, session: str) -> None:
    shown = cli("sessions", "show", session[:4]).stdout
    assert shown.startswith("# How many watts?\n\n- session: ")
    assert "> How many\n> watts?\n\nFiles: a.txt\n\n" in shown
    assert '- `calculator(expression="6 * 7")` → 42' in shown
    assert "It draws ␛[31m41 watts.\n\n1. lamp.md, page 2: “41 watts”" in shown
    assert shown.endswith("> And the heater?\n\n(interrupted before there was an answer)\n")


def test_show_as_json_has_every_turn(cli: Cli, session: str) -> None:
    shape = cli.json("sessions", "show", session)
    first, second = shape["turns"]
    assert (first["question"], first["answer"]) == ("How many\nwatts?", "It draws \x1b[31m41 watts.")
    assert first["citations"] == [{"path": "lamp.md", "page": 2, "start": 3, "end": 9, "quote": "41\nwatts"}]
    assert first["steps"][0]["arguments"] == {"expression": "6 * 7"}
    assert (second["answer"], second["stop_reason"]) == (None, None)


def test_export_writes_a_file_in_either_form(cli: Cli, session: str, workspace: Path) -> None:
    assert cli("sessions", "export", session, "-O", "chat.md").exit_code == 0
    assert (workspace / "chat.md").read_text().startswith("# How many watts?")
    cli("sessions", "export", session, "--format", "json", "-O", "chat.json")
    assert json.loads((workspace / "chat.json").read_text())["id"] == session
    assert cli("sessions", "export", session).stdout.startswith("# How many watts?")
    assert cli.json("sessions", "export", session)["id"] == session


def test_search_finds_what_was_said(cli: Cli, session: str) -> None:
    assert session in cli("sessions", "search", "heaters").stdout
    [found] = cli.json("sessions", "search", "watt")
    assert found["session"] == session
    assert cli.json("sessions", "search", "walrus") == []
    assert "nothing" in cli("sessions", "search", "walrus").stderr


def test_remove_asks_where_somebody_can_answer(cli: Cli, session: str) -> None:
    assert "--yes" in cli.error("sessions", "remove", session, code=2)
    assert cli.json("sessions", "remove", session, "--yes") == {"removed": session}
    assert cli.json("sessions", "list") == []


def test_an_unknown_session_is_one_line(cli: Cli, session: str) -> None:
    for command in ("show", "export", "remove"):
        assert "no session 'zzz'" in cli.error("sessions", command, "zzz")


def test_a_damaged_file_is_one_line_that_says_what_to_do(cli: Cli, session: str) -> None:
    (data_directory() / "sessions.sqlite").write_bytes(b"not a database at all, but a letter" * 100)
    assert "move the file away" in cli.error("sessions", "list")


def test_an_id_that_is_no_text_is_not_damage(cli: Cli, session: str) -> None:
    assert "there is no session 'Br\ufffdcke'" in cli.error("sessions", "show", "Br\udcfccke")
