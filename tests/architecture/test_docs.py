"""`docs/cli.md` is made from the command line itself. To write it: `make docs`."""

from pathlib import Path

from typer.testing import CliRunner

from agentkit.cli.app import app

_PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
_COMMANDS = (
    "", "init", "index", "search", "ask", "indexes", "indexes list", "indexes show", "indexes remove",
    "models", "models list", "models pull", "models show", "models remove", "doctor",
)  # fmt: skip


def test_the_page_of_the_command_line_is_what_the_command_line_says() -> None:
    assert _PAGE.read_text("utf-8") == page(), "run: make docs"


def page() -> str:
    parts = ["# The command line\n", "Made from `--help` by `make docs`.\n"]
    for command in _COMMANDS:
        arguments = [*command.split(), "--help"]
        result = CliRunner().invoke(
            app, arguments, env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}, terminal_width=100
        )
        lines = [line.rstrip() for line in result.output.strip().splitlines()]
        parts.append(f"## agentkit {command}\n".replace(" \n", "\n") + "\n```text\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    _PAGE.write_text(page(), "utf-8")
