"""PPTX to Markdown-flavoured text: a heading a slide, then its shapes, tables, charts and speaker's notes.

A chart is the table of its figures. Left out: pictures and SmartArt, which have no running text that python-pptx reads.
"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.merged import Cell, unmerged
from agentkit.loaders.packages import DAMAGES, check_package
from agentkit.loaders.text import damage, normalize


def load_pptx(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not a PPTX, damaged, a zip bomb, or without text.
    """
    from lxml.etree import LxmlError
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        check_package(path, "PPTX", "ppt/presentation.xml")
        deck = Presentation(str(path))
        slides = [list(_slide(number, slide)) for number, slide in enumerate(deck.slides, start=1)]
        title = (deck.core_properties.title or "").strip()
    except (PythonPptxError, LxmlError, *DAMAGES) as error:
        raise damage("PPTX", error) from error
    if all(len(blocks) == 1 and blocks[0].startswith("# Slide ") for blocks in slides):
        raise DocumentError("no text in it")
    if title == "PowerPoint Presentation":  # what the program writes where nobody gave one
        title = ""
    return normalize("\n\n".join(block for blocks in slides for block in blocks)), title


def _slide(number: int, slide: Any) -> Iterator[str]:
    """The blocks of a slide, its heading first (python-pptx has no types)."""
    title = slide.shapes.title
    name = " ".join(title.text_frame.text.split()) if title is not None else ""
    yield f"# {name or f'Slide {number}'}"
    skip = title.shape_id if title is not None else None
    yield from _shapes(shape for shape in slide.shapes if shape.shape_id != skip)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield f"Notes: {notes}"


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shapes(shape.shapes)
        elif getattr(shape, "has_table", False):
            yield "\n".join(_rows(shape.table))
        elif getattr(shape, "has_chart", False):
            yield from filter(None, _chart(shape))
        elif shape.has_text_frame:
            lines = [_line(paragraph) for paragraph in shape.text_frame.paragraphs]
            if text := "\n".join(filter(None, lines)):
                yield text


def _chart(shape: Any) -> list[str]:
    """Its title, and a table of the figures of each plot: a row a category, a column a series. Nothing of a kind that
    python-pptx does not know.
    """
    try:
        chart = shape.chart
        title = " ".join(chart.chart_title.text_frame.text.split()) if chart.has_title else ""
        return [title, *("\n".join(_figures(plot)) for plot in chart.plots)]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _figures(plot: Any) -> Iterator[str]:
    """Left out: points, which have a place instead of a category."""
    if not (labels := [" ".join(map(str, levels)) for levels in plot.categories.flattened_labels]):
        return
    columns = [(one.name, one.values) for one in plot.series]
    yield _row(["", *(name for name, _ in columns)])
    yield "|" + " --- |" * (len(columns) + 1)
    for label, *values in zip_longest(labels, *(values for _, values in columns)):
        yield _row([label or "", *("" if value is None else f"{value:.15g}" for value in values)])


def _row(texts: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(text.split()).replace("|", "\\|") for text in texts) + " |"


def _line(paragraph: Any) -> str:
    text = paragraph.text.replace("\v", "\n").strip()
    return f"{'  ' * (paragraph.level - 1)}- {text}" if text and paragraph.level else text


def _rows(table: Any) -> Iterator[str]:
    cells = ((cell for cell in row.cells if not cell.is_spanned) for row in table.rows)
    rows = ((_cell(cell) for cell in row) for row in cells)
    for number, texts in enumerate(unmerged(rows)):
        yield "| " + " | ".join(texts) + " |"
        if number == 0:
            yield "|" + " --- |" * len(texts)


def _cell(cell: Any) -> Cell:
    text = " ".join(cell.text.split()).replace("|", "\\|")
    return (text, cell.span_width, cell.span_height) if cell.is_merge_origin else (text, 1, 1)
