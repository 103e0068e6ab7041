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
from agentkit.loaders.records import record_line
from agentkit.loaders.text import damage, normalize

_MOST_CELLS = 5_000_000


def load_xlsx(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not an XLSX, damaged, a zip bomb, over 5,000,000 cells, or without text.
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
    header: list[str] | None = None
    is_empty, cells = True, 0
    for row in rows:
        cells += len(row)
        if cells > _MOST_CELLS:
            raise DocumentError(f"more than {_MOST_CELLS:,} cells in a sheet")
        values = [" ".join(_shown(value).split()) for value in row]
        filled = list(filter(None, values))
        if not filled:
            continue
        if header is None and len(filled) > 1:
            header = values
        elif header is None:
            yield filled[0]
            is_empty = False
        else:
            yield record_line(header, values)
            is_empty = False
    if is_empty and header:
        yield "; ".join(filter(None, header))


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
