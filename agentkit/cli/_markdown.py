"""An answer on a terminal while it is written: Markdown whose finished blocks stay, above lines that still change.

Only the last block is drawn again at each refresh, so that an answer may be longer than the screen. Links are shown as
text: what a model writes may name one address and lead to another.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from agentkit.cli._render import console_for
from agentkit.cli._terminal import neutralise

_REFRESHES = 8
"""A second."""
_LEFT_LINES = 4
"""Of the screen that the changing lines never take."""


def markdown(text: str) -> Markdown:
    """A model's text as Markdown, harmless to a terminal."""
    return Markdown(neutralise(text), hyperlinks=False)


class AnswerScreen:
    """Shows an answer as it comes."""

    def __init__(self, stream: TextIO, *, waiting_for: Callable[[], str], hold_back: bool = False) -> None:
        """A screen for one answer.

        Args:
            stream: A terminal.
            waiting_for: What is being waited for while there is nothing to read.
            hold_back: Keep all text in the changing lines until the answer is finished, since it may be a thought.
        """
        self._console = console_for(stream)
        self._waiting_for = waiting_for
        self._holds_back = hold_back
        self._pending = ""
        self._is_first = True
        self._spinner = Spinner("dots")
        self._live = Live(
            self, console=self._console, refresh_per_second=_REFRESHES, transient=True, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if kind is not None:
            self._print(self._pending)

    def add(self, piece: str) -> None:
        """The next piece of the answer."""
        self._pending += piece if self._pending else piece.lstrip()
        if "\n\n" in self._pending and not self._holds_back:
            done, self._pending = _split(self._pending)
            self._print(done)

    def hide(self) -> None:
        """What was held back was a thought."""
        self._pending = ""

    def line(self, line: Text) -> None:
        """A line above the answer."""
        self._console.print(line, no_wrap=True)

    def pause(self) -> None:
        """Leave the terminal to something else, such as a question to the person."""
        self._live.stop()

    def resume(self) -> None:
        """Go on after a pause."""
        self._live.start()

    def finish(self, text: str | None = None) -> None:
        """The rest of the answer; or `text` where another one was made of it."""
        self._live.stop()
        self._print(self._pending if text is None else text)
        self._pending = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines that change: asked for at each refresh, and not at each piece."""
        if not self._pending:
            self._spinner.update(text=Text(self._waiting_for(), style="dim"))
            yield self._spinner
            return
        rendered = console.render_lines(markdown(self._pending), options, pad=False)
        for line in rendered[-max(1, console.height - _LEFT_LINES) :]:
            yield from line
            yield Segment.line()

    def _print(self, text: str) -> None:
        if not text.strip():
            return
        if not self._is_first:
            self._console.print()
        self._is_first = False
        self._console.print(markdown(text))


def _split(text: str) -> tuple[str, str]:
    """The blocks that are finished, and the last one, which may go on."""
    starts = [token.map[0] for token in Markdown(text).parsed if token.level == 0 and token.map and token.nesting >= 0]
    lines = text.splitlines(keepends=True)
    last = starts[-1] if len(starts) > 1 else 0
    return "".join(lines[:last]), "".join(lines[last:])
