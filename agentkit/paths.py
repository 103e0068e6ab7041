"""Paths as a caller may write them: a string will do, and an accent is one however it is encoded."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

StrPath = str | os.PathLike[str]


def paths_of(given: StrPath | Sequence[StrPath]) -> list[Path]:
    """One path or several.

    Raises:
        ValueError: one is empty, which would mean the current folder.
    """
    several = [given] if isinstance(given, str | os.PathLike) else given
    if not all(os.fspath(each) for each in several):
        raise ValueError("an empty path: give one, or '.' for the current folder")
    return [Path(each) for each in several]


def composed(text: str) -> str:
    """With each accent in one character with its letter (NFC), as it is typed; names from a Mac may have them apart."""
    return unicodedata.normalize("NFC", text)


def expanded(path: StrPath) -> Path:
    """With the home folder for `~` or `~user`; as it is where no such user has one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)
