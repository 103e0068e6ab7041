"""DOCX to Markdown-flavoured text: headings, lists and tables in the order of the document."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.text import normalize

_MOST_UNPACKED_BYTES = 200_000_000
_LARGEST_RATIO = 200
"""Unpacked to packed size of one member; text rarely passes 20, a zip bomb passes 1,000."""


def load_docx(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not a DOCX, damaged, a zip bomb, or without text.
    """
    _check_archive(path)
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        document = docx.Document(str(path))
        blocks = [_heading_or_text(item) if hasattr(item, "style") and hasattr(item, "runs") else _table(item)
                  for item in document.iter_inner_content()]  # fmt: skip
        title = (document.core_properties.title or "").strip()
    except (OpcError, LxmlError, zipfile.BadZipFile, KeyError, ValueError, OSError, AttributeError) as error:
        raise DocumentError(f"damaged DOCX: {type(error).__name__}: {str(error).partition(chr(10))[0]}") from error
    text = normalize("\n\n".join(block for block in blocks if block.strip()))
    if not text.strip():
        raise DocumentError("no text in it")
    return text, title


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise DocumentError(f"damaged DOCX, or not one: {error}") from error
    unpacked = sum(member.file_size for member in members)
    if unpacked > _MOST_UNPACKED_BYTES:
        raise DocumentError(f"DOCX that unpacks to {unpacked:,} bytes, over the limit of {_MOST_UNPACKED_BYTES:,}")
    if any(m.file_size > 1_000_000 and m.file_size > _LARGEST_RATIO * max(1, m.compress_size) for m in members):
        raise DocumentError("DOCX that unpacks like a zip bomb")
    if "word/document.xml" not in {member.filename for member in members}:
        raise DocumentError("not a DOCX: it has no word/document.xml")


def _heading_or_text(paragraph: object) -> str:
    text: str = paragraph.text  # type: ignore[attr-defined]  # a docx.text.paragraph.Paragraph, imported late
    style: str = getattr(paragraph.style, "name", "") or ""  # type: ignore[attr-defined]
    if not text.strip():
        return ""
    if style == "Title":
        return f"# {text.strip()}"
    if style.startswith("Heading ") and style[8:].isdigit():
        return f"{'#' * min(6, int(style[8:]))} {text.strip()}"
    return f"- {text.strip()}" if style.startswith("List") else text


def _table(table: object) -> str:
    return "\n".join(_rows(table))


def _rows(table: object) -> Iterator[str]:
    """`| a | b |` a row, the first taken as the header."""
    for number, row in enumerate(table.rows):  # type: ignore[attr-defined]  # a docx.table.Table, imported late
        cells = [" ".join(cell.text.split()).replace("|", "\\|") for cell in row.cells]
        yield "| " + " | ".join(cells) + " |"
        if number == 0:
            yield "|" + " --- |" * len(cells)
