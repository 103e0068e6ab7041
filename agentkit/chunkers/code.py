"""Source code to sections, one a definition: a chunk is a function or a class where it fits, with its name as heading.

Python is parsed with `ast`; a file that does not parse, and every other language, is cut at blank lines like text.
"""

import ast
import warnings
from collections.abc import Iterator

from agentkit.chunkers.chunk import Section

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code_sections(text: str, language: str, *, max_chars: int) -> list[Section]:
    """The sections of a source file in order; together they cover it. A class longer than `max_chars` is cut into
    its methods.
    """
    if language != "python":
        return [Section(0, len(text))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in somebody else's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [Section(0, len(text))]
    lines = _line_starts(text)
    return [section for section in _cut(tree.body, 0, len(text), (), lines, max_chars) if section.end > section.start]


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
