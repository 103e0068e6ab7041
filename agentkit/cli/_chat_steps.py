"""A step of an agent, folded to one line."""

import json
from typing import Any

from rich.text import Text

from agentkit.cli._terminal import neutralise_line
from agentkit.results import Step


def step_line(step: Step, columns: int) -> Text:
    """`2 calculator(expression="17 * 3") → 51`, at most `columns` wide."""
    result = " ".join((step.error or step.observation).split())
    line = Text.assemble(
        (f"{step.number:>2} ", "bold"),
        (call_line(step.tool, step.arguments), "cyan"),
        (" ✗ " if step.error else " → ", "red" if step.error else "dim"),
        (neutralise_line(result), "red" if step.error else "dim"),
        ("", "") if step.seconds < 1 else (f" ({step.seconds:.1f} s)", "dim"),
    )
    line.truncate(max(20, columns - 1), overflow="ellipsis")
    return line


def call_line(tool: str, arguments: dict[str, Any]) -> str:  # Any: what a model wrote
    """A call as it is written in code, on one line and harmless to a terminal."""
    given = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in arguments.items()
    )
    return neutralise_line(f"{tool}({given})")
