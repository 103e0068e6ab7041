"""An answer on a terminal while it is written: Markdown whose finished blocks stay, above lines that still change.

Only the last block is drawn again at each refresh, so that an answer may be longer than the screen. Links are shown as
text: what a model writes may name one address and lead to another.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

import rich.markdown
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from agentkit.cli._render import console_for
from agentkit.cli._terminal import neutralise

_REFRESH_S = 0.12
_LEFT_LINES = 4
"""Of the screen that the changing lines never take."""


class Markdown:
    """A model's text as Markdown, harmless to a terminal, without blank lines around it or spaces after its lines."""

    def __init__(self, text: str, *, last_lines: int | None = None) -> None:
        """`last_lines`: only so many, counted from the end."""
        self._markdown = rich.markdown.Markdown(neutralise(text), hyperlinks=False)
        self._last_lines = last_lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rendered = [_trimmed(line) for line in console.render_lines(self._markdown, options, pad=False)]
        while rendered and not rendered[0]:
            del rendered[0]
        while rendered and not rendered[-1]:
            del rendered[-1]
        for line in rendered[-self._last_lines :] if self._last_lines else rendered:
            yield from line
            yield Segment.line()


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
        self._live = Live(self, console=self._console, auto_refresh=False, transient=True, redirect_stderr=False)
        self._drawing = threading.Lock()  # Live's own refreshing would draw between a print and the lines below it
        self._ended = threading.Event()
        self._refreshing = threading.Thread(target=self._refresh, name="agentkit-refreshing", daemon=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._refreshing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.finish(self._pending)

    def add(self, piece: str) -> None:
        """The next piece of the answer."""
        with self._drawing:
            self._pending += piece if self._pending else piece.lstrip()
            if "\n\n" in self._pending and not self._holds_back:
                done, self._pending = _split(self._pending)
                self._print(done)

    def hide(self) -> None:
        """What was held back was a thought."""
        self._pending = ""

    def line(self, line: Text) -> None:
        """A line above the answer."""
        with self._drawing:
            self._console.print(line, no_wrap=True)

    def pause(self) -> None:
        """Leave the terminal to something else, such as a question to the person."""
        with self._drawing:
            self._live.stop()

    def resume(self) -> None:
        """Go on after a pause."""
        with self._drawing:
            self._live.start()

    def finish(self, text: str | None = None) -> None:
        """The rest of the answer; or `text` where another one was made of it."""
        with self._drawing:
            self._live.stop()
            self._print(self._pending if text is None else text)
            self._pending = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines that change."""
        if self._pending:
            yield Markdown(self._pending, last_lines=max(1, console.height - _LEFT_LINES))
        else:
            self._spinner.update(text=Text(self._waiting_for(), style="dim"))
            yield self._spinner

    def _print(self, text: str) -> None:
        if not text.strip():
            return
        if not self._is_first:
            self._console.print()
        self._is_first = False
        self._console.print(Markdown(text))

    def _refresh(self) -> None:
        while not self._ended.wait(_REFRESH_S):
            with self._drawing:
                if self._live.is_started:
                    self._live.refresh()


def _trimmed(line: list[Segment]) -> list[Segment]:
    """Without the white space that fills the line up to the width of the screen: what a terminal echoes behind a full
    line, such as ^C, would begin another one, and what is drawn next would be one line too low.
    """
    while line and not (line[-1].style and line[-1].style.bgcolor):
        *before, last = line
        if text := last.text.rstrip(" "):
            return [*before, Segment(text, last.style)]
        line = before
    return line


def _split(text: str) -> tuple[str, str]:
    """The blocks that are finished, and the last one, which may go on."""
    tokens = rich.markdown.Markdown(text).parsed
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map and token.nesting >= 0]
    lines = text.splitlines(keepends=True)
    last = starts[-1] if len(starts) > 1 else 0
    return "".join(lines[:last]), "".join(lines[last:])
