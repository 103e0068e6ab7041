"""`agentkit init`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_the_current_folder_becomes_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    monkeypatch.chdir(folder)
    result = cli("init")
    assert result.exit_code == 0
    assert result.stdout == f"Made a workspace in {folder}\n"
    assert "agentkit index" in result.stderr
    assert (folder / "agentkit.toml").is_file()


def test_json_names_the_workspace(tmp_path: Path, cli: Cli) -> None:
    assert cli.json("init", tmp_path / "fresh") == {"workspace": str(tmp_path / "fresh")}


def test_a_folder_that_does_not_exist_is_made(tmp_path: Path, cli: Cli) -> None:
    assert cli("init", tmp_path / "a" / "b").exit_code == 0
    assert (tmp_path / "a" / "b" / "agentkit.toml").is_file()


def test_a_workspace_is_not_made_twice(cli: Cli) -> None:
    assert "is a workspace already" in cli.error("init")


def test_a_file_in_the_way_is_one_line(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").touch()
    assert "cannot make a workspace" in cli.error("init", tmp_path / "file")
