"""Source code to sections, one a definition: a chunk is a function or a class where it fits, with its name as heading.

Python is parsed with `ast`, the languages of `definitions.py` by tree-sitter. A file that does not parse, and every
other language, is cut before lines that are not indented and follow a blank line: there a definition begins, with its
comment, in every language that people indent.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from agentkit.chunkers.chunk import Section
from agentkit.chunkers.definitions import Definition, definitions

_LARGEST_PARSED = 2_000_000
"""Characters of Python. A syntax tree takes about a hundred times the memory of its source."""
_TOP_LEVEL = re.compile(r"(?<=\n)[ \t]*\n(?=[^\s})\]])")
"""A blank line before one that is not indented, nor the end of a block."""
_BELONGS_BELOW = re.compile(r"[ \t]*(?://|/\*|\*|\#|@|--|\[|template\b)")
"""A line that goes with the definition right below it: a comment, an annotation, a template's parameters."""
_REST_OF_LINE = re.compile(r"[ \t;,)\]}]*(?://[^\n]*|\#[^\n]*|--[^\n]*|/\*[^\n]*\*/[ \t]*)?(?:\n|\Z)")
"""What can stand behind a definition on its last line and goes with it."""
_LONGEST_PREFIX = 200
"""Of what stands before a definition on its line, such as `export default`; minified code has megabytes there."""

_PythonDefinition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code_sections(text: str, language: str, *, max_chars: int) -> list[Section]:
    """The sections of a source file in order; together they cover it. A definition longer than `max_chars` is cut into
    those within it (in Python a class only); where none are known, short neighbours share a section.
    """
    if language == "python":
        found = _python_definitions(text)
    elif (parsed := definitions(text, language)) is not None:
        found = list(_whole_lines(text, parsed))
    else:
        found = None
    if found is None:
        return _top_level_sections(text, max_chars)
    return [section for section in _cut(found, 0, len(text), (), max_chars) if section.end > section.start]


def _cut(
    found: Sequence[Definition], start: int, end: int, names: tuple[str, ...], max_chars: int
) -> Iterator[Section]:
    """Sections of the text from `start` to `end`, which the definitions stand in."""
    at = start
    for definition in found:
        begin, finish = max(at, definition.start), min(end, definition.end)
        if finish <= begin:
            continue
        yield Section(at, begin, names)
        inner = (*names, definition.name)
        if definition.inner and finish - begin > max_chars:
            yield from _cut(definition.inner, begin, finish, inner, max_chars)
        else:
            yield Section(begin, finish, inner)
        at = finish
    yield Section(at, end, names)


def _whole_lines(text: str, found: Sequence[Definition]) -> Iterator[Definition]:
    """The definitions with what goes with them: the rest of their lines, and the comments right above."""
    for definition in found:
        start = text.rfind("\n", 0, definition.start) + 1
        if definition.start - start > _LONGEST_PREFIX:
            start = definition.start
        while start and _BELONGS_BELOW.match(text, above := text.rfind("\n", 0, start - 1) + 1, start):
            start = above
        rest = _REST_OF_LINE.match(text, definition.end)
        end = rest.end() if rest else definition.end
        yield Definition(start, end, definition.name, list(_whole_lines(text, definition.inner)))


def _python_definitions(text: str) -> list[Definition] | None:
    """None for what is no Python."""
    if len(text) > _LARGEST_PARSED:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in somebody else's code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return list(_of_python(tree.body, text, _line_starts(text)))


def _of_python(body: Sequence[ast.stmt], text: str, lines: Sequence[int]) -> Iterator[Definition]:
    for statement in body:
        if not isinstance(statement, _PythonDefinition):
            continue
        first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
        comment = " " * statement.col_offset + "#"
        while first > 1 and text.startswith(comment, lines[first - 2]):
            first -= 1
        inner = list(_of_python(statement.body, text, lines)) if isinstance(statement, ast.ClassDef) else []
        yield Definition(lines[first - 1], lines[statement.end_lineno or first], statement.name, inner)


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


def _line_starts(text: str) -> list[int]:
    """Offset of each line as Python's parser counts lines (form feeds do not end one), and of the text's end."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return [min(start, len(text)) for start in starts]
