"""What an agent does while it works: each step folded to one line on stderr."""

import json
import sys
from types import TracebackType
from typing import Any, Self

from rich.text import Text

from agentkit.agents import AgentEvent, ToolStarted
from agentkit.cli._progress import Waiting
from agentkit.cli._render import console_for
from agentkit.cli._terminal import is_terminal, neutralise_line
from agentkit.results import Step

_PLAIN_COLUMNS = 160
"""A line's length where no screen has a width."""


class StepPrinter:
    """Shows that something happens, and a line for each step that is done."""

    def __init__(self) -> None:
        self._waiting: Waiting | None = None

    def __enter__(self) -> Self:
        self.wait("thinking…")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def show(self, event: AgentEvent) -> None:
        """The next event of the agent."""
        if isinstance(event, ToolStarted):
            self.wait(f"{neutralise_line(event.tool)}…")
        elif isinstance(event, Step):
            self.pause()
            console = console_for(sys.stderr)
            console.print(step_line(event, console.width if is_terminal(sys.stderr) else _PLAIN_COLUMNS), no_wrap=True)
            self.wait("thinking…")

    def wait(self, message: str) -> None:
        """Say what is being waited for, in place of what was said before."""
        self.pause()
        self._waiting = Waiting(message)
        self._waiting.__enter__()

    def pause(self) -> None:
        """Say nothing, so that something else can be written."""
        if self._waiting:
            self._waiting.stop()
            self._waiting = None


def step_line(step: Step, columns: int) -> Text:
    """`2 calculator(expression="17 * 3") → 51`, at most `columns` wide."""
    result = " ".join((step.error or step.observation).split())
    call = Text(call_line(step.tool, step.arguments), style="cyan")
    call.truncate(max(20, columns // 2), overflow="ellipsis")  # so that something of the result is seen
    line = Text.assemble(
        (f"{step.number:>2} ", "bold"),
        call,
        (" ✗ " if step.error else " → ", "red" if step.error else "dim"),
        (neutralise_line(result), "red" if step.error else "dim"),
    )
    line.truncate(max(20, columns - 1), overflow="ellipsis")
    return line


def call_line(tool: str, arguments: dict[str, Any]) -> str:  # Any: what a model wrote
    """A call as it is written in code, on one line and harmless to a terminal."""
    given = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in arguments.items()
    )
    return neutralise_line(f"{tool}({given})")
