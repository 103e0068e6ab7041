"""Conditions on what is known of files and passages, such as `size>1MB`, and the SQL that tests them in the catalog.

A condition is a field, an operator and a value. Fields: `path`, `title`, `format`, `language`, `encoding`, `size`,
`modified`, `page`, `heading`, and whatever a front matter names. Operators: `=`, `!=`, `<`, `<=`, `>`, `>=` and `~`
(contains). Case does not count, neither in values nor in the names of fields. A field with several values, such as tags
or the headings above a passage, fits where one of them does; `!=` fits where `=` does not, so also where the field is
missing.

Sizes take kB, MB and GB, as powers of ten. Dates may be as short as a year, and then stand for all of it:
`modified<=2024` is until the end of that year, in this machine's time zone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from agentkit.errors import ConditionError
from agentkit.paths import composed

_CONDITION = re.compile(r"\s*([\w.-]+(?: [\w.-]+)*)\s*(~|(?:!=|<=|>=|=|<|>)(?!\s*[=<>]))\s*(.*?)\s*", re.DOTALL)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|B|kB|MB|GB|TB)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_LARGEST = 2**63 - 1
"""The largest integer in SQLite; in nanoseconds the year 2262."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_LOADERS_FIELDS = frozenset({"title", "format", "language", "encoding"})
_PAGE = "(SELECT max(1, count(*)) FROM json_each(files.metadata, '$.page_offsets') WHERE value <= chunks.start)"
_SHOWN = "CASE item.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE item.value END"
_IN_FRONT_MATTER = (
    "EXISTS (SELECT 1 FROM json_each(files.metadata, '$.custom') AS field, json_each(files.metadata, field.fullkey) "
    "AS item WHERE casefold(field.key) = ? AND {})"
)
_HAS_PAGES = "json_array_length(files.metadata, '$.page_offsets') > 0"


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL expression over `files` and `chunks` that is true where the condition holds."""

    sql: str
    values: tuple[str | float, ...] = ()


def parse_condition(text: str) -> Condition:
    """The test for a condition such as `modified>=2024-03`.

    Raises:
        ConditionError: it has no operator, or its value does not suit its field.
    """
    found = _CONDITION.fullmatch(text)
    if not found or not found[3]:
        raise ConditionError(
            f"{text!r} is not a condition: write a field, one of = != < <= > >= ~ and a value, such as size>1MB"
        )
    name, operator, value = found.groups()
    field = name.casefold()
    if field in _OF_COLUMNS:
        return _OF_COLUMNS[field](operator, value)
    if field in _LOADERS_FIELDS:
        return _in_json("files.metadata", f"$.{field}", operator, value)
    return _negatable(_IN_FRONT_MATTER, _SHOWN, field, operator, value)


def casefold(value: Any) -> Any:  # Any: whatever SQLite holds
    """Text as it is compared; other values stay. The catalog's connection knows it by this name."""
    return composed(value.casefold()) if isinstance(value, str) else value


def path_matches(pattern: str) -> Condition:
    """Where a file's path matches a pattern: `*` and `?`, over folders too."""
    return Condition("composed(files.path) GLOB ?", (composed(pattern).replace("[", "[[]"),))


def format_is(form: str) -> Condition:
    """Where a file is of a format."""
    return Condition("casefold(json_extract(files.metadata, '$.format')) = casefold(?)", (form,))


def _in_json(column: str, place: str, operator: str, value: str) -> Condition:
    """Of a field in JSON that can hold one value or a list of them, which is looked through."""
    frame = f"EXISTS (SELECT 1 FROM json_each({column}, ?) AS item WHERE {{}})"  # noqa: S608  # our own columns
    return _negatable(frame, _SHOWN, place, operator, value)


def _negatable(frame: str, shown: str, place: str, operator: str, value: str) -> Condition:
    """`frame` around the test of `shown`; `place` is the frame's own value, if it takes one."""
    test = _of_text(shown, "=" if operator == "!=" else operator, value)
    sql = frame.format(test.sql)
    return Condition(f"NOT {sql}" if operator == "!=" else sql, ((place,) if place else ()) + test.values)


def _of_text(shown: str, operator: str, value: str) -> Condition:
    """Numbers are compared as numbers, dates as far as they are given, everything else as text."""
    if operator == "~":
        return Condition(f"instr(casefold({shown}), casefold(?)) > 0", (value,))
    if _DATE.fullmatch(value):
        as_text = Condition(f"substr({shown}, 1, {len(value)}) {operator} ?", (value,))
    else:
        as_text = Condition(f"casefold({shown}) {operator} casefold(?)", (value,))
    if not _NUMBER.fullmatch(value):
        return as_text
    sql = f"CASE typeof({shown}) WHEN 'text' THEN {as_text.sql} ELSE {shown} {operator} ? END"
    return Condition(sql, (*as_text.values, float(value)))


def _of_number(expression: str, operator: str, value: float) -> Condition:
    if operator == "~":
        raise ConditionError("~ is for text: compare a number with = != < <= > >=")
    return Condition(f"{expression} {operator} ?", (value,))


def _of_date(operator: str, value: str) -> Condition:
    """Of the file's time, in nanoseconds: a date that leaves something open is a span."""
    moments = (round(moment.timestamp() * 1e9) for moment in _span(value))
    start, end = (max(-_LARGEST, min(moment, _LARGEST)) for moment in moments)
    match operator:
        case "=" | "~":
            return Condition("files.mtime_ns >= ? AND files.mtime_ns < ?", (start, end))
        case "!=":
            return Condition("(files.mtime_ns < ? OR files.mtime_ns >= ?)", (start, end))
        case "<" | ">=":
            return Condition(f"files.mtime_ns {operator} ?", (start,))
        case _:
            return Condition(f"files.mtime_ns {'<' if operator == '<=' else '>='} ?", (end,))


def _span(value: str) -> tuple[datetime, datetime]:
    try:
        found = _DATE.fullmatch(value)
        if not found:
            if ":" not in value:
                raise ValueError(value)
            moment = datetime.fromisoformat(value).astimezone()
            return moment, moment + timedelta(seconds=1)
        year, month, day = (int(part) if part else None for part in found.groups())
        start = datetime(year or 1, month or 1, day or 1).astimezone()
        if day:
            return start, (start.replace(tzinfo=None) + timedelta(days=1)).astimezone()
        later = (start.year + 1, 1) if month in {None, 12} else (start.year, start.month + 1)
        return start, datetime(*later, 1).astimezone()
    except (ValueError, OverflowError) as error:
        raise ConditionError(f"{value!r} is not a date: write 2024, 2024-03, 2024-03-28 or 2024-03-28T16:30") from error


def _of_size(operator: str, value: str) -> Condition:
    found = _SIZE.fullmatch(value)
    if not found:
        raise ConditionError(f"{value!r} is not a size: write bytes, or a number with kB, MB or GB, such as 1.5MB")
    return _of_number("files.size", operator, float(found[1]) * _UNITS[found[2].lower()])


def _of_page(operator: str, value: str) -> Condition:
    if not _NUMBER.fullmatch(value):
        raise ConditionError(f"{value!r} is not a number: write page>=3")
    page = _of_number(_PAGE, operator, float(value))
    return Condition(f"({_HAS_PAGES} AND {page.sql})", page.values)


_OF_COLUMNS: dict[str, Callable[[str, str], Condition]] = {
    "size": _of_size,
    "modified": _of_date,
    "page": _of_page,
    "path": partial(_negatable, "({})", "files.path", ""),
    "heading": partial(_in_json, "chunks.heading_path", "$"),
}
