"""`agentkit tools`."""

import sys
from pathlib import Path

import pytest

from agentkit.cli.tools import _is_agreed
from agentkit.tools.discovery import DropIn
from agentkit.tools.trust import TrustState
from tests.cli.conftest import Cli

_GREET = '''\
from agentkit.tools import tool

open("ran", "w").close()

@tool(effects=True, timeout_s=3)
def greet(name: str, times: int = 1) -> str:
    """Greet somebody. Politely.

    Args:
        name: Whom.
        times: How often.
    """
    return f"hello {name}" * times
'''


@pytest.fixture
def greet(workspace: Path) -> Path:
    """A drop-in that leaves a file called `ran` behind when it runs."""
    file = workspace / "tools" / "greet.py"
    file.write_text(_GREET, "utf-8")
    return file


def test_without_drop_ins_the_built_in_tools_are_listed(cli: Cli) -> None:
    (tool,) = cli.json("tools", "list")
    assert tool["name"] == "calculator"
    assert tool["source"] == "agentkit"
    assert {"effects": False, "network": False, "parallel": True}.items() <= tool.items()
    heading, row = cli("tools", "list").stdout.splitlines()
    assert heading.split() == ["tool", "flags", "from", "what", "it", "does"]
    assert row.split()[:3] == ["calculator", "-", "agentkit"]


def test_a_tool_that_the_settings_turn_on_is_listed(cli: Cli, workspace: Path) -> None:
    settings = '[tools]\nsearch = "http://localhost:8888"\nwikipedia = "en"\n'
    (workspace / "agentkit.toml").write_text(settings, "utf-8")
    tools = cli.json("tools", "list")
    assert [tool["name"] for tool in tools] == ["calculator", "search", "wikipedia"]
    assert [tool["network"] for tool in tools] == [False, True, True]


def test_a_drop_in_is_noted_and_not_run_until_it_is_trusted(cli: Cli, workspace: Path, greet: Path) -> None:
    result = cli("tools", "list")
    assert "greet.py is not trusted" in result.stderr
    assert "greet" not in result.stdout
    assert not (workspace / "ran").exists()
    assert cli.json("tools", "trust", "--yes")[0]["state"] == "trusted"
    assert not (workspace / "ran").exists()
    assert [tool["name"] for tool in cli.json("tools", "list")] == ["calculator", "greet"]
    assert (workspace / "ran").exists()
    greet.write_text(_GREET + "# changed\n", "utf-8")
    assert "has changed" in cli("tools", "list").stderr
    assert [tool["name"] for tool in cli.json("tools", "list")] == ["calculator"]


def test_trust_asks_where_somebody_can_answer_and_refuses_where_nobody_can(cli: Cli, greet: Path) -> None:
    assert "--yes" in cli.error("tools", "trust", code=2)
    assert cli.json("tools", "list")[-1]["name"] == "calculator"


def test_a_file_that_changed_since_it_was_found_is_not_asked_about(
    greet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _is_agreed(DropIn(greet, "of something else", TrustState.NEW))
    assert "greet.py has changed just now: try again" in capsys.readouterr().err


def test_only_the_files_that_are_named_are_trusted(cli: Cli, workspace: Path, greet: Path) -> None:
    (workspace / "tools" / "other.py").write_text("", "utf-8")
    states = {Path(each["path"]).name: each["state"] for each in cli.json("tools", "trust", "tools/greet.py", "--yes")}
    assert states == {"greet.py": "trusted", "other.py": "new"}
    assert "is not a Python file of" in cli.error("tools", "trust", "elsewhere.py", "--yes", code=2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that root cannot read either")
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_trusted(cli: Cli, workspace: Path, greet: Path) -> None:
    unreadable = workspace / "tools" / "broken.py"
    unreadable.symlink_to("/proc/self/mem")
    said = f"{unreadable} cannot be read: Input/output error"
    assert said in cli.error("tools", "trust", "--yes")
    assert [tool["name"] for tool in cli.json("tools", "list")] == ["calculator", "greet"]
    assert said in cli.error("tools", "trust", "tools/broken.py", "--yes")
    assert "nothing to trust" in cli("tools", "trust", "tools/greet.py").stderr


def test_trusting_again_says_that_there_is_nothing_to_trust(cli: Cli, greet: Path) -> None:
    cli.json("tools", "trust", "--yes")
    assert "nothing to trust" in cli("tools", "trust").stderr


def test_show_tells_what_a_tool_takes_and_how_it_is_run(cli: Cli, greet: Path) -> None:
    cli.json("tools", "trust", "--yes")
    shape = cli.json("tools", "show", "greet")
    assert shape["parameters"]["required"] == ["name"]
    assert (shape["effects"], shape["timeout_s"], shape["source"]) == (True, 3, str(greet))
    plain = cli("tools", "show", "greet").stdout
    for text in ("Greet somebody.", "string: Whom.", "integer, optional: How often. (by default 1)", "is asked about"):
        assert text in plain


def test_show_names_each_type_that_an_argument_may_have(cli: Cli, greet: Path) -> None:
    hints = "name: Literal['Ada', 'Bob'] | None = None, times: int | list[str] = 1"
    text = _GREET.replace("name: str, times: int = 1", hints).replace(
        "\n\nopen", "\nfrom typing import Literal\n\nopen"
    )
    greet.write_text(text, "utf-8")
    cli.json("tools", "trust", "--yes")
    plain = cli("tools", "show", "greet").stdout
    assert "Ada | Bob | null, optional: Whom." in plain
    assert "integer | array, optional: How often." in plain


def test_an_unknown_tool_gets_the_nearest(cli: Cli) -> None:
    assert "did you mean 'calculator'?" in cli.error("tools", "show", "calculater")


def test_a_broken_drop_in_is_noted_and_the_rest_are_listed(cli: Cli, workspace: Path, greet: Path) -> None:
    (workspace / "tools" / "broken.py").write_text("def broken(:\n", "utf-8")
    cli.json("tools", "trust", "--yes")
    result = cli("tools", "list")
    assert "broken.py, line 1: invalid syntax" in result.stderr
    assert "greet" in result.stdout


def test_undescribed_tools_and_taken_names_are_one_error(cli: Cli, workspace: Path, greet: Path) -> None:
    code = "from agentkit.tools import tool\n@tool\ndef calculator(x) -> str:\n    return ''\n"
    (workspace / "tools" / "mine.py").write_text(code, "utf-8")
    (workspace / "tools" / "second.py").write_text(_GREET, "utf-8")
    cli.json("tools", "trust", "--yes")
    message = cli.error("tools", "list")
    for part in (
        "and agentkit both have a tool 'calculator'", "has no description", "its parameter x has no type hint",
        f"second.py and {greet} both have a tool 'greet'",
    ):  # fmt: skip
        assert part in message


def test_without_a_workspace_there_is_nothing_to_trust(
    cli: Cli, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ".git").mkdir()
    monkeypatch.chdir(elsewhere)
    assert "agentkit init" in cli.error("tools", "trust", "--yes", code=2)
    assert [tool["name"] for tool in cli.json("tools", "list")] == ["calculator"]


def test_ask_and_search_never_run_a_drop_in(cli: Cli, workspace: Path, docs: Path, greet: Path) -> None:
    cli.json("tools", "trust", "--yes")
    cli.json("index", docs)
    cli.json("search", "whale")
    cli("ask", "What is the whale called?")
    assert not (workspace / "ran").exists()


def test_a_search_that_cannot_be_made_names_the_command_that_mends_it(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "agentkit.toml").write_text('[tools]\nwikipedia = "missing.zim"\n', "utf-8")
    assert f"there is no ZIM file {workspace / 'missing.zim'}" in cli.error("tools", "list")
