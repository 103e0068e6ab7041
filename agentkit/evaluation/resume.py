"""What of a run is done already: one JSON line for each finished question, in a file that belongs to its settings."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Finished:
    """The finished questions of a run. Without a file, nothing is kept between runs."""

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        """Read what `path` has of a run with the same settings; other runs' rows and a cut last line are ignored."""
        self._path = path
        self._key = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        self._rows: dict[str, dict[str, Any]] = {}
        if path and path.is_file():
            for line in path.read_text("utf-8", "replace").split("\n"):
                self._read(line)

    def get(self, question: str) -> dict[str, Any] | None:
        """The row of a question that is done."""
        return self._rows.get(question)

    def add(self, question: str, row: dict[str, Any]) -> dict[str, Any]:
        """Keep a row, unless it is an error's: that question is asked again by the next run."""
        if self._path and not row.get("error"):
            entry = json.dumps({"run": self._key, "question": question, "row": row}, ensure_ascii=False)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{entry}\n")  # a line of its own, also where the last one was cut
        return row

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            return
        if entry.get("run") == self._key:
            self._rows[entry["question"]] = entry["row"]
