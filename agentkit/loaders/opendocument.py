"""ODT to Markdown-flavoured text: headings, lists, tables and notes in the order of the document.

Read from `content.xml` itself (OASIS OpenDocument 1.3, part 3). Left out: headers, footers, comments, tracked changes,
and what is said of pictures.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.merged import Cell, unmerged
from agentkit.loaders.odt_numbering import LABEL, number_lists
from agentkit.loaders.packages import (
    DAMAGES,
    attribute,
    check_package,
    local_name,
    parse_xml,
    read_member,
    whole_number,
)
from agentkit.loaders.text import SOFT_HYPHEN, damage, normalize

_NOT_TEXT = frozenset({"annotation", "annotation-end", "tracked-changes", "note-citation", "sequence-decls", "forms"})
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
"""Of a picture's title and description, which do not stand in the text."""
_ROW_GROUPS = frozenset({"table-header-rows", "table-rows", "table-row-group"})
_TABLE_PARTS = _ROW_GROUPS | {"table", "table-row", "table-cell", "covered-table-cell"}
_MOST_SPACES = 100
_MOST_COLUMNS = 1000


def load_odt(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not an ODT, encrypted, damaged, a zip bomb, or without text.
    """
    from lxml.etree import LxmlError

    try:
        check_package(path, "ODT", "content.xml")
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            manifest = "META-INF/manifest.xml"
            if manifest in names and b"encryption-data" in read_member(archive, manifest):
                raise DocumentError("encrypted ODT: save a copy without its password")
            body = parse_xml(read_member(archive, "content.xml"))
            styles = [parse_xml(read_member(archive, "styles.xml"))] if "styles.xml" in names else []
            meta = parse_xml(read_member(archive, "meta.xml")) if "meta.xml" in names else None
        number_lists(body, *styles, body)
        blocks = list(_blocks(body, 0))
        title = next((e.text or "" for e in (() if meta is None else meta.iter()) if local_name(e) == "title"), "")
    except (LxmlError, *DAMAGES) as error:
        raise damage("ODT", error) from error
    text = normalize("\n\n".join(block for block in blocks if block.strip())).replace(SOFT_HYPHEN, "")
    if not text.strip():
        raise DocumentError("no text in it")
    return text, title.strip()


def _blocks(container: Any, list_level: int) -> Iterator[str]:
    """Blocks of a container, as lxml elements (lxml has no types for them)."""
    for element in container:
        name = local_name(element)
        if name == "h":
            level = max(1, min(6, _number(element, "outline-level")))
            text = " ".join(_text(element).split())
            yield " ".join(filter(None, ("#" * level, element.get(LABEL), text))) if text else ""
        elif name == "p":
            yield _text(element).strip()
        elif name == "list" and not any(local_name(inner) == "h" for inner in element.iter()):  # else it numbers them
            yield "\n".join(_items(element, list_level))
        elif name == "table":
            yield "\n".join(_rows(element))
        elif name and name not in _NOT_TEXT:
            yield from _blocks(element, list_level)


def _items(element: Any, level: int) -> Iterator[str]:
    for item in element:
        mark = f"{item.get(LABEL) or '-'} "
        for child in item:
            for block in filter(str.strip, _blocks([child], level + 1)):
                yield block if local_name(child) == "list" else f"{'  ' * level}{mark}{block}"
                mark = "  "


def _rows(table: Any) -> Iterator[str]:
    """`| a | b |` a row, the first taken as the header."""
    is_first = True
    for texts in unmerged(map(_cells, _own_rows(table))):
        if any(texts):
            yield "| " + " | ".join(texts) + " |"
            if is_first:
                yield "|" + " --- |" * len(texts)
            is_first = False


def _cells(row: Any) -> Iterator[Cell]:
    cells = [cell for cell in row if local_name(cell) == "table-cell"][:_MOST_COLUMNS]
    for cell in cells:
        text = " ".join(" ".join(_in_cell(cell)).split()).replace("|", "\\|")
        yield text, _number(cell, "number-columns-spanned"), _number(cell, "number-rows-spanned")


def _number(element: Any, name: str) -> int:
    """An attribute's, 1 where there is none."""
    return whole_number(attribute(element, name), 1)


def _own_rows(table: Any) -> Iterator[Any]:
    """The table's own rows, not those of tables in its cells."""
    for element in table:
        if local_name(element) == "table-row":
            yield element
        elif local_name(element) in _ROW_GROUPS:
            yield from _own_rows(element)


def _in_cell(container: Any) -> Iterator[str]:
    """A table inside of a cell is read as running text."""
    for element in container:
        if local_name(element) in _TABLE_PARTS:
            yield from _in_cell(element)
        else:
            yield from _blocks([element], 0)


def _text(element: Any) -> str:
    return "".join(_pieces(element))


def _pieces(element: Any) -> Iterator[str]:
    """The text of a paragraph, the paragraphs of its text boxes and notes on lines of their own."""
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name == "s":
            yield " " * min(_MOST_SPACES, _number(child, "c"))
        elif name in {"tab", "line-break"}:
            yield "\t" if name == "tab" else "\n"
        elif name == "note-body":
            yield f" ({' '.join(_text(child).split())})"
        elif name in {"p", "h"}:
            yield f"\n{_text(child)}\n"
        elif name and name not in _NOT_TEXT and not child.tag.startswith(_SVG):
            yield from _pieces(child)
        yield child.tail or ""
