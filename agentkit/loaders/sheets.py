"""XLSX to text: a heading a sheet and a line a row, `column: value; column: value`, as for CSV.

Cells hold the values that the program last computed, not their formulas. The first row with two cells or more names
the columns. Left out: charts, comments and hidden sheets.
"""

import warnings
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.packages import DAMAGES, check_package
from agentkit.loaders.text import damage, normalize

_MOST_CELLS = 5_000_000
_MOST_ROWS = 1_048_576
"""Excel's own limit; openpyxl makes every row that a sheet leaves out."""
_MOST_PLACES = 20_000_000
"""Cells and the empty places before them, each of which takes some nanoseconds."""


def load_xlsx(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not an XLSX, damaged, a zip bomb, a sheet of over 5,000,000 cells, or without text.
    """
    import openpyxl
    from lxml.etree import LxmlError
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        check_package(path, "XLSX", "xl/workbook.xml")
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of extensions that openpyxl leaves out
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            for sheet in shown:
                sheet.reset_dimensions()  # what a file says of a sheet's size may be wrong
            sheets = [(sheet.title, list(_lines(sheet.iter_rows(values_only=True)))) for sheet in shown]
            title = (book.properties.title or "").strip()
    except (InvalidFileException, LxmlError, SyntaxError, *DAMAGES) as error:  # the standard parser's is a SyntaxError
        raise damage("XLSX", error) from error
    blocks = [f"# {name}\n\n" + "\n".join(lines) for name, lines in sheets if lines]
    if not blocks:
        raise DocumentError("no text in it")
    return normalize("\n\n".join(blocks)), title


def _lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Rows above the header, such as a caption, are kept as they are."""
    header: dict[int, str] = {}
    is_empty = True
    for cells in _filled(rows):
        if not header and len(cells) > 1:
            header = cells
            continue
        yield _line(header, cells) if header else next(iter(cells.values()))
        is_empty = False
    if is_empty and header:
        yield "; ".join(header.values())


def _filled(rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[int, str]]:
    """Of each row that holds something what its cells show, by the number of their column."""
    cells = places = 0
    for number, row in enumerate(rows, start=1):
        values = [(column, value) for column, value in enumerate(row, start=1) if value is not None]
        cells += len(values)
        places += len(row)
        if number > _MOST_ROWS or cells > _MOST_CELLS or places > _MOST_PLACES:
            raise DocumentError(f"more than {_MOST_CELLS:,} cells in a sheet, or too many empty ones")
        shown = ((column, " ".join(_shown(value).split())) for column, value in values)
        if filled := {column: text for column, text in shown if text}:
            yield filled


def _line(header: dict[int, str], cells: dict[int, str]) -> str:
    return "; ".join(f"{header.get(column, f'column {column}')}: {text}" for column, text in cells.items())


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat(*(" " for _ in range(isinstance(value, datetime))))
        case _:
            return str(value)
