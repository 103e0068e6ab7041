"""DOCX to Markdown-flavoured text: headings, lists, tables and notes in the order of the document.

python-docx opens the package and knows the styles. The body is walked here, because its own `paragraph.text` leaves out
what tracked changes inserted, content controls, text boxes, equations and nested tables. Left out: headers, footers,
comments, and what a tracked change deleted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentkit.errors import DocumentError
from agentkit.loaders.packages import DAMAGES, check_package, local_name
from agentkit.loaders.text import damage, normalize

if TYPE_CHECKING:
    from docx.document import Document

_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOT_TEXT = frozenset({"pPr", "rPr", "del", "moveFrom", "Fallback", "tblPr", "tcPr"})
"""`Fallback` repeats, for older programs, the text of the `Choice` beside it."""
_WRAPPERS = frozenset({"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"})

_IN_CELL = _WRAPPERS | {"p", "tbl", "tr", "tc"}


def load_docx(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not a DOCX, damaged, a zip bomb, or without text.
    """
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        check_package(path, "DOCX", "word/document.xml")
        document = docx.Document(str(path))
        blocks = [*_blocks(document.element.body, document), *_notes(document)]
        title = (document.core_properties.title or "").strip()
    except (OpcError, LxmlError, *DAMAGES) as error:
        # A damaged package also raises what its parsers stumble over.
        raise damage("DOCX", error) from error
    text = normalize("\n\n".join(block for block in blocks if block.strip()))
    if not text.strip():
        raise DocumentError("no text in it")
    return text, title


def _blocks(container: Any, document: "Document") -> Iterator[str]:
    """Paragraphs and tables of a body, a cell or a note, as lxml elements (python-docx gives them no types)."""
    for element in container:
        name = local_name(element)
        if name == "p":
            yield _paragraph(element, document)
        elif name == "tbl":
            yield "\n".join(_table(element, document))
        elif name in _WRAPPERS:
            yield from _blocks(element, document)


def _paragraph(element: Any, document: "Document") -> str:
    from docx.text.paragraph import Paragraph

    text = "".join(_pieces(element)).strip()
    if not text:
        return ""
    style = Paragraph(element, document).style
    while style is not None:  # a house style is based on the built-in one
        name = style.name or ""
        if name == "Title":
            return f"# {' '.join(text.split())}"
        if name.startswith("Heading ") and name[8:].isdecimal():
            return f"{'#' * max(1, min(6, int(name[8:])))} {' '.join(text.split())}"
        if name.startswith("List"):
            return f"- {text}"
        style = style.base_style
    is_item = element.pPr is not None and element.pPr.numPr is not None
    return f"- {text}" if is_item else text


def _pieces(element: Any) -> Iterator[str]:
    """The text of a paragraph, that of its text boxes on lines of their own."""
    for child in element:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name in {"footnoteReference", "endnoteReference"}:
            yield f"[^{_note_label(child)}]"
        elif name == "p":
            yield "\n"
            yield from _pieces(child)
            yield "\n"
        elif name not in _NOT_TEXT:
            yield from _pieces(child)


def _table(table: Any, document: "Document") -> Iterator[str]:
    """`| a | b |` a row, the first taken as the header. A cell that is merged downwards repeats its text."""
    above: dict[int, str] = {}
    for number, row in enumerate(_inside(table, "tr")):
        texts: list[str] = []
        column = 0
        for cell in _inside(row, "tc"):
            text = " ".join(_cell_text(cell, document).split()).replace("|", "\\|")
            above[column] = text = above.get(column, "") if cell.vMerge == "continue" else text
            texts.append(text)
            column += cell.grid_span
        yield "| " + " | ".join(texts) + " |"
        if number == 0:
            yield "|" + " --- |" * len(texts)


def _cell_text(container: Any, document: "Document") -> str:
    """A table inside of a cell is read as running text."""
    return " ".join(
        _paragraph(element, document) if local_name(element) == "p" else _cell_text(element, document)
        for element in container
        if local_name(element) in _IN_CELL
    )


def _notes(document: "Document") -> Iterator[str]:
    """Footnotes and endnotes, as Markdown writes them."""
    from docx.oxml import parse_xml

    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in {"footnotes", "endnotes"} and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                text = " ".join(" ".join(_blocks(note, document)).split())
                if text:
                    yield f"[^{_note_label(note)}]: {text}"


def _note_label(element: Any) -> str:
    """Footnotes are counted from 1 and endnotes too: `1` and `e1`."""
    number = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
    return f"e{number}" if local_name(element).startswith("endnote") else number


def _inside(element: Any, wanted: str) -> Iterator[Any]:
    """Children of a name, also those that a tracked change or a content control wraps."""
    for child in element:
        if local_name(child) == wanted:
            yield child
        elif local_name(child) in _WRAPPERS:
            yield from _inside(child, wanted)
