r"""Definitions of AsciiDoc: items of description lists, `term::` with what explains it.

It ends at the next term of the same mark, or at a paragraph that neither is indented nor attached by a line with a plus
sign (docs.asciidoctor.org, "Description Lists" and "Complex List Items").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentkit.chunkers.chunk import Section

_LINE = re.compile(r"^.*\S.*$", re.MULTILINE)
_TERM = re.compile(r"[ \t]*(?:\[\[[^\]\n]*\]\])?(?P<term>\S.*?)(?P<mark>:{2,4}|;;)(?:[ \t]+|$)(?P<text>.*)")
_BLOCK = re.compile(r"(?:([-.+/=*_])\1{3,}|--|```|[|,:!]===)[ \t]*$")
_OPEN_BLOCK = "--"
_WITH_NEXT = re.compile(r"\+$|\[.*\]$|\.[^\s.]|//|=+\s|-+$|~+$|\^+$")
"""Lines that belong to what is right below them: a plus sign, attributes, titles and headings."""
_INSIDE = re.compile(r"\s|(?:[*.-]+|\d+\.|<\d+>)\s|\+\s*$|//|(?:ifdef|ifndef|ifeval|endif|include)::")
"""How lines begin that belong to the item above also behind a blank line."""


@dataclass(slots=True)
class _Definition:
    start: int
    last: int
    """Where the last of its terms begins."""
    term: str
    mark: str
    has_text: bool


def asciidoc_definitions(text: str, section: Section) -> Iterator[tuple[Section, int]]:
    """The outermost definitions of a section, each under the last of its terms; and where that begins."""
    current: _Definition | None = None
    block = previous = ""
    is_in_open_block = False
    after = section.start
    lines = [(found.start(), found[0].rstrip()) for found in _LINE.finditer(text, section.start, section.end)]
    for at, line in lines:
        is_apart = not previous or text.count("\n", after, at) > 1
        after = at + len(line)
        above, previous = "" if is_apart else previous, line
        if block:
            block = "" if line == block else block
            continue
        term = _TERM.match(line) if current or not above or _WITH_NEXT.match(above) else None
        is_block = not term and _BLOCK.match(line) and not _is_underline(line, above)
        closes = is_block and line == _OPEN_BLOCK and is_in_open_block
        if current and (closes or (is_apart and not term and not _INSIDE.match(line)) or _is_next(term, current)):
            yield section.under(current.term, current.start, at), current.last
            current = None
        if term and (current is None or term["mark"] == current.mark):
            start = current.start if current else at
            current = _Definition(start, at, term["term"].strip(), term["mark"], bool(term["text"]))
        elif is_block and line == _OPEN_BLOCK and not current:
            is_in_open_block = not is_in_open_block
        elif current:
            current.has_text = True
        if is_block and (current or line != _OPEN_BLOCK):
            block = line
    if current:
        yield section.under(current.term, current.start, section.end), current.last


def _is_next(term: "re.Match[str] | None", current: _Definition) -> bool:
    """Whether it is the term of another definition, and no second one of the same."""
    return term is not None and term["mark"] == current.mark and current.has_text


def _is_underline(line: str, above: str) -> bool:
    return bool(above) and not _WITH_NEXT.match(above) and abs(len(above) - len(line)) <= 2
