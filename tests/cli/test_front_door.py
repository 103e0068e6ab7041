"""How the command line begins and ends: help, errors, exit codes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agentkit.cli._front_door import FrontDoor
from agentkit.errors import AgentkitError
from tests.cli.conftest import Cli

HEAVY = (
    "torch",
    "sentence_transformers",
    "transformers",
    "chromadb",
    "llama_cpp",
    "langchain_core",
    "pydantic_settings",
)
ROOT = Path(__file__).parents[2]


def run(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "agentkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=env)


def failing(error: BaseException) -> typer.Typer:
    """A command line whose command raises `error`."""
    app = typer.Typer(cls=FrontDoor)

    @app.callback()
    def options() -> None: ...

    @app.command()
    def fail() -> None:
        raise error

    return app


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for name in ("init", "index", "search", "ask", "indexes", "models", "doctor"):
        assert f"│ {name} " in result.stdout


def test_no_arguments_give_the_help() -> None:
    assert run().stdout == run("--help").stdout


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("--version",)])
def test_help_is_quick_since_it_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = f"import sys\nfrom agentkit.cli.app import app\ntry: app({list(arguments)!r}, prog_name='agentkit')\n"
    code += f"except SystemExit: print('loaded', [name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] == "loaded []"


def test_the_file_at_the_root_starts_it_too() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Usage: agentkit" in result.stdout
    assert len((ROOT / "cli.py").read_text().splitlines()) <= 10


def test_the_shell_completes_commands_and_the_names_of_indexes(cli: Cli, docs: Path, workspace: Path) -> None:
    cli.json("index", docs, "--name", "manuals")
    for words, expected in (("agentkit ind", "index"), ("agentkit search x -i man", "manuals")):
        wanted = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_AGENTKIT_COMPLETE": "complete_bash"}
        assert expected in run(env={**os.environ, **wanted}, cwd=workspace).stdout.splitlines()


def test_the_version_is_one_line() -> None:
    assert run("--version").stdout.startswith("agentkit ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nonsense",), "No such command 'nonsense' (see: agentkit --help)"),
        (("serch", "x"), "search"),
        (("ask", "--nonsense"), "No such option: --nonsense"),
        (("search", "x", "-k", "0"), "-k"),
        (("index",), "Missing argument 'PATH...' (see: agentkit index --help)"),
        (("indexes",), "Missing command (see: agentkit indexes --help)"),
        (("search", ""), "the query is empty"),
        (("index", ""), "an empty path: give one, or . for this folder"),
        (("index", "docs", ""), "an empty path: give one"),
        (("init", ""), "an empty path: give one, or . for this folder"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(cli: Cli, arguments: tuple[str, ...], expected: str) -> None:
    assert expected in cli.error(*arguments, code=2)


def test_an_error_of_ours_is_its_message() -> None:
    result = CliRunner().invoke(failing(AgentkitError("the disk\nis \x1b[2Jfull")), ["fail"])
    assert (result.exit_code, result.stderr) == (1, "agentkit: error: the disk is ␛[2Jfull\n")


def test_an_error_that_nobody_expected_says_how_to_report_it() -> None:
    result = CliRunner().invoke(failing(KeyError("boom")), ["fail"])
    assert result.exit_code == 1
    assert "unexpected KeyError: 'boom'" in result.stderr
    assert "agentkit --debug" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_error_of_the_system_names_the_file() -> None:
    result = CliRunner().invoke(failing(PermissionError(13, "Permission denied", "/etc/shadow")), ["fail"])
    assert (result.exit_code, result.stderr) == (1, "agentkit: error: Permission denied: /etc/shadow\n")


def test_a_data_folder_that_cannot_be_written_is_named_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(tmp_path / "gone" / "data"))
    advice = ": set AGENTKIT_DATA_DIR to a folder that can be written"
    for place in (tmp_path / "gone", tmp_path / "gone" / "data" / "sessions.sqlite"):
        denied = PermissionError(13, "Permission denied", str(place))
        mapped = AgentkitError(f"{place} cannot be written")
        mapped.__cause__ = denied
        for error in (denied, mapped):
            assert CliRunner().invoke(failing(error), ["fail"]).stderr.endswith(f"{advice}\n")
    (tmp_path / "gone" / "data").mkdir(parents=True)
    assert advice not in CliRunner().invoke(failing(denied), ["fail"]).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="of a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_streams_may_be_closed(workspace: Path, closed: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m agentkit indexes list {closed}"
    result = subprocess.run(
        ["sh", "-c", command], cwd=workspace, capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stderr == "" or ">&- 2" not in closed
    assert "defect" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="of a POSIX shell")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("chat <&-", 0, "there is no index, so the model answers without sources"),
        ("ask <&-", 2, "there is no question"),
        ("ask 0>/dev/null", 2, "there is no question"),  # what nohup gives a program
        ("models remove smollm2-135m <&-", 2, "give --yes where nobody can answer"),
    ],
)
def test_standard_input_may_be_closed_or_none_to_read(workspace: Path, arguments: str, code: int, said: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m agentkit {arguments}"
    result = subprocess.run(
        ["sh", "-c", command], cwd=workspace, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, len(result.stderr.splitlines())) == (code, 1), result.stderr
    assert said in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the folder that a process is in")
def test_a_current_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"rmdir ../gone; exec {shlex.quote(sys.executable)} -m agentkit indexes list"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shell = ["sh", "-c", command]
    result = subprocess.run(
        shell, cwd=tmp_path / "gone", env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "the current folder does not exist any more" in result.stderr


def test_an_interrupt_is_code_130() -> None:
    result = CliRunner().invoke(failing(KeyboardInterrupt()), ["fail"])
    assert (result.exit_code, result.stderr) == (130, "agentkit: interrupted\n")


def test_debug_shows_the_traceback_and_then_the_line(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "agentkit.toml").write_text("nonsense = 1\n")
    result = run("--debug", "indexes", "list", cwd=workspace)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("agentkit: error: ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("delay_s", [0.05, 0.15, 0.3, 0.6, 1.0])
def test_ctrl_c_at_any_moment_is_quiet(workspace: Path, delay_s: float) -> None:
    command = [sys.executable, "-c", "import sys; from agentkit.cli import main; print(flush=True); sys.exit(main())"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "ask", "why"], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()  # main is about to run, and will wait for what is piped to it
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() in ("", "agentkit: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_goes_away_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        result = subprocess.run(
            [sys.executable, "-m", "agentkit", "--help"], stdout=gone, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (result.returncode, result.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_under_stdout_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "agentkit", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (result.returncode, result.stderr) == (
        1,
        "agentkit: error: no space left on the disk: free some and run the command again\n",
    )


def test_a_terminal_that_is_not_utf8_loses_no_more_than_a_character() -> None:
    result = run("indexes", "list", env={**os.environ, "PYTHONIOENCODING": "ascii"}, cwd=ROOT)
    assert "Traceback" not in result.stderr


def test_json_is_utf8_text_also_where_the_terminal_is_not(workspace: Path, docs: Path, cli: Cli) -> None:
    (docs / "café.md").write_text("The café costs 3 € ✓.", "utf-8")
    cli.json("index", docs, "--name", "menus")
    command = [sys.executable, "-m", "agentkit", "indexes", "show", "menus", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    shown = subprocess.run(command, capture_output=True, cwd=workspace, env=environment, timeout=60, check=True)
    assert "café.md" in [file["path"] for file in json.loads(shown.stdout)["largest"]]
