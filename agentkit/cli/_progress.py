"""Signs of life on stderr while something takes its time: only where a person is looking at it."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.status import Status
from rich.table import Column
from rich.text import Text

from agentkit.cli._render import console_for
from agentkit.cli._terminal import is_terminal, neutralise_line

if TYPE_CHECKING:
    from agentkit.models.store import PullProgress
    from agentkit.pipelines.progress import IndexingProgress


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


class IndexingBar:
    """A bar with files, rate, remaining time and the current file; it goes away at the end."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("Indexing"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("files · {task.fields[rate]}"),
            _Remaining(),
            TextColumn(
                "{task.fields[path]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            console=console_for(sys.stderr),
            disable=not is_terminal(sys.stderr),
            transient=True,
            expand=True,
        )
        self._task = self._progress.add_task("", total=None, rate="looking at files", path="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, progress: "IndexingProgress") -> None:
        """Show how far the sync is."""
        rate = progress.files_done / progress.seconds if progress.seconds > 0 else 0.0
        self._progress.update(
            self._task,
            completed=progress.files_done,
            total=progress.files_total,
            rate=f"{rate:.1f}/s · {progress.chunks_done} chunks",
            path=neutralise_line(progress.current_path) or "embedding and saving",
        )


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
            self._progress.console.print(Text(f"agentkit: pulling {self._name} from {progress.source}", style="dim"))
        self._progress.update(self._task, completed=progress.done_bytes, total=progress.total_bytes)


class _Remaining(ProgressColumn):
    """The time left at the mean rate so far. Files are read in an instant and then embedded many at a time, so that
    Rich's own column, which looks at the last steps, is far too hopeful.
    """

    def render(self, task: Task) -> Text:
        if not task.completed or not task.total or task.elapsed is None:
            return Text("-:--")
        left = round(task.elapsed * (task.total - task.completed) / task.completed)
        return Text(f"{left // 60}:{left % 60:02} left", style="cyan")
