"""Long definitions of terms: the term is among the headings of what explains it.

Documentation of functions and settings is made of them. Without its term the fourth paragraph of one, "Changed in
version 3.10", tells nobody anything. As the loader of HTML writes them, a term stands on lines of its own, and its
definition right below, further to the right.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from agentkit.chunkers.asciidoc_terms import asciidoc_definitions
from agentkit.chunkers.chunk import Section
from agentkit.chunkers.rst_terms import rst_definitions

_LINE = re.compile(r"^( *)(\S.*)", re.MULTILINE)
_NO_TERM = re.compile(r"[-|#]|\d+\. ")
"""How lines begin that are items of lists, rows or headings."""
_FENCE = re.compile(r"`{3,}")


def with_terms(text: str, sections: Iterable[Section], form: str, *, max_chars: int) -> Iterator[Section]:
    """The sections, with definitions that are longer than half a chunk cut out of those that are longer than one.
    Together they cover the same text. `form`: one of `FIND_DEFINITIONS`.
    """
    for section in sections:
        at = section.start
        if section.end - section.start > max_chars:
            for found, term in FIND_DEFINITIONS[form](text, section):
                if found.end - found.start > max_chars // 2:
                    if at > section.start or len(text[at : found.start].strip()) > max_chars // 10:
                        yield Section(at, found.start, section.heading_path)
                        at = found.start
                    yield from _below_term(text, at, found, term, form, max_chars)
                    at = found.end
        yield Section(at, section.end, section.heading_path)


def _below_term(text: str, start: int, found: Section, term: int, form: str, max_chars: int) -> Iterator[Section]:
    """A definition, with those that it holds cut out of what is below its term. The term, and what is between it and
    `start`, such as a heading, stand with what follows.
    """
    inner: list[Section] = []
    if found.end - found.start > max_chars:
        below = text.find("\n", term) + 1 or len(text)
        inner = list(with_terms(text, [Section(below, found.end, found.heading_path)], form, max_chars=max_chars))
    first, *rest = [section for section in inner if section.end > section.start] or [found]
    yield Section(start, first.end, first.heading_path)
    yield from rest


def _definitions(text: str, section: Section) -> Iterator[tuple[Section, int]]:
    """The outermost ones of a section, whose terms begin as far to the right as its first line; and where the last term
    of each begins.
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
                yield section.under(term, terms[0][0], at), last
            if is_inside or is_apart or _NO_TERM.match(line):
                terms = []
            is_inside = False
            fence = found[0] if (found := _FENCE.match(line)) else ""
            if not fence and indent == outer and not _NO_TERM.match(line):
                terms.append((at, line))


def _lines(text: str, section: Section) -> Iterator[tuple[int, int, str]]:
    """Start, indentation and text of each line that is not blank."""
    return ((found.start(), len(found[1]), found[2]) for found in _LINE.finditer(text, section.start, section.end))


FIND_DEFINITIONS: dict[str, Callable[[str, Section], Iterator[tuple[Section, int]]]] = {
    "html": _definitions,
    "epub": _definitions,
    "rst": rst_definitions,
    "asciidoc": asciidoc_definitions,
}
"""By the `format` of a document: what gives the outermost definitions of a section, each under its term, and where
that term begins.
"""
