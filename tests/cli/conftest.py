"""A workspace with documents, and the command line over it with test doubles for the models."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from typer.testing import CliRunner, Result

from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.embedders import Embedder, HashingEmbedder
from agentkit.models.scripted import ScriptedModel
from agentkit.settings import FILE_NAME, load_settings
from agentkit.workspace import Workspace, find_root


@dataclass
class Cli:
    """Runs commands in a folder. The chat model says `replies`, in order; `asked` holds the names that were wanted."""

    replies: Sequence[str | AIMessage] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    models: list[ScriptedModel] = field(default_factory=list)
    make_embedder: Callable[[], Embedder] = HashingEmbedder

    def __call__(self, *arguments: str | Path, piped: str | bytes | None = None) -> Result:
        invocation = Invocation(open_workspace=self._open)
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=piped, obj=invocation)

    def json(self, *arguments: str | Path, piped: str | None = None) -> Any:
        """What a command prints with `--json`, which must be all that is on stdout."""
        result = self(*arguments, "--json", piped=piped)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def error(self, *arguments: str | Path, code: int = 1, piped: str | None = None) -> str:
        """The one line of a command that must fail with `code`."""
        result = self(*arguments, piped=piped)
        assert result.exit_code == code, result.output
        last = result.stderr.splitlines()[-1]
        assert last.startswith("agentkit: error: ")
        assert "Traceback" not in result.output
        assert "unexpected" not in last
        return last.removeprefix("agentkit: error: ")

    def _open(self) -> Workspace:
        root = find_root(Path.cwd())
        settings = load_settings(root / FILE_NAME if root else None)
        return Workspace(root, settings, make_embedder=self.make_embedder, make_chat_model=self._make_chat_model)

    def _make_chat_model(self, name: str) -> ScriptedModel:
        self.asked.append(name)
        self.models.append(ScriptedModel(replies=self.replies))
        return self.models[-1]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, and the current folder."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")
    Workspace.create(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(workspace: Path) -> Cli:
    return Cli()


WriteDocuments = Callable[[Path, Sequence[tuple[str, str]]], Path]


@pytest.fixture
def write_documents() -> WriteDocuments:
    """Makes a folder of documents, given as name and text."""
    return _write_documents


@pytest.fixture
def docs(workspace: Path) -> Path:
    """Two documents."""
    return _write_documents(
        workspace / "docs",
        [
            ("lamp.md", "# Lamp\n\n## Power\n\nThe Lumen lamp draws 41 watts at full brightness.\n"),
            ("whale.txt", "The blue whale of the Marrow bay is called Otto.\n"),
        ],
    )


def _write_documents(folder: Path, documents: Sequence[tuple[str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents:
        (folder / name).write_text(text, encoding="utf-8")
    return folder
