"""Markdown tables that are longer than a chunk: what follows the first rows has the header row among its headings.

So a row is embedded, and shown to a model, with what its columns mean; the text itself stays a span of the document.
"""

import re
from collections.abc import Iterable, Iterator

from agentkit.chunkers.chunk import Section

_TABLE = re.compile(
    r"^(?P<header>[ \t]*+\|.*+)\n[ \t]*+\|[ \t]*+:?-[-:| \t]*+\n(?P<rows>(?:[ \t]*+\|.*+(?:\n|\Z))++)", re.MULTILINE
)
_LONGEST_HEADER = 200


def with_table_headers(text: str, sections: Iterable[Section], *, max_chars: int) -> Iterator[Section]:
    """The sections, with those cut that are longer than `max_chars` and hold a table: before it, unless only a line
    such as a heading stands there, and after the rows that fit into half a chunk. Together they cover the same text.
    """
    for section in sections:
        at = section.start
        if section.end - section.start > max_chars:
            for table in _TABLE.finditer(text, section.start, section.end):
                rows = text.rfind("\n", table.start("rows"), min(table.start() + max_chars // 2, table.end())) + 1
                first = rows or text.find("\n", table.start("rows"), table.end()) + 1 or table.end()
                if len(text[at : table.start()].strip()) > max_chars // 10:
                    yield Section(at, table.start(), section.heading_path)
                    at = table.start()
                yield Section(at, first, section.heading_path)
                yield Section(first, table.end(), (*section.heading_path, _shown(table["header"])))
                at = table.end()
        yield Section(at, section.end, section.heading_path)


def _shown(header: str) -> str:
    cells = (" ".join(cell.split()) for cell in header.strip().strip("|").split("|"))
    return " | ".join(cell for cell in cells if cell)[:_LONGEST_HEADER]
