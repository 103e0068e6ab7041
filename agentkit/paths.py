"""Paths as a caller may write them: a string will do."""

import os
from collections.abc import Sequence
from pathlib import Path

StrPath = str | os.PathLike[str]


def paths_of(given: StrPath | Sequence[StrPath]) -> list[Path]:
    """One path or several."""
    return [Path(given)] if isinstance(given, str | os.PathLike) else [Path(each) for each in given]
