"""DOCX to Markdown-flavoured text: headings, lists, tables and notes in the order of the document.

python-docx opens the package and knows the styles. The body is walked here, because its own `paragraph.text` leaves out
what tracked changes inserted, content controls, text boxes, equations, nested tables and the numbers of lists and
headings. Left out: headers, footers, comments, and what a tracked change deleted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentkit.errors import DocumentError
from agentkit.loaders.merged import WIDEST
from agentkit.loaders.numbering import NO_LIST, Numbering, list_of
from agentkit.loaders.packages import DAMAGES, check_package, local_name
from agentkit.loaders.text import SOFT_HYPHEN, damage, normalize

if TYPE_CHECKING:
    from docx.document import Document

_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOT_TEXT = frozenset({"pPr", "rPr", "del", "moveFrom", "Fallback", "tblPr", "tcPr"})
"""`Fallback` repeats, for older programs, the text of the `Choice` beside it."""
_POWER = re.compile(r"[-+\u2212]?\d{1,4}")
"""Above the line, which would be read with the number before it."""
_WRAPPERS = frozenset({"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"})

_IN_CELL = _WRAPPERS | {"p", "tbl", "tr", "tc"}
_DEEPEST_STYLE = 20
"""Styles that are based on one another; Word allows for eleven."""


@dataclass(frozen=True, slots=True)
class _Style:
    mark: str
    number: str
    level: str


@dataclass(frozen=True, slots=True)
class _Marks:
    """What stands before paragraphs, by the id of their style; None is the style of one that names none."""

    styles: dict[str | None, _Style]
    numbering: Numbering

    def before(self, paragraph: Any) -> str:
        """Of each paragraph in turn: they are counted."""
        style = self.styles.get(paragraph.style, self.styles[None])
        number, level = list_of(paragraph.pPr)
        number = number or style.number
        label = self.numbering.label(number, level or style.level, paragraph.style or "")
        if style.mark.startswith("#"):
            return f"{style.mark}{label} " if label else style.mark
        is_item = number != NO_LIST and (number or style.mark)
        return f"{label or '-'} " if is_item else ""


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
        marks = _marks(document)
        blocks = [*_blocks(document.element.body, marks), *_notes(document, marks)]
        title = (document.core_properties.title or "").strip()
    except (OpcError, LxmlError, *DAMAGES) as error:
        # A damaged package also raises what its parsers stumble over.
        raise damage("DOCX", error) from error
    text = normalize("\n\n".join(block for block in blocks if block.strip())).replace(SOFT_HYPHEN, "")
    if not text.strip():
        raise DocumentError("no text in it")
    return text, title


def _marks(document: "Document") -> _Marks:
    """Told once: python-docx goes through all styles for each paragraph that it is asked about."""
    from docx.enum.style import WD_STYLE_TYPE

    styles = [style for style in document.styles if style.type == WD_STYLE_TYPE.PARAGRAPH]
    default = document.styles.default(WD_STYLE_TYPE.PARAGRAPH)
    numbering = Numbering(next(_parts(document, "numbering"), None))
    return _Marks({style.style_id: _style(style) for style in styles} | {None: _style(default)}, numbering)


def _style(style: Any) -> _Style:
    """A house style is based on the built-in one."""
    mark = number = level = ""
    for _ in range(_DEEPEST_STYLE):
        if style is None:
            break
        mark = mark or _mark(style.name or "")
        own = list_of(style.element.pPr)
        number, level = number or own[0], level or own[1]
        style = style.base_style
    return _Style(mark, number, level)


def _mark(name: str) -> str:
    if name == "Title":
        return "# "
    if name.startswith("Heading ") and name[8:].isdecimal():
        return f"{'#' * max(1, min(6, int(name[8:])))} "
    return "- " if name.startswith("List") else ""


def _blocks(container: Any, marks: _Marks) -> Iterator[str]:
    """Paragraphs and tables of a body, a cell or a note, as lxml elements (python-docx gives them no types)."""
    for element in container:
        name = local_name(element)
        if name == "p":
            yield _paragraph(element, marks)
        elif name == "tbl":
            yield "\n".join(_table(element, marks))
        elif name in _WRAPPERS:
            yield from _blocks(element, marks)


def _paragraph(element: Any, marks: _Marks) -> str:
    mark = marks.before(element)
    text = "".join(_pieces(element)).strip()
    return mark + (" ".join(text.split()) if mark.startswith("#") else text) if text else ""


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
        elif name == "r" and getattr(getattr(child, "rPr", None), "superscript", None):
            text = "".join(_pieces(child))
            yield f"^{text}" if _POWER.fullmatch(text) else text
        elif name == "p":
            yield "\n"
            yield from _pieces(child)
            yield "\n"
        elif name not in _NOT_TEXT:
            yield from _pieces(child)


def _table(table: Any, marks: _Marks) -> Iterator[str]:
    """`| a | b |` a row, the first taken as the header. A cell that is merged downwards repeats its text, and one that
    is merged across has it once, before empty ones.
    """
    above: dict[int, str] = {}
    for number, row in enumerate(_inside(table, "tr")):
        texts: list[str] = []
        column = 0
        for cell in _inside(row, "tc"):
            text = " ".join(_cell_text(cell, marks).split()).replace("|", "\\|")
            above[column] = text = above.get(column, "") if cell.vMerge == "continue" else text
            columns = max(1, min(WIDEST, cell.grid_span))
            texts += [text, *[""] * (columns - 1)]
            column += columns
        yield "| " + " | ".join(texts) + " |"
        if number == 0:
            yield "|" + " --- |" * len(texts)


def _cell_text(container: Any, marks: _Marks) -> str:
    """A table inside of a cell is read as running text."""
    return " ".join(
        _paragraph(element, marks) if local_name(element) == "p" else _cell_text(element, marks)
        for element in container
        if local_name(element) in _IN_CELL
    )


def _notes(document: "Document", marks: _Marks) -> Iterator[str]:
    """Footnotes and endnotes, as Markdown writes them."""
    for root in (*_parts(document, "footnotes"), *_parts(document, "endnotes")):
        for note in root:
            text = " ".join(" ".join(_blocks(note, marks)).split())
            if text:
                yield f"[^{_note_label(note)}]: {text}"


def _parts(document: "Document", kind: str) -> Iterator[Any]:
    """The roots of a document's parts of a kind."""
    from docx.oxml import parse_xml

    for relation in document.part.rels.values():
        if relation.reltype.rpartition("/")[2] == kind and not relation.is_external:
            yield parse_xml(relation.target_part.blob)


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
