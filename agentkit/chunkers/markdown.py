"""Markdown to sections, one a heading: a chunk never spans two bodies of text, and knows the headings above it.

Headings are ATX (`## Title`) and setext (underlined) as in CommonMark; those inside fenced code are code. A heading
without a body of its own goes with the section below it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentkit.chunkers.chunk import Section

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    end: int
    """Of its line or lines."""
    level: int
    title: str


def markdown_sections(text: str) -> list[Section]:
    """The sections of a Markdown text in order; together they cover it."""
    sections: list[Section] = []
    above: list[_Heading] = []
    start = body_start = 0
    for heading in _headings(text):
        if text[body_start : heading.start].strip():
            sections.append(Section(start, heading.start, _titles(above)))
            start = heading.start
        above = [*(higher for higher in above if higher.level < heading.level), heading]
        body_start = heading.end
    sections.append(Section(start, len(text), _titles(above)))
    return sections


def _titles(headings: list[_Heading]) -> tuple[str, ...]:
    return tuple(heading.title for heading in headings if heading.title)


def _headings(text: str) -> Iterator[_Heading]:
    fence = ""
    previous, previous_start = "", 0
    at = _front_matter_end(text)
    for line in text[at:].splitlines(keepends=True):
        end = at + len(line)
        bare = line.rstrip("\n")
        if marker := _FENCE.match(bare):
            if not fence:
                fence = marker[1]
            elif marker[1].startswith(fence) and not bare[marker.end() :].strip():
                fence = ""
            bare = ""
        elif fence:
            bare = ""
        elif found := _ATX.match(bare):
            yield _Heading(at, end, len(found[1]), (found[2] or "").strip())
            bare = ""
        elif (
            (found := _SETEXT.match(bare))
            and previous.strip()
            and not previous.lstrip().startswith(("-", "|", ">", "*"))
        ):
            yield _Heading(previous_start, end, 1 if found[1][0] == "=" else 2, previous.strip())
            bare = ""
        previous, previous_start, at = bare, at, end


def _front_matter_end(text: str) -> int:
    """Front matter stands between two lines of dashes at the very beginning; it holds no headings."""
    found = re.match(r"---\n.*?\n---\n", text, re.DOTALL)
    return found.end() if found else 0
