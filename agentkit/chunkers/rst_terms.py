r"""Definitions of reStructuredText: items of definition lists, and Sphinx's descriptions of functions, options etc.

A term is a line by itself with what explains it right below, further to the right (docutils, "Definition Lists"); a
description is a directive such as `.. function:: find(x)` with its body further to the right (Sphinx, "Domains").
"""

import re
from collections.abc import Iterator

from agentkit.chunkers.chunk import Section

_LINE = re.compile(r"^([ \t]*)(\S.*)", re.MULTILINE)
_DIRECTIVE = re.compile(r"\.\.[ \t]+(?:[\w+]+:)?([\w-]+)::(?:[ \t]+(\S.*))?$")
_DESCRIPTIONS = frozenset({
    "attribute", "class", "classmethod", "cmdoption", "command", "confval", "data", "decorator", "decoratormethod",
    "describe", "directive", "enum", "enumerator", "envvar", "event", "exception", "function", "genex", "macro",
    "member", "method", "object", "opcode", "option", "property", "role", "setting", "signature", "staticmethod",
    "struct", "type", "union", "var", "variable",
})  # fmt: skip
_NO_TERM = re.compile(
    r"(?:[-*+\u2022]|\(?(?:\d+|[A-Za-z#])[.)]|\.\.|\.\.\.|>>>)(?:\s|$)|\||\+-|:[^:`]+:(?:\s|$)|\W*$|__\s|.*::$"
)
"""Lines that begin items of lists, directives, tables, fields or code, and rules."""


def rst_definitions(text: str, section: Section) -> Iterator[tuple[Section, int]]:
    """The outermost definitions of a section, whose terms begin as far to the left as any line; and where each term
    begins.
    """
    found = _LINE.finditer(text, section.start, section.end)
    lines = [(line.start(), len(line[1]), line[2].rstrip()) for line in found]
    outer = min((indent for _, indent, _ in lines), default=0)
    start, term = 0, ""
    may_be_apart = is_inside = is_in_paragraph = False
    after = section.start
    for at, indent, line in [*lines, (section.end, outer, "..")]:
        is_apart = text.count("\n", after, at) > 1
        after = at + len(line)
        if indent > outer:
            is_inside = is_inside or bool(term and (may_be_apart or not is_apart))
            term = term or (line if may_be_apart else "")
            is_in_paragraph = False
            continue
        if is_inside:
            yield section.under(term, start, at), start
        directive = _DIRECTIVE.match(line)
        may_be_apart = directive is not None and directive[1] in _DESCRIPTIONS
        is_term = not _NO_TERM.match(line) and (is_apart or not is_in_paragraph)
        term = (directive[2] or "") if directive and may_be_apart else line if is_term else ""
        is_inside, is_in_paragraph = False, True
        start = at
