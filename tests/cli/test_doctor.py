"""`agentkit doctor`, and models that are not there: with the real store, which is empty here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.directories import data_directory
from agentkit.errors import DiskSpaceError
from agentkit.indexes.collection import IndexCollection
from agentkit.indexes.summary import IndexSummary
from agentkit.models.catalog import CATALOG
from agentkit.workspace import Workspace
from tests.cli.conftest import Cli

Run = Callable[..., Result]


@pytest.fixture
def run(workspace: Path) -> Run:
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_missing_models_are_wrong_and_come_with_the_command(run: Run) -> None:
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (1, False)
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["chat model"]["verdict"] == "wrong"
    assert checks["chat model"]["remedy"] == "agentkit models pull qwen2.5-coder-1.5b"
    assert checks["embedder"]["remedy"] == "agentkit models pull all-minilm-l6-v2"


@pytest.mark.parametrize("name", ["m/s.gguf", "qwen"])
def test_what_cannot_be_pulled_is_not_to_be_pulled(run: Run, workspace: Path, name: str) -> None:
    (workspace / "agentkit.toml").write_text(f'[models]\nchat = "{name}"\n')
    check = find(run, "chat model")
    assert check["verdict"] == "wrong"
    assert check["remedy"] == "set models.chat to a file that is there, or to a model of: agentkit models list"


def test_a_hub_model_that_is_not_here_is_to_be_pulled(run: Run, workspace: Path) -> None:
    (workspace / "agentkit.toml").write_text('[models]\nchat = "hf:a/b:c.gguf"\n')
    assert find(run, "chat model")["remedy"] == "agentkit models pull hf:a/b:c.gguf"


def test_every_part_of_the_machine_is_there(run: Run) -> None:
    names = {check["name"] for check in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert {"python", "agentkit", "llama.cpp", "cpu", "amx", "gpu", "workspace", "indexes"} <= names


def test_the_plain_report_has_a_line_for_each_and_the_remedy_below(run: Run, workspace: Path) -> None:
    lines = run("doctor").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "chat model" in line)
    assert lines[at].startswith("wrong")
    assert "→ agentkit models pull" in lines[at + 1]
    assert any(str(workspace) in line for line in lines)


def test_an_index_that_a_crash_left_dirty_is_named(run: Run, cli: Cli, docs: Path, workspace: Path) -> None:
    import sqlite3

    cli.json("index", docs)
    connection = sqlite3.connect(workspace / "indexes" / "docs" / "catalog.sqlite")
    with connection:
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('dirty', 'yes')")
        connection.execute("UPDATE facts SET value = replace(value, '\"hashing\"', '\"all-minilm-l6-v2\"')")
    connection.close()
    check = find(run, "index docs")
    assert check["verdict"] == "note"
    assert "interrupted" in check["detail"]
    assert check["remedy"] == f"agentkit index {docs} --name docs"


def test_the_remedy_of_an_interrupted_index_is_quoted_for_a_shell(run: Run, cli: Cli, workspace: Path) -> None:
    import sqlite3

    (workspace / "my notes").mkdir()
    (workspace / "my notes" / "a.txt").write_text("A mill.")
    cli.json("index", workspace / "my notes", "--name", "notes")
    with sqlite3.connect(workspace / "indexes" / "notes" / "catalog.sqlite") as connection:
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('dirty', 'yes')")
        connection.execute("UPDATE facts SET value = replace(value, '\"hashing\"', '\"all-minilm-l6-v2\"')")
    connection.close()
    assert find(run, "index notes")["remedy"] == f"agentkit index '{workspace / 'my notes'}' --name notes"


def test_an_index_on_a_full_disk_is_wrong_and_the_report_goes_on(workspace: Path) -> None:
    class FullCollection(IndexCollection):
        def names(self) -> list[str]:
            return ["docs"]

        def summary(self, name: str) -> IndexSummary:
            raise DiskSpaceError(f"no space to write {name}")

    opened = Workspace.open(workspace)
    opened.indexes = FullCollection(workspace / "indexes")
    result = CliRunner().invoke(app, ["doctor", "--json"], obj=Invocation(open_workspace=lambda: opened))
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert (checks["index docs"]["verdict"], checks["index docs"]["detail"]) == ("wrong", "no space to write docs")
    assert "disk (indexes)" in checks


@pytest.mark.parametrize(
    ("line", "name", "detail"),
    [
        ('[models]\njudge = "nowhere"', "judge", "nowhere holds no model.safetensors"),
        ('[search]\nreranker = "nowhere"', "reranker", "nowhere holds no model.safetensors"),
        ('[tools]\nwikipedia = "nowhere.zim"', "wikipedia", "there is no ZIM file"),
        ('[tools]\nwikipedia = "agentkit.zim"', "wikipedia", "is not a ZIM file"),
    ],
)
def test_a_file_of_the_settings_that_is_not_what_it_should_be_is_wrong(
    run: Run, workspace: Path, line: str, name: str, detail: str
) -> None:
    if name == "wikipedia":
        pytest.importorskip("libzim")
    (workspace / "agentkit.zim").write_text("no archive")
    (workspace / "agentkit.toml").write_text(line)
    check = find(run, name)
    assert check["verdict"] == "wrong"
    assert detail in check["detail"]


def test_a_judge_and_a_reranker_that_are_there_are_well(run: Run, workspace: Path) -> None:
    (workspace / "encoder").mkdir()
    (workspace / "encoder" / "model.safetensors").touch()
    (workspace / "agentkit.toml").write_text('[models]\njudge = "encoder"\n[search]\nreranker = "encoder"\n')
    for name in ("judge", "reranker"):
        assert (find(run, name)["verdict"], find(run, name)["detail"]) == ("ok", str(workspace / "encoder"))


def test_an_index_of_another_embedder_is_wrong(run: Run, cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    check = find(run, "index docs")
    assert check["verdict"] == "wrong"
    assert "hashing" in check["detail"]


def test_an_index_of_another_embedder_is_mended_by_what_doctor_tells(run: Run, cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    assert find(run, "index docs")["remedy"] == "agentkit indexes rebuild docs --reembed"


def test_a_damaged_index_is_wrong(run: Run, workspace: Path) -> None:
    folder = workspace / "indexes" / "broken"
    folder.mkdir()
    (folder / "catalog.sqlite").write_bytes(b"garbage" * 1000)
    check = find(run, "index broken")
    assert check["verdict"] == "wrong"
    assert "agentkit indexes rebuild broken" in check["detail"]
    assert "agentkit indexes remove broken" in check["remedy"]


def test_an_index_that_may_not_be_read_is_not_to_be_removed(run: Run, cli: Cli, docs: Path, workspace: Path) -> None:
    cli.json("index", docs)
    (workspace / "indexes" / "docs" / "catalog.sqlite-wal").mkdir()  # as without permission, but for root too
    check = find(run, "index docs")
    assert check["verdict"] == "wrong"
    assert "permissions" in check["detail"]
    assert check["remedy"] == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("ask", "x"), "agentkit models pull qwen2.5-coder-1.5b"),
        (("ask", "x", "-m", "qwen2.5-codr-1.5b"), "did you mean qwen2.5-coder-1.5b?"),
        (("ask", "x", "-m", "nowhere/model.gguf"), "there is no file nowhere/model.gguf"),
        (("index", "docs"), "agentkit models pull all-minilm-l6-v2"),
    ],
)
def test_a_model_that_is_not_there_is_one_line_with_the_next_step(
    run: Run, docs: Path, arguments: tuple[str, ...], expected: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("agentkit: error: ")
    assert expected in line
    assert "unexpected" not in line


def test_a_file_that_is_no_model_is_one_line(run: Run, workspace: Path) -> None:
    (workspace / "fake.gguf").write_bytes(b"not a model")
    (workspace / "cut.gguf").write_bytes(b"GGUF\x03\x00")
    for name in ("fake.gguf", "cut.gguf"):
        result = run("ask", "x", "-m", f"./{name}")
        assert result.exit_code == 1
        line = result.stderr.splitlines()[-1]
        assert line.startswith("agentkit: error: ")
        assert name in line
        assert "unexpected" not in line


def test_a_file_that_is_no_model_is_wrong(run: Run, workspace: Path) -> None:
    (workspace / "agentkit.toml").write_text('[models]\nchat = "./fake.gguf"\n')
    (workspace / "fake.gguf").write_bytes(b"not a model")
    check = find(run, "chat model")
    assert check["verdict"] == "wrong"
    assert "is not a GGUF file" in check["detail"]


def find(run: Run, name: str) -> dict[str, str]:
    checks: list[dict[str, str]] = json.loads(run("doctor", "--json").stdout)["checks"]
    return next(check for check in checks if check["name"] == name)


def test_a_hosted_model_is_nothing_to_pull(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    (workspace / "agentkit.toml").write_text('[models]\nchat = "openai:tiny"\n')
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json").stdout)["checks"]}
    assert (checks["chat model"]["verdict"], checks["chat model"]["detail"]) == ("ok", "openai:tiny (runs elsewhere)")
    assert "openai:tiny runs elsewhere: there is nothing to pull" in run("models", "pull", "openai:tiny").stderr


def test_what_is_unknown_of_a_model_before_it_is_pulled_is_said(run: Run) -> None:
    shown = json.loads(run("models", "show", "hf:a/b:c.gguf", "--json").stdout)
    assert (shown["size"], shown["sha256"]) == (None, None)
    lines = [line.split(maxsplit=1) for line in run("models", "show", "hf:a/b:c.gguf").stdout.splitlines() if line]
    assert [line[1] for line in lines if line[0] in {"size", "sha256"}] == ["unknown until pulled"] * 2


def test_a_hosted_model_that_cannot_be_used_is_not_to_be_looked_for_among_the_local_ones(
    run: Run, workspace: Path
) -> None:
    (workspace / "agentkit.toml").write_text('[models]\nchat = "nobody:tiny"\n')
    check = find(run, "chat model")
    assert (check["verdict"], check["remedy"]) == ("wrong", "")
    assert "nobody" in check["detail"]


@pytest.mark.parametrize(
    ("name", "reason"), [("openai:tiny", "runs elsewhere"), ("./tiny.gguf", "is a path, and no model that was pulled")]
)
def test_what_was_never_pulled_is_said_to_be_so(run: Run, name: str, reason: str) -> None:
    for command in (("show", name), ("remove", name, "--yes")):
        line = run("models", *command).stderr.splitlines()[-1]
        assert line.startswith(f"agentkit: error: {name} {reason}")


def test_a_model_is_not_removed_where_nobody_can_be_asked(run: Run, workspace: Path) -> None:
    folder = data_directory() / "models" / "smollm2-135m"
    folder.mkdir(parents=True)
    result = run("models", "remove", "smollm2-135m")
    assert (result.exit_code, folder.exists()) == (2, True)
    assert "give --yes where nobody can answer" in result.stderr
    assert run("models", "remove", "smollm2-135m", "--yes").exit_code == 0
    assert not folder.exists()


def test_json_names_the_model_that_is_removed_and_the_bytes_that_are_free(run: Run, workspace: Path) -> None:
    folder = data_directory() / "models" / "smollm2-135m"
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(b"1234")
    result = run("models", "remove", "smollm2-135m", "--yes", "--json")
    assert json.loads(result.stdout) == {"removed": "smollm2-135m", "bytes": 4}


def test_a_pull_of_a_path_pulls_nothing(run: Run, workspace: Path) -> None:
    (workspace / "tiny.gguf").touch()
    result = run("models", "pull", "tiny.gguf", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


@pytest.mark.usefixtures("workspace")
def test_a_pull_says_that_another_process_pulls_the_model_and_goes_on_when_that_ends() -> None:
    models = data_directory() / "models"
    (models / ".partial").mkdir(parents=True)
    other = FileLock(models / ".partial" / "smollm2-135m.lock")
    other.acquire()
    command = [sys.executable, "-m", "agentkit", "models", "pull", "smollm2-135m"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = process.stderr.readline()
        for file in CATALOG["smollm2-135m"].files:
            (models / "smollm2-135m").mkdir()
            (models / "smollm2-135m" / file.name).touch()
            os.truncate(models / "smollm2-135m" / file.name, file.size)
        other.release()
        rest = process.stderr.read()
    assert line == "agentkit: another process is pulling smollm2-135m: waiting for it\n"
    assert rest.startswith("agentkit: smollm2-135m is in ")
    assert process.returncode == 0
