"""Jupyter notebooks to Markdown: text cells as they are, code between fences, and what the code printed.

Reads nbformat 4 and 3 (https://nbformat.readthedocs.io). Left out: pictures, HTML output and widgets.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.text import normalize, read_text
from agentkit.loaders.writer import fence

_LONGEST_OUTPUT = 2000
"""Characters of one cell's output: a log of training tells little after that."""
_MOST_DIGITS = 20
"""No number of a notebook becomes text, and Python refuses to convert the longest."""
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def load_notebook(path: Path) -> tuple[str, str]:
    """Text and title ("" where the notebook's metadata has none).

    Raises:
        DocumentError: not a notebook, damaged, or without text.
    """
    source, _ = read_text(path)
    try:
        notebook = json.loads(source, parse_int=lambda digits: int(digits[:_MOST_DIGITS]))
    except json.JSONDecodeError as error:
        raise DocumentError(f"not a notebook: line {error.lineno}: {error.msg}") from error
    if not isinstance(notebook, dict):
        raise DocumentError("not a notebook: it is no JSON object")
    sheets = notebook.get("worksheets") or [notebook]
    found = [sheet["cells"] for sheet in _objects(sheets) if isinstance(sheet.get("cells"), list)]
    if not found:
        raise DocumentError("not a notebook: it has no list of cells")
    metadata = notebook.get("metadata") if isinstance(notebook.get("metadata"), dict) else {}
    language = _language(metadata)
    blocks = [block for cells in found for cell in _objects(cells) for block in _cell(cell, language)]
    text = normalize("\n\n".join(blocks))
    if not text.strip():
        raise DocumentError("no text in it")
    title = metadata.get("title") if metadata else ""
    return text, title if isinstance(title, str) else ""


def _objects(values: Any) -> Iterator[dict[str, Any]]:
    """Of a list from outside, what has the right type."""
    return (value for value in (values if isinstance(values, list) else []) if isinstance(value, dict))


def _language(metadata: Any) -> str:
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) and name.isalnum() else ""


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    kind = cell.get("cell_type")
    source = _joined(cell.get("source", cell.get("input")))
    if kind == "code":
        if source.strip():
            yield fence(source, language)
        for output in _objects(cell.get("outputs")):
            data = output.get("data")
            shown = _joined(output.get("text")) or _told(data) or _failure(output)
            if shown.strip():
                yield fence(_TERMINAL_CODES.sub("", _left_standing(shown))[:_LONGEST_OUTPUT])
    elif kind == "heading":  # nbformat 3
        level = cell.get("level")
        yield f"{'#' * (level if isinstance(level, int) and 1 <= level <= 6 else 1)} {' '.join(source.split())}"
    elif source.strip():
        yield source.strip("\n")


def _told(data: Any) -> str:
    """What a result says in words: of a picture only Python's name for it, such as `<Figure size 640x480>`."""
    if not isinstance(data, dict):
        return ""
    told = _joined(data.get("text/markdown")) or _joined(data.get("text/plain"))
    is_picture = any(str(kind).startswith("image/") for kind in data)
    return "" if is_picture and told.startswith("<") and told.endswith(">") else told


def _left_standing(text: str) -> str:
    """Of lines that were written over, such as a bar of progress, what was written last."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _failure(output: dict[str, Any]) -> str:
    name = output.get("ename")
    return f"{name}: {output.get('evalue', '')}" if isinstance(name, str) else ""


def _joined(value: Any) -> str:
    """A text is written as a string or as a list of its lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
