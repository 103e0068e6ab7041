"""ODT to Markdown-flavoured text: headings, lists, tables and notes in the order of the document.

Read from `content.xml` itself (OASIS OpenDocument 1.3, part 3). Left out: headers, footers, comments, tracked changes.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.packages import DAMAGES, check_package, local_name, parse_xml, read_member
from agentkit.loaders.text import damage, normalize

_NOT_TEXT = frozenset({"annotation", "annotation-end", "tracked-changes", "note-citation", "sequence-decls", "forms"})
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
            meta = parse_xml(read_member(archive, "meta.xml")) if "meta.xml" in names else None
        blocks = list(_blocks(body, 0))
        title = next((e.text or "" for e in (() if meta is None else meta.iter()) if local_name(e) == "title"), "")
    except (LxmlError, *DAMAGES) as error:
        raise damage("ODT", error) from error
    text = normalize("\n\n".join(block for block in blocks if block.strip()))
    if not text.strip():
        raise DocumentError("no text in it")
    return text, title.strip()


def _blocks(container: Any, list_level: int) -> Iterator[str]:
    """Blocks of a container, as lxml elements (lxml has no types for them)."""
    for element in container:
        name = local_name(element)
        if name == "h":
            level = next((v for k, v in element.attrib.items() if k.endswith("}outline-level")), "1")
            depth = max(1, min(6, int(level))) if level.isdecimal() else 1
            text = " ".join(_text(element).split())
            yield f"{'#' * depth} {text}" if text else ""
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
        blocks = [block for block in _blocks(item, level + 1) if block.strip()]
        for number, block in enumerate(blocks):
            is_nested = block.lstrip().startswith("- ") and block.startswith("  ")
            yield block if is_nested else f"{'  ' * level}{'- ' if number == 0 else '  '}{block}"


def _rows(table: Any) -> Iterator[str]:
    """`| a | b |` a row, the first taken as the header."""
    for number, row in enumerate(_own_rows(table)):
        cells = [cell for cell in row if local_name(cell) in {"table-cell", "covered-table-cell"}][:_MOST_COLUMNS]
        texts = [" ".join(" ".join(_in_cell(cell)).split()).replace("|", "\\|") for cell in cells]
        if any(texts):
            yield "| " + " | ".join(texts) + " |"
            if number == 0:
                yield "|" + " --- |" * len(texts)


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
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name == "s":
            count = next((v for k, v in child.attrib.items() if k.endswith("}c")), "1")
            yield " " * min(_MOST_SPACES, int(count) if count.isdecimal() else 1)
        elif name in {"tab", "line-break"}:
            yield "\t" if name == "tab" else "\n"
        elif name == "note-body":
            yield f" ({' '.join(_text(child).split())})"
        elif name and name not in _NOT_TEXT:
            yield from _pieces(child)
        yield child.tail or ""
