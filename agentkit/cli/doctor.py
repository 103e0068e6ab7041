"""`agentkit doctor`: what this machine can do, what is wrong, and the command that mends it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli._invocation import workspace_of
from agentkit.cli._terminal import is_terminal, neutralise_line, to_json

if TYPE_CHECKING:
    from agentkit.cli._checks import Check

_STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


def doctor(
    context: typer.Context, is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say what this machine can do and what is wrong.

    Each thing that is wrong comes with the command that mends it. The exit code is 1 where something stops work.
    """
    from agentkit.cli import _checks

    workspace = workspace_of(context)
    checks = [
        *_checks.check_python(),
        *_checks.check_engine(),
        *_checks.check_models(workspace),
        *_checks.check_files(workspace),
        *_checks.check_workspace(workspace),
        *_checks.check_disk(workspace),
    ]
    is_well = all(check.verdict is not _checks.CheckVerdict.WRONG for check in checks)
    if is_json:
        typer.echo(to_json({"ok": is_well, "checks": [asdict(check) for check in checks]}))
    elif is_terminal(sys.stdout):
        _show(checks)
    else:
        _print(checks)
    if not is_well:
        raise typer.Exit(1)


def _show(checks: "Sequence[Check]") -> None:
    """On a terminal: a grid whose long lines stay in their column."""
    from rich.table import Table
    from rich.text import Text

    from agentkit.cli._render import console_for

    grid = Table.grid(padding=(0, 2))
    for check in checks:
        verdict = Text(check.verdict, style=_STYLES[check.verdict])
        grid.add_row(verdict, Text(neutralise_line(check.name)), Text(neutralise_line(check.detail), overflow="fold"))
        if check.remedy:
            grid.add_row("", "", Text(f"→ {neutralise_line(check.remedy)}", style="dim", overflow="fold"))
    console_for(sys.stdout).print(grid)


def _print(checks: "Sequence[Check]") -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{check.verdict:<5}  {neutralise_line(check.name):<{width}}  {neutralise_line(check.detail)}")
        if check.remedy:
            print(f"{'':{width + 7}}  → {neutralise_line(check.remedy)}")
