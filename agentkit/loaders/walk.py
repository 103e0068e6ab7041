"""A folder to a list of files that are safe to read: regular files only, nothing outside the folder.

Left out in silence: hidden files and folders, and what `.gitignore` and `.agentkitignore` name (git's own rules,
through `pathspec`). Named with a reason: what a person would expect to be read and is not.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from agentkit.errors import DocumentError
from agentkit.results import SkippedFile

_IGNORE_FILES = (".gitignore", ".agentkitignore")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file that was found."""

    path: Path
    relative: str
    """From the root, with forward slashes."""
    size: int
    mtime_ns: int


def walk(root: Path, *, max_file_bytes: int) -> Iterator[FileEntry | SkippedFile]:
    """Every readable file under `root`, in the order of their names; a root that is a file gives that file.

    Symbolic links to files are followed only where they lead to a regular file inside the root; links to folders are
    not followed, so a loop cannot occur.

    Raises:
        DocumentError: the root does not exist or cannot be listed.
    """
    if not root.exists():
        raise DocumentError(f"{root} does not exist: check the path")
    real_root = root.resolve()
    if not root.is_dir():
        yield _classify(root, root.name, real_root.parent, max_file_bytes)
        return
    yield from _walk_folder(real_root, "", real_root, max_file_bytes, ())


@dataclass(frozen=True, slots=True)
class _IgnoreRules:
    """The rules of one folder's ignore files."""

    folder: str
    spec: GitIgnoreSpec


def _walk_folder(
    folder: Path, relative: str, root: Path, max_file_bytes: int, rules: tuple[_IgnoreRules, ...]
) -> Iterator[FileEntry | SkippedFile]:
    pending = [(folder, relative, rules)]  # a stack of our own: folders can be nested deeper than Python's stack
    while pending:
        folder, relative, rules = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise DocumentError(f"{root} cannot be listed: {error.strerror}") from error
            yield SkippedFile(_shown(relative), f"folder cannot be listed: {error.strerror}")
            continue
        rules = rules + _read_rules(folder, relative)
        folders = []
        for entry in entries:
            name = f"{relative}/{entry.name}" if relative else entry.name
            if entry.name.startswith(".") or _is_ignored(name, rules, is_folder=entry.is_dir(follow_symlinks=False)):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), name, rules))
            else:
                yield _classify(Path(entry.path), name, root, max_file_bytes)
        pending.extend(reversed(folders))


def _classify(path: Path, relative: str, root: Path, max_file_bytes: int) -> FileEntry | SkippedFile:  # noqa: PLR0911
    shown = _shown(relative)
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        return SkippedFile(shown, "its name is not valid UTF-8: rename it")
    try:
        if path.is_symlink():
            target = path.resolve(strict=True)
            if not target.is_relative_to(root):
                return SkippedFile(shown, "symbolic link that leads out of the folder")
            if target.is_dir():
                return SkippedFile(shown, "symbolic link to a folder")
        status = path.stat()
    except FileNotFoundError:
        return SkippedFile(shown, "symbolic link to nothing" if path.is_symlink() else "vanished while it was read")
    except (OSError, RuntimeError) as error:
        return SkippedFile(shown, f"cannot be read: {getattr(error, 'strerror', None) or 'symbolic link loop'}")
    if not stat.S_ISREG(status.st_mode):
        return SkippedFile(shown, "not a regular file")
    if status.st_size == 0:
        return SkippedFile(shown, "empty file")
    if status.st_size > max_file_bytes:
        return SkippedFile(
            shown, f"{status.st_size:,} bytes, over the limit of {max_file_bytes:,} (index.max_file_bytes)"
        )
    return FileEntry(path, relative, status.st_size, status.st_mtime_ns)


def _read_rules(folder: Path, relative: str) -> tuple[_IgnoreRules, ...]:
    found = []
    for name in _IGNORE_FILES:
        try:
            lines = (folder / name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        found.append(_IgnoreRules(relative, GitIgnoreSpec.from_lines(lines)))
    return tuple(found)


def _is_ignored(name: str, rules: tuple[_IgnoreRules, ...], *, is_folder: bool) -> bool:
    """The innermost folder's rule that says anything about the name decides, as in git."""
    for rule in reversed(rules):
        inside = name[len(rule.folder) + 1 :] if rule.folder else name
        verdict = rule.spec.check_file(inside + "/" if is_folder else inside).include
        if verdict is not None:
            return verdict
    return False


def _shown(relative: str) -> str:
    """A name that can be printed and stored whatever bytes it was made of."""
    return relative.encode("utf-8", "backslashreplace").decode("utf-8")
