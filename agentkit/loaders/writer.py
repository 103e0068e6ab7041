"""Text, blocks and list items in the order of a page to Markdown-flavoured text, in one pass.

White space is collapsed as a browser does it: several spaces and line ends are one space, and none begins a line.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_SPACE = re.compile(r"\s+")
_FENCES = re.compile(r"`{3,}")
_LINE_END = re.compile(r"\n(?!\n|\Z)")
_WIDEST_INDENT = 12


class MarkdownWriter:
    """Gathers the pieces; `text` joins them. Never two blank lines in a row outside of fenced code."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._line_ends = 2
        """Line ends that the text ends with, 2 at most; the beginning counts as after a blank line."""
        self._is_after_marker = False
        """Whether the last piece is a list marker, whose text begins on the same line."""
        self._is_space_due = False
        self._indent = ""

    def text(self) -> str:
        return "".join(self._parts)

    def write(self, text: str) -> None:
        """Running text."""
        words = _SPACE.sub(" ", text)
        if words.strip():
            if (self._is_space_due or words.startswith(" ")) and not self._line_ends and not self._is_after_marker:
                self._parts.append(" ")
            self._put(words.strip())
            self._is_space_due = words.endswith(" ")
        elif words:
            self._is_space_due = True

    def end_line(self) -> None:
        self._end(1)

    def end_block(self) -> None:
        """What follows stands after a blank line."""
        self._end(2)

    def block(self, text: str) -> None:
        """Lines that are written as they are, between blank lines."""
        self.end_block()
        if text:
            self._put(text)
            self.end_block()

    def fenced(self, code: str) -> None:
        """Code between fences that are longer than any in it."""
        self.block(fence(code) if code.strip() else "")

    def begin_item(self, marker: str) -> None:
        """A line of its own that begins with `marker`."""
        self.end_item()
        if marker:
            self._put(marker)
        self._is_after_marker = bool(marker)

    def end_item(self) -> None:
        """Ends the line, also where the marker has no text."""
        self._is_after_marker = False
        self._end(1)

    def begin_value(self, mark: str) -> None:
        """`mark` at the end of what stands on this line, and what follows on the same line."""
        self._put(mark + " ")
        self._is_after_marker = True

    @contextmanager
    def indented(self) -> Iterator[None]:
        """What is written inside begins on the next line, and all its lines two characters further to the right."""
        self.end_item()
        self._line_ends = 2
        outer, self._indent = self._indent, (self._indent + "  ")[:_WIDEST_INDENT]
        yield
        self._indent = outer
        self.end_block()

    def _put(self, text: str) -> None:
        if self._indent:
            text = _LINE_END.sub(f"\n{self._indent}", text)
            self._parts.append(self._indent if self._line_ends else "")
        self._parts.append(text)
        self._line_ends = 0
        self._is_after_marker = self._is_space_due = False

    def _end(self, count: int) -> None:
        if not self._is_after_marker and self._line_ends < count:
            self._parts.append("\n" * (count - self._line_ends))
            self._line_ends = count
        self._is_space_due = False


def fence(code: str, language: str = "") -> str:
    """Code between fences that are longer than any in it."""
    longest = max((len(found) for found in _FENCES.findall(code)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{language}\n{code.strip(chr(10))}\n{marks}"
