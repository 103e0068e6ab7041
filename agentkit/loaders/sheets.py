"""XLSX to text: a heading a sheet and a line a row, `column: value; column: value`, as for CSV.

Cells hold the values that the program last computed, not their formulas: percentages and codes with leading zeros as
they are shown, other numbers in full with their currency or unit. The first row with two cells or more names the
columns, and so does one of names alone behind an empty row, above one of figures: another table begins. A cell that is
merged down stands in each of its rows; a name that is merged across is that of all its columns, before those of the
next row.
Left out: charts, comments and hidden sheets.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal

from agentkit.errors import DocumentError
from agentkit.loaders.merged import WIDEST
from agentkit.loaders.packages import DAMAGES, check_package
from agentkit.loaders.text import damage, normalize

_MOST_CELLS = 5_000_000
_MOST_ROWS = 1_048_576
"""Excel's own limit; openpyxl makes every row that a sheet leaves out."""
_MOST_PLACES = 20_000_000
"""Cells and the empty places before them, each of which takes some nanoseconds."""
_BLOCK_BYTES = 1_000_000
_LONGEST_REFERENCE = 100
"""Bytes of a merged cell's element, which two blocks may share."""
_LONGEST_REPEATED = 200
"""Characters."""
_LONGEST_FORMAT = 255
"""Excel's own limit."""
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?\bref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
_PERCENT = re.compile(r'^(?:[^"\\%;]|"[^"]*"|\\.)*%')
"""A sign that is not quoted, in the format of positive numbers."""
_ZEROS = re.compile("0{2,20}")
_FIGURE = re.compile(r"[-+]?(?:[^\W\d_]{1,3} )?[^\w\s]?\d[\d.,:-]*(?: [\d:]+)?(?: ?[^\d\s]{1,10})?")
"""A number, a date or a time, with its unit."""
_LITERAL = re.compile(r'\[\$([^\]-]*)[^\]]*\]|"([^"]*)"|\\(.)|([$€£¥])|\[[^\]]*\]|[_*].|(?P<digit>[0#?])')
"""In the format of a number: what it shows beside the digits, and what it does not show."""
_UNIT = re.compile(r"[^\W\d_]{1,10}\.?|[$€£¥₹₽₩₺₫₴₪฿]|[^\W\d_]{0,3}[$]|°[CF]?|m[²³]|[^\W\d_]{1,5}/[^\W\d_]{1,5}")
"""A currency, or what is counted or measured."""

_Kind = Literal["caption", "header", "row"]
_Merged = dict[int, dict[int, tuple[int, int]]]
"""By the row and column that a merged cell begins at, the column and row that it ends at."""


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
            sheets = [(sheet.title, list(_lines(sheet.iter_rows(), _merged(sheet)))) for sheet in shown]
            title = (book.properties.title or "").strip()
    except (InvalidFileException, LxmlError, SyntaxError, *DAMAGES) as error:  # the standard parser's is a SyntaxError
        raise damage("XLSX", error) from error
    blocks = [f"# {name}\n\n" + "\n".join(lines) for name, lines in sheets if lines]
    if not blocks:
        raise DocumentError("no text in it")
    return normalize("\n\n".join(blocks)), title


def _merged(sheet: Any) -> _Merged:
    """Cells that are merged, which openpyxl does not tell of a sheet that it reads row by row."""
    from openpyxl.utils.cell import range_boundaries

    merged: _Merged = {}
    rest = b""
    with sheet._get_source() as source:  # noqa: SLF001  # it has no other way to its own file
        while block := source.read(_BLOCK_BYTES):
            for reference in _MERGED.findall(rest + block):
                left, top, right, bottom = range_boundaries(reference.decode("ascii"))
                merged.setdefault(top, {})[left] = (right, bottom)
            rest = block[-_LONGEST_REFERENCE:]
    return merged


def _lines(rows: Iterable[tuple[Any, ...]], merged: _Merged) -> Iterator[str]:
    """Captions are kept as they are."""
    header: dict[int, str] = {}
    wide: dict[int, str] = {}
    is_header = False
    for number, cells, kind in _down(_told(_filled(rows)), merged):
        if kind != "row" and is_header:
            yield _names(header)
        if kind == "caption":
            yield next(iter(cells.values()))
        elif kind == "header":
            wide = _across(cells, merged.get(number, {}))
            header = dict(sorted((wide | cells).items()))
        elif is_header and cells.keys() <= wide.keys():  # of two rows, the second for what is merged in the first
            header |= {column: f"{header[column]} {text}" for column, text in cells.items()}
        else:
            yield _line(header, cells)
        is_header = kind == "header"
    if is_header:
        yield _names(header)


def _names(header: Mapping[int, str]) -> str:
    """Of a table without rows."""
    return "; ".join(dict.fromkeys(header.values()))


def _told(rows: Iterable[tuple[int, dict[int, str]]]) -> Iterator[tuple[int, dict[int, str], _Kind]]:
    """What each row is: one that stands apart begins another table where it names what figures are below it."""
    first = 0
    is_apart, last = False, 0
    for row, below in pairwise(chain(rows, (None,))):
        if row is None:
            return
        number, cells = row
        is_apart = is_apart or number > last + 1
        kind: _Kind = "row"
        if len(cells) == 1 and (not first or (is_apart and min(cells) <= first)):
            kind = "caption"
        elif not first or (is_apart and below is not None and _is_header(cells, below[1])):
            kind, first = "header", min(cells)
        yield number, cells, kind
        is_apart, last = kind == "caption", number


def _is_header(cells: Mapping[int, str], below: Mapping[int, str]) -> bool:
    is_named = len(cells) > 1 and not any(map(_FIGURE.fullmatch, cells.values()))
    return is_named and any(_FIGURE.fullmatch(text) for column, text in below.items() if column in cells)


def _across(cells: dict[int, str], merged: Mapping[int, tuple[int, int]]) -> dict[int, str]:
    """What cells that are merged across say for each of their columns."""
    return {
        column: cells[left]
        for left, (right, _) in merged.items()
        for column in range(left, min(right, left + WIDEST) + 1)
        if left in cells and right > left
    }


def _down(
    rows: Iterable[tuple[int, dict[int, str], _Kind]], merged: _Merged
) -> Iterator[tuple[int, dict[int, str], _Kind]]:
    """The rows with what cells above put into them; those of a header are told by their columns."""
    above: dict[int, tuple[str, int]] = {}
    for number, cells, kind in rows:
        if kind != "row":
            yield number, cells, kind
            continue
        above = {column: (text, bottom) for column, (text, bottom) in above.items() if number <= bottom}
        repeated = {column: text for column, (text, _) in above.items()}
        for column, (_, bottom) in merged.get(number, {}).items():
            if bottom > number and len(text := cells.get(column, "")) <= _LONGEST_REPEATED and text:
                above[column] = (text, bottom)
        yield number, dict(sorted((repeated | cells).items())) if repeated else cells, kind


def _filled(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, dict[int, str]]]:
    """Of each row that holds something its number and what its cells show, by the number of their column."""
    seen = places = 0
    for number, row in enumerate(rows, start=1):
        cells = [(column, cell) for column, cell in enumerate(row, start=1) if cell.value is not None]
        seen += len(cells)
        places += len(row)
        if number > _MOST_ROWS or seen > _MOST_CELLS or places > _MOST_PLACES:
            raise DocumentError(f"more than {_MOST_CELLS:,} cells in a sheet, or too many empty ones")
        shown = ((column, " ".join(_shown(cell).split())) for column, cell in cells)
        if filled := {column: text for column, text in shown if text}:
            yield number, filled


def _line(header: dict[int, str], cells: dict[int, str]) -> str:
    return "; ".join(f"{header.get(column, f'column {column}')}: {text}" for column, text in cells.items())


def _shown(cell: Any) -> str:
    match cell.value:
        case bool() as value:
            return "yes" if value else "no"
        case int() | float() as value:
            return _number(value, cell.number_format)
        case datetime() as value if value.time() == time():
            return value.date().isoformat()
        case datetime() as value:
            return value.isoformat(" ")
        case date() | time() as value:
            return value.isoformat()
        case value:
            return str(value)


def _number(value: float, form: str) -> str:
    """With the digits that Excel keeps, which are fewer than those it writes: 0.1 + 0.2 is 0.3."""
    if _PERCENT.search(form):
        return f"{value * 100:.13g}%"
    before, behind = _units(form)
    if isinstance(value, int) or value.is_integer():
        digits = f"{int(value):0{len(form) if _ZEROS.fullmatch(form) else 0}d}"
    else:
        digits = f"{value:.15g}"
    sign = "-" if digits.startswith("-") and before else ""
    return f"{sign}{before}{digits.removeprefix(sign)}{behind}"


@lru_cache(maxsize=1024)
def _units(form: str) -> tuple[str, str]:
    """What a format shows before and behind a number: `$`, ` €`, ` kg`."""
    positive = form[:_LONGEST_FORMAT].partition(";")[0]
    found = list(_LITERAL.finditer(positive))
    digits = [literal.start() for literal in found if literal["digit"]]
    if not digits or positive[digits[-1] + 1 : digits[-1] + 2] == ",":  # in thousands
        return "", ""
    shown = [(literal.start(), "".join(filter(None, literal.groups()[:4])).strip()) for literal in found]
    units = [(at, unit) for at, unit in shown if _UNIT.fullmatch(unit)]
    before = next((unit for at, unit in units if at < digits[0]), "")
    behind = next((unit for at, unit in units if at > digits[-1]), "")
    return (f"{before} " if before[-1:].isalpha() else before), (f" {behind}" if behind else "")
