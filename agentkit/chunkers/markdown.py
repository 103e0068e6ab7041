"""Markdown to sections, one a heading: a chunk never spans two bodies of text, and knows the headings above it.

Headings are ATX (`## Title`) and setext (underlined) as in CommonMark; those inside fenced code are code. A heading
without a body of its own goes with the section below it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentkit.chunkers.chunk import Section

_FENCE = re.compile(r"(?:[ \t]|[-*+>][ \t]|\d{1,9}[.)][ \t])*(`{3,}(?=[^`]*$)|~{3,})")
"""Also inside list items and quotations; a line with back quotes further on is inline code."""
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_NO_PARAGRAPH = re.compile(r"\s*$| {4}|\t|\s*(?:[-*+>|]|\d{1,9}[.)]\s)")
"""Lines that an underline below them does not make a heading."""
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?=(?:[ \t]*(?:#.*)?\n)*[\w\"'][^\n:]*:)(?:.*\n)*?---[ \t]*(?:\n|$)")
_LONGEST_TITLE = 200
"""A heading path is kept with every chunk; a line of a megabyte that begins with `#` is no title."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a Markdown text."""

    start: int
    end: int
    """Of its line or lines, the line end included."""
    level: int
    title: str


def markdown_sections(text: str) -> list[Section]:
    """The sections of a Markdown text in order; together they cover it."""
    return sections_under(text, headings(text))


def sections_under(text: str, found: Iterable[Heading]) -> list[Section]:
    """The sections that headings in order cut a text into; together they cover it."""
    sections: list[Section] = []
    above: list[Heading] = []
    start = body_start = 0
    for heading in found:
        if text[body_start : heading.start].strip():
            sections.append(Section(start, heading.start, _titles(above)))
            start = heading.start
        above = [*(higher for higher in above if higher.level < heading.level), heading]
        body_start = heading.end
    sections.append(Section(start, len(text), _titles(above)))
    return sections


def headings(text: str) -> Iterator[Heading]:
    """The headings of a Markdown text in order; neither front matter nor fenced code holds any."""
    fence = previous = ""
    at = previous_start = front_matter_end(text)
    for line in text[at:].split("\n"):
        end = min(at + len(line) + 1, len(text))
        paragraph = ""
        if marker := _FENCE.match(line):
            if not fence:
                fence = marker[1]
            elif marker[1].startswith(fence) and not line[marker.end() :].strip():
                fence = ""
        elif fence:
            pass
        elif found := _ATX.match(line):
            yield Heading(at, end, len(found[1]), _atx_title(line[found.end() :]))
        elif (found := _SETEXT.match(line)) and previous:
            yield Heading(previous_start, end, 1 if found[1][0] == "=" else 2, previous.strip()[:_LONGEST_TITLE])
        elif not _NO_PARAGRAPH.match(line):
            paragraph = line
        previous, previous_start, at = paragraph, at, end


def front_matter_end(text: str) -> int:
    """Where the body begins: after a block of `key: value` lines between two lines of dashes; 0 without one."""
    found = _FRONT_MATTER.match(text)
    return found.end() if found else 0


def _titles(above: list[Heading]) -> tuple[str, ...]:
    return tuple(heading.title for heading in above if heading.title)


def _atx_title(rest: str) -> str:
    """Without the number signs that may close the line."""
    title = rest.strip()
    bare = title.rstrip("#")
    return (bare.rstrip() if not bare or bare.endswith((" ", "\t")) else title)[:_LONGEST_TITLE]
