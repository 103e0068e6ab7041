"""Source code to sections, one a definition: a chunk is a function or a class where it fits, with its name as heading.

Python is parsed with `ast`. A file that does not parse, and every other language, is cut before lines that are not
indented and follow a blank line: there a definition begins, with its comment, in every language that people indent.
"""

import ast
import re
import warnings
from collections.abc import Iterator

from agentkit.chunkers.chunk import Section

_LARGEST_PARSED = 2_000_000
"""Characters. A syntax tree takes about a hundred times the memory of its source."""
_TOP_LEVEL = re.compile(r"(?<=\n)[ \t]*\n(?=[^\s})\]])")
"""A blank line before one that is not indented, nor the end of a block."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code_sections(text: str, language: str, *, max_chars: int) -> list[Section]:
    """The sections of a source file in order; together they cover it. A class longer than `max_chars` is cut into
    its methods; in other languages than Python, short neighbours share a section.
    """
    if language != "python" or len(text) > _LARGEST_PARSED:
        return _top_level_sections(text, max_chars)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in somebody else's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _top_level_sections(text, max_chars)
    lines = _line_starts(text)
    return [section for section in _cut(tree.body, 0, len(text), (), lines, max_chars) if section.end > section.start]


def _top_level_sections(text: str, max_chars: int) -> list[Section]:
    """As many whole top-level blocks a section as fit in `max_chars`, one at least."""
    sections = []
    start = end = 0
    for block_end in (*(blank.end() for blank in _TOP_LEVEL.finditer(text)), len(text)):
        if end > start and block_end - start > max_chars:
            sections.append(Section(start, end))
            start = end
        end = block_end
    return [*sections, Section(start, end)]


def _cut(
    body: list[ast.stmt], start: int, end: int, names: tuple[str, ...], lines: list[int], max_chars: int
) -> Iterator[Section]:
    """Sections of `body`, which fills the text from `start` to `end`."""
    at = start
    for statement in body:
        if not isinstance(statement, _Definition):
            continue
        first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
        begin, finish = max(at, lines[first - 1]), min(end, lines[statement.end_lineno or first])
        yield Section(at, begin, names)
        inner = (*names, statement.name)
        if isinstance(statement, ast.ClassDef) and finish - begin > max_chars:
            yield from _cut(statement.body, begin, finish, inner, lines, max_chars)
        else:
            yield Section(begin, finish, inner)
        at = max(at, finish)
    yield Section(at, end, names)


def _line_starts(text: str) -> list[int]:
    """Offset of each line as Python's parser counts lines (form feeds do not end one), and of the text's end."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return [min(start, len(text)) for start in starts]
