"""What the pages say is what the program does. `docs/cli.md` is made from the command line itself: `make docs`."""

import ast
import re
import runpy
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agentkit import HashingEmbedder, ScriptedModel
from agentkit.cli.app import app

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "cli.md"
_README = _ROOT / "README.md"
_PAGES = [_README, *sorted((_ROOT / "docs").rglob("*.md"))]
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def test_the_page_of_the_command_line_is_what_the_command_line_says() -> None:
    assert _PAGE.read_text("utf-8") == page(), "run: make docs"


def test_the_readme_has_every_command_in_its_table() -> None:
    text = _README.read_text("utf-8")
    tops = {command.split()[0] for command in _commands() if command}
    assert tops
    assert not [name for name in tops if f"| `agentkit {name}" not in text]


def test_every_command_has_json() -> None:
    groups = {command.rpartition(" ")[0] for command in _commands()}
    assert not [command for command in _commands() if command not in groups and "--json " not in _help(command)]


@pytest.mark.parametrize("path", _PAGES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_every_name_that_a_page_imports_is_there(path: Path) -> None:
    for block in _PYTHON.findall(path.read_text("utf-8")):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


@pytest.mark.parametrize("path", _PAGES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_library_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the doubles in place of the two models, so that it takes no files and no time."""
    reply = '[1] "The mill was built in 1871 by Josiah Pell"\nAnswer: Josiah Pell built it.'
    code, agent_code = _PYTHON.findall(_README.read_text("utf-8"))
    for real, double in (
        ('SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))', "_embedder"),
        ("LocalChatModel()", "_model"),
    ):
        assert code.count(real) == 1
        code = code.replace(real, double)
    shutil.copytree(_ROOT / "examples", tmp_path / "examples")
    (tmp_path / "example.py").write_text(code, "utf-8")
    monkeypatch.chdir(tmp_path)
    doubles = {"_embedder": HashingEmbedder(), "_model": ScriptedModel(replies=[reply])}
    names = runpy.run_path("example.py", init_globals=doubles)
    (tmp_path / "agent.py").write_text(agent_code, "utf-8")
    runpy.run_path("agent.py", init_globals={**names, "model": ScriptedModel(replies=["Many."])})
    assert capsys.readouterr().out == "Josiah Pell built it.\nMany.\n"


def page() -> str:
    """All of `docs/cli.md`."""
    parts = ["# The command line\n", "Made from `--help` by `make docs`.\n"]
    for command in _commands():
        title = f"## agentkit {command}".rstrip()
        parts.append(f"{title}\n\n```text\n{_help(command)}\n```\n")
    return "\n".join(parts)


def _help(command: str) -> str:
    environment = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, [*command.split(), "--help"], env=environment)
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())


def _commands() -> list[str]:
    """Every command with its group, as typed after `agentkit`; the bare `agentkit` is the empty one."""
    return ["", *_commands_of(app, "")]


def _commands_of(group: typer.Typer, prefix: str) -> Iterator[str]:
    for command in group.registered_commands:
        yield f"{prefix}{command.name or getattr(command.callback, '__name__', '')}"
    for inner in group.registered_groups:
        yield f"{prefix}{inner.name}"
        if inner.typer_instance:
            yield from _commands_of(inner.typer_instance, f"{prefix}{inner.name} ")


if __name__ == "__main__":
    _PAGE.write_text(page(), "utf-8")
