"""Signs of life on stderr while something takes its time: only where a person is looking at it."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.status import Status
from rich.text import Text

from agentkit.cli._render import console_for
from agentkit.cli._terminal import is_terminal

if TYPE_CHECKING:
    from agentkit.models.store import PullProgress


class Waiting:
    """A line such as "thinking…" until `stop` or the end of the `with` block."""

    def __init__(self, message: str) -> None:
        self._status: Status | None = None
        if is_terminal(sys.stderr):
            self._status = Status(Text(message, style="dim"), console=console_for(sys.stderr))

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the line away, before something else is written. Calling it twice does nothing."""
        if self._status:
            self._status.stop()
            self._status = None


class PullBar:
    """A bar with bytes, rate and remaining time; where nobody is looking, a line a source."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._source = ""
        self._progress = Progress(
            TextColumn("Pulling {task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console_for(sys.stderr),
            disable=not is_terminal(sys.stderr),
            transient=True,
        )
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, progress: "PullProgress") -> None:
        """Show how far the pull is."""
        if progress.source != self._source:
            self._source = progress.source
            self._say(f"pulling {self._name} from {progress.source}")
        self._progress.update(self._task, completed=progress.done_bytes, total=progress.total_bytes)

    def wait(self) -> None:
        """Say why nothing comes."""
        self._say(f"another process is pulling {self._name}: waiting for it")

    def _say(self, what: str) -> None:
        self._progress.console.print(Text(f"agentkit: {what}", style="dim"))
