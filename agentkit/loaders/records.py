"""CSV, TSV, JSON and JSON Lines: each record becomes lines that make sense on their own in a chunk."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from agentkit.errors import DocumentError
from agentkit.loaders.text import normalize, read_text

_DEEPEST = 100
_LONGEST_LINE = 600
_DELIMITERS = "\t;|,"
"""Where two fit equally well the earlier is meant: commas also stand inside numbers and sentences."""
_SAMPLE_LINES = 20
_Quoting = Literal[0, 3]
"""`csv.QUOTE_MINIMAL` or `csv.QUOTE_NONE`."""
_NAMED_DELIMITER = re.compile(r"sep=([^\w\s\"]|\t)\n(?=.)", re.IGNORECASE | re.DOTALL)
"""What Excel reads and writes above the header."""
csv.field_size_limit(max(csv.field_size_limit(), 2**31 - 1))  # the whole process's: a cell may be as long as a file


def load_csv(path: Path) -> tuple[str, str]:
    """One line a row, `column: value; column: value`, and the encoding. The first row names the columns; a title above
    it, alone in its row, is kept as it is.

    Raises:
        DocumentError: binary, empty, or not a table.
    """
    text, encoding = read_text(path)
    if named := _NAMED_DELIMITER.match(text):
        delimiter, text = named[1], text[named.end() :]
    elif path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = _delimiter(text)
    rows = list(_rows(text, delimiter, quoting=_quoting(text, delimiter)))
    if not rows:
        raise DocumentError("no text in it")
    first = _header_row(rows)
    above = [" ".join(row[0].split()) for row in rows[:first]]
    header = [" ".join(cell.split()) for cell in rows[first]]
    lines = [record_line(header, row) for row in rows[first + 1 :]]
    return normalize("\n".join(above + (lines or ["; ".join(filter(None, header))]))), encoding


def load_json(path: Path) -> tuple[str, str]:
    """JSON as `path.to.key: value`, and the encoding. Records of a list have a blank line between them.

    A short record is one line, so that each of its values stands beside its name; numbers are kept as they are written.
    JSON Lines are read as such under the name of JSON, too.

    Raises:
        DocumentError: not valid JSON (with the line), nested deeper than 100 levels, or empty.
    """
    text, encoding = read_text(path)
    is_lines = path.suffix.lower() in {".jsonl", ".ndjson"}
    records = list(_parse_lines(text)) if is_lines else _parse_whole(text)
    shown = records if isinstance(records, list) and any(isinstance(r, dict) for r in records) else [records]
    blocks = [_record_text(record) for record in shown]
    lines = normalize("\n\n".join(block for block in blocks if block))
    if not lines.strip():
        raise DocumentError("no text in it")
    return lines, encoding


def _record_text(record: Any) -> str:
    values = list(_flatten(record, "", 0))
    is_short = isinstance(record, dict) and sum(map(len, values)) <= _LONGEST_LINE
    return ("; " if is_short else "\n").join(values)


def _rows(
    text: str, delimiter: str, *, quoting: _Quoting = csv.QUOTE_MINIMAL, strict: bool = False
) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting, strict=strict)
    return (row for row in rows if any(cell.strip() for cell in row))


def _quoting(text: str, delimiter: str) -> _Quoting:
    """Quotation marks that are out of place are no quotes, but inches, if more rows then have the header's columns."""
    try:
        for _ in _rows(text, delimiter, strict=True):
            pass
    except csv.Error:
        quoted, bare = (_fitting(_rows(text, delimiter, quoting=way)) for way in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE))
        return csv.QUOTE_NONE if bare > quoted else csv.QUOTE_MINIMAL
    return csv.QUOTE_MINIMAL


def _header_row(rows: Sequence[list[str]]) -> int:
    """The number of the first row that is no title: one that has a single cell, or as spreadsheets write it, all others
    empty. Only above a table: three columns or more, as many in each row.
    """
    sample = rows[:_SAMPLE_LINES]
    first = next((number for number, row in enumerate(sample) if not _is_title(row)), 0)
    columns = {len(row) for row in sample[first:]}
    return first if len(columns) == 1 and columns.pop() > 2 else 0


def _is_title(row: list[str]) -> bool:
    return bool(row[0].strip()) and not any(cell.strip() for cell in row[1:])


def _fitting(rows: Iterable[list[str]]) -> int:
    """How many rows have as many columns as the header."""
    found = list(rows)
    columns = len(found[_header_row(found)]) if found else 0
    return sum(len(row) == columns for row in found)


def _delimiter(text: str) -> str:
    """The one that cuts the header and the most of the first rows into the same number of columns, two at least, and
    leaves the fewest quotation marks inside of cells.
    """
    sample = "\n".join(text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES])
    best, best_score = ",", (0, 0, 0)
    for delimiter in _DELIMITERS:
        rows = list(_rows(sample, delimiter))
        columns = len(rows[_header_row(rows)]) if rows else 0
        quotes = sum(cell.count('"') for row in rows for cell in row)
        score = (sum(len(row) == columns for row in rows), -quotes, columns)
        if columns > 1 and (best_score == (0, 0, 0) or score > best_score):
            best, best_score = delimiter, score
    return best


def record_line(header: list[str], record: list[str]) -> str:
    """A row as `column: value; column: value`; empty cells are left out, columns without a name are numbered."""
    names = header + [""] * (len(record) - len(header))
    pairs = enumerate(zip(names, record, strict=False), start=1)
    return "; ".join(
        f"{name or f'column {n}'}: {' '.join(value.split())}" for n, (name, value) in pairs if value.strip()
    )


def _parse(text: str, place: str) -> Any:
    """Numbers stay as written: no digit of a price is lost, and no integer is too long to convert."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}: " if place == "JSON" else ""
        raise DocumentError(f"not valid {place}: {line}{error.msg}") from error
    except RecursionError as error:
        raise DocumentError(f"{place}: nested too deeply") from error


def _parse_whole(text: str) -> Any:
    """One value; or a list of several, where each is a line of its own."""
    try:
        return _parse(text, "JSON")
    except DocumentError as error:
        if isinstance(error.__cause__, json.JSONDecodeError) and error.__cause__.msg == "Extra data":
            with suppress(DocumentError):
                return list(_parse_lines(text))
        raise


def _parse_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _parse(line, f"JSON Lines: line {number}")


def _flatten(value: Any, name: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise DocumentError(f"JSON nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _flatten(item, f"{name}[{number}]", depth + 1)
    else:
        shown = ", ".join(_scalar(item) for item in value) if isinstance(value, list) and value else _scalar(value)
        if name or value not in ({}, []):
            yield f"{name}: {shown}" if name else shown


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
