"""How far an indexing is, on stderr: a bar where a person is looking, a JSON object a line for a program, or nothing.

The objects have an `event`: `progress` (at most ten a second), then `skipped` for each file with its reason, and `done`
with what `--json` prints.
"""

import json
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from agentkit.cli._render import console_for
from agentkit.cli._terminal import is_terminal, neutralise_line

if TYPE_CHECKING:
    from agentkit.pipelines.progress import IndexingProgress

ProgressForm = Literal["bar", "json", "none"]
_BETWEEN_EVENTS_S = 0.1


class IndexingProgressShown:
    """Nothing; and what the other forms have in common."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def update(self, progress: "IndexingProgress") -> None:
        """Show how far the sync is."""

    def pause(self) -> None:
        """Take away what is shown, before something else is written; the next update shows it again."""

    def finish(self, summary: dict[str, Any]) -> None:  # Any: whatever JSON holds
        """Tell what `--json` prints of a sync that is done."""


def progress_shown(form: ProgressForm, *, verb: str = "Indexing") -> IndexingProgressShown:
    """What the person asked for."""
    if form == "json":
        return _Events()
    return _Bar(verb) if form == "bar" and is_terminal(sys.stderr) else IndexingProgressShown()


class _Events(IndexingProgressShown):
    def __init__(self) -> None:
        self._last = 0.0

    def update(self, progress: "IndexingProgress") -> None:
        now = time.monotonic()
        if now - self._last < _BETWEEN_EVENTS_S and progress.files_done < progress.files_total:
            return
        self._last = now
        rate, left = _pace(progress)
        self._tell(
            "progress",
            {
                "files_done": progress.files_done,
                "files_total": progress.files_total,
                "chunks": progress.chunks_done,
                "path": progress.current_path,
                "seconds": round(progress.seconds, 3),
                "files_per_second": round(rate, 3),
                "seconds_left": None if left is None else round(left, 1),
            },
        )

    def finish(self, summary: dict[str, Any]) -> None:
        for skipped in summary["files"]["skipped"]:
            self._tell("skipped", skipped)
        self._tell("done", summary)

    def _tell(self, event: str, values: dict[str, Any]) -> None:
        print(json.dumps({"event": event, **values}), file=sys.stderr, flush=True)


class _Bar(IndexingProgressShown):
    """Files, rate, chunks, remaining time and the current file; it goes away at the end."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def update(self, progress: "IndexingProgress") -> None:
        if not self._progress and not progress.files_total:
            return
        bar = self._progress or self._start()
        rate, _ = _pace(progress)
        bar.update(
            bar.task_ids[0],
            completed=progress.files_done,
            total=progress.files_total,
            rate=f"{rate:.1f}/s · {progress.chunks_done} chunks",
            path=neutralise_line(progress.current_path) or "embedding and saving",
        )

    def pause(self) -> None:
        if self._progress:
            self._progress.stop()
            self._progress = None

    def _start(self) -> Progress:
        path = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            TextColumn(self._verb),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("files · {task.fields[rate]}"),
            _Remaining(),
            TextColumn("{task.fields[path]}", markup=False, table_column=path),
            console=console_for(sys.stderr),
            transient=True,
            expand=True,
        )
        self._progress.add_task("", total=None, rate="looking at files", path="")
        self._progress.start()
        return self._progress


class _Remaining(ProgressColumn):
    """The time left at the mean rate so far. Files are read in an instant and then embedded many at a time, so that
    Rich's own column, which looks at the last steps, is far too hopeful.
    """

    def render(self, task: Task) -> Text:
        if not task.completed or not task.total or task.elapsed is None:
            return Text("-:--")
        left = round(task.elapsed * (task.total - task.completed) / task.completed)
        return Text(f"{left // 60}:{left % 60:02} left", style="cyan")


def _pace(progress: "IndexingProgress") -> tuple[float, float | None]:
    """Files a second so far, and the seconds left at that rate; None where it cannot be told."""
    rate = progress.files_done / progress.seconds if progress.seconds > 0 else 0.0
    return rate, (progress.files_total - progress.files_done) / rate if rate else None
