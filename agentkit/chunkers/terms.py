"""Long definitions of terms, as the loader of HTML writes them: the term is among the headings of what explains it.

A term stands on lines of its own, and its definition right below, further to the right, as documentation of functions
and settings has it. Without its term the fourth paragraph of one, "Changed in version 3.10", tells nobody anything.
"""

import re
from collections.abc import Iterable, Iterator

from agentkit.chunkers.chunk import Section

_LINE = re.compile(r"^( *)(\S.*)", re.MULTILINE)
_NO_TERM = re.compile(r"[-|#]|\d+\. ")
"""How lines begin that are items of lists, rows or headings."""
_FENCE = re.compile(r"`{3,}")
_LONGEST_TERM = 200


def with_terms(text: str, sections: Iterable[Section], *, max_chars: int) -> Iterator[Section]:
    """The sections, with definitions that are longer than half a chunk cut out of those that are longer than one.
    Together they cover the same text.
    """
    for section in sections:
        at = section.start
        if section.end - section.start > max_chars:
            for found, below in _definitions(text, section):
                if found.end - found.start > max_chars // 2:
                    if at > section.start or len(text[at : found.start].strip()) > max_chars // 10:
                        yield Section(at, found.start, section.heading_path)
                        at = found.start
                    yield from _below_term(text, at, found, below, max_chars)
                    at = found.end
        yield Section(at, section.end, section.heading_path)


def _below_term(text: str, start: int, found: Section, below: int, max_chars: int) -> Iterator[Section]:
    """A definition, with those that it holds cut out of what is below its term, from `below` on. The term, and what is
    between it and `start`, such as a heading, stand with what follows.
    """
    if found.end - found.start <= max_chars:
        yield Section(start, found.end, found.heading_path)
        return
    inner = list(with_terms(text, [Section(below, found.end, found.heading_path)], max_chars=max_chars))
    first, *rest = (section for section in inner if section.end > section.start)
    yield Section(start, first.end, first.heading_path)
    yield from rest


def _definitions(text: str, section: Section) -> Iterator[tuple[Section, int]]:
    """The outermost ones of a section, whose terms begin as far to the right as its first line; and where the line
    below each term begins.
    """
    lines = list(_lines(text, section))
    outer = lines[0][1] if lines else 0
    fence = ""
    terms: list[tuple[int, str]] = []
    is_inside = False
    after = section.start
    for at, indent, line in [*lines, (section.end, outer, "-")]:
        is_apart = text.count("\n", after, at) > 1
        after = at + len(line)
        if fence:
            fence = "" if line == fence else fence
        elif indent > outer and terms and (is_inside or not is_apart):
            is_inside = True
        else:
            if is_inside:
                last, term = terms[-1]
                yield Section(terms[0][0], at, (*section.heading_path, term)), text.find("\n", last) + 1
            if is_inside or is_apart or _NO_TERM.match(line):
                terms = []
            is_inside = False
            fence = found[0] if (found := _FENCE.match(line)) else ""
            if not fence and indent == outer and not _NO_TERM.match(line):
                terms.append((at, line[:_LONGEST_TERM]))


def _lines(text: str, section: Section) -> Iterator[tuple[int, int, str]]:
    """Start, indentation and text of each line that is not blank."""
    return ((found.start(), len(found[1]), found[2]) for found in _LINE.finditer(text, section.start, section.end))
