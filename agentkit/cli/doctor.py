"""`agentkit doctor`: what this machine can do, what is wrong, and the command that mends it."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from agentkit.cli._invocation import workspace_of
from agentkit.cli._terminal import neutralise_line, to_json


def doctor(
    context: typer.Context, is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say what this machine can do and what is wrong.

    Each thing that is wrong comes with the command that mends it. The exit code is 1 where something stops work.
    """
    from rich.text import Text

    from agentkit.cli import _checks
    from agentkit.cli._render import console_for

    workspace = workspace_of(context)
    checks = [
        *_checks.check_python(),
        *_checks.check_engine(),
        *_checks.check_models(workspace),
        *_checks.check_workspace(workspace),
        *_checks.check_disk(workspace),
    ]
    is_well = all(check.verdict is not _checks.Verdict.WRONG for check in checks)
    if is_json:
        typer.echo(to_json({"ok": is_well, "checks": [asdict(check) for check in checks]}))
    else:
        styles = {_checks.Verdict.OK: "green", _checks.Verdict.NOTE: "yellow", _checks.Verdict.WRONG: "bold red"}
        console = console_for(sys.stdout)
        width = max(len(check.name) for check in checks)
        for check in checks:
            name = neutralise_line(check.name).ljust(width)
            detail = neutralise_line(check.detail)
            console.print(Text.assemble((f"{check.verdict:<5}", styles[check.verdict]), f"  {name}  {detail}"))
            if check.remedy:
                console.print(Text(f"{'':7}{'':{width}}  → {neutralise_line(check.remedy)}", style="dim"))
    if not is_well:
        raise typer.Exit(1)
