"""CSV, TSV, JSON and JSON Lines: each record becomes lines that make sense on their own in a chunk."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.text import normalize, read_text

_DEEPEST = 100


def load_csv(path: Path) -> tuple[str, str]:
    """One line a row, `column: value; column: value`, and the encoding. The first row names the columns.

    Raises:
        DocumentError: binary, empty, or not a table.
    """
    text, encoding = read_text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DocumentError(f"damaged CSV: {error}") from error
    header, records = [cell.strip() for cell in rows[0]], rows[1:]
    if not records:
        return normalize("; ".join(header)), encoding
    return normalize("\n".join(_record_line(header, record) for record in records)), encoding


def load_json(path: Path) -> tuple[str, str]:
    """JSON as `path.to.key: value` lines, a blank line between the records of a list; and the encoding.

    Raises:
        DocumentError: not valid JSON (with the line), nested deeper than 100 levels, or empty.
    """
    text, encoding = read_text(path)
    records = list(_parse_lines(text)) if path.suffix.lower() in (".jsonl", ".ndjson") else _parse(text)
    shown = records if isinstance(records, list) and any(isinstance(r, dict) for r in records) else [records]
    lines = normalize("\n\n".join("\n".join(_flatten(record, "", 0)) for record in shown))
    if not lines.strip():
        raise DocumentError("no text in it")
    return lines, encoding


def _delimiter(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:8192], delimiters=",;\t|").delimiter
    except csv.Error:
        return ","


def _record_line(header: list[str], record: list[str]) -> str:
    names = header + [f"column {number}" for number in range(len(header) + 1, len(record) + 1)]
    pairs = zip(names, record, strict=False)
    return "; ".join(f"{name}: {' '.join(value.split())}" for name, value in pairs if value.strip())


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not valid JSON: line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise DocumentError("JSON nested too deeply") from error


def _parse_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise DocumentError(f"not valid JSON Lines: line {number}: {error.msg}") from error
            except RecursionError as error:
                raise DocumentError(f"JSON nested too deeply in line {number}") from error


def _flatten(value: Any, name: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise DocumentError(f"JSON nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _flatten(item, f"{name}[{number}]", depth + 1)
    elif isinstance(value, list):
        yield f"{name}: {', '.join(_scalar(item) for item in value)}"
    else:
        yield f"{name}: {_scalar(value)}" if name else _scalar(value)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
