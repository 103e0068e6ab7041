"""A folder to a list of files that are safe to read: regular files only, nothing outside the folder.

Left out in silence: hidden files and folders, and what the ignore files or the caller's patterns name. Named with a
reason: what a person would expect to be read and is not.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.ignore import IgnoreRules, is_ignored, read_rules
from agentkit.loaders.patterns import PathPatterns
from agentkit.results import SkippedFile

_ALL = PathPatterns()
UNLISTED = "folder cannot be listed"
"""How the reason of a folder begins whose files are not known: they may be there all the same."""
_LATEST_NS = 2**63 - 1
"""What SQLite can hold: the year 2262."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file that was found."""

    path: Path
    relative: str
    """From the root, with forward slashes."""
    size: int
    mtime_ns: int


def walk(root: Path, *, max_file_bytes: int, patterns: PathPatterns = _ALL) -> Iterator[FileEntry | SkippedFile]:
    """Every readable file under `root`, in the order of their names; a root that is a file gives that file, whatever
    the patterns say.

    Symbolic links to files are followed only where they lead to a regular file inside the root that is not left out;
    links to folders are not followed, so a loop cannot occur.

    Raises:
        DocumentError: the root does not exist or cannot be listed.
    """
    try:
        real_root = root.resolve(strict=True)
        is_folder = stat.S_ISDIR(real_root.stat().st_mode)
    except FileNotFoundError as error:
        raise DocumentError(f"{root} does not exist: check the path") from error
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a name too long, a loop of links, a NUL
        raise DocumentError(f"{_shown(str(root))} cannot be read: {_why(error)}") from error
    if not is_folder:
        yield _classify(real_root, root.name, real_root.parent, max_file_bytes, _ALL)
        return
    yield from _walk_folder(real_root, max_file_bytes, patterns)


def _walk_folder(root: Path, max_file_bytes: int, patterns: PathPatterns) -> Iterator[FileEntry | SkippedFile]:
    nothing: tuple[IgnoreRules, ...] = ()
    pending = [(root, "", nothing)]  # a stack of our own: folders can be nested deeper than Python's stack
    while pending:
        folder, relative, rules = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise DocumentError(f"{root} cannot be listed: {error.strerror}") from error
            yield SkippedFile(_shown(relative), f"{UNLISTED}: {error.strerror}")
            continue
        rules = rules + read_rules(folder, relative)
        folders = []
        for entry in entries:
            name = f"{relative}/{entry.name}" if relative else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(".") or is_ignored(name, rules, is_folder=is_folder):
                continue
            if patterns.leaves_out(name, is_folder=is_folder):
                continue
            if is_folder:
                folders.append((Path(entry.path), name, rules))
            else:
                yield _classify(Path(entry.path), name, root, max_file_bytes, patterns)
        pending.extend(reversed(folders))


def _classify(
    path: Path, relative: str, root: Path, max_file_bytes: int, patterns: PathPatterns
) -> FileEntry | SkippedFile:
    shown = _shown(relative)
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        return SkippedFile(shown, "its name is not valid UTF-8: rename it")
    try:
        if problem := _link_problem(path, root, patterns):
            return SkippedFile(shown, problem)
        status = path.stat()
    except FileNotFoundError:
        return SkippedFile(shown, "symbolic link to nothing" if path.is_symlink() else "vanished while it was read")
    except (OSError, RuntimeError) as error:
        return SkippedFile(shown, f"cannot be read: {_why(error)}")
    if problem := _content_problem(status, max_file_bytes):
        return SkippedFile(shown, problem)
    return FileEntry(path, relative, status.st_size, stamped_ns(status))


def stamped_ns(status: os.stat_result) -> int:
    """When a file was changed, in nanoseconds, as the catalog can hold it: a file's time can be past the year 2262."""
    return max(-_LATEST_NS, min(status.st_mtime_ns, _LATEST_NS))


def _link_problem(path: Path, root: Path, patterns: PathPatterns) -> str:
    """Why a symbolic link is not followed; "" where it may be, or is none."""
    if not path.is_symlink():
        return ""
    target = path.resolve(strict=True)
    if not target.is_relative_to(root):
        return "symbolic link that leads out of the folder"
    if target.is_dir():
        return "symbolic link to a folder"
    relative = target.relative_to(root)
    if any(part.startswith(".") for part in relative.parts):
        return "symbolic link to a hidden file"
    return "symbolic link to a file that is left out" if _is_left_out(relative, root, patterns) else ""


def _is_left_out(relative: Path, root: Path, patterns: PathPatterns) -> bool:
    """Whether ignore files or patterns to exclude name a file or a folder that it is in; those to include are for the
    link, which is what a person sees.
    """
    excluded = PathPatterns(exclude=patterns.exclude)
    rules: tuple[IgnoreRules, ...] = ()
    for folder, inner in pairwise([*reversed(relative.parents), relative]):
        rules += read_rules(root / folder, "" if folder == Path() else folder.as_posix())
        name, is_folder = inner.as_posix(), inner != relative
        if is_ignored(name, rules, is_folder=is_folder) or excluded.leaves_out(name, is_folder=is_folder):
            return True
    return False


def _content_problem(status: os.stat_result, max_file_bytes: int) -> str:
    """Why a file is not read; "" where it may be."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size == 0:
        return "empty file"
    if status.st_size > max_file_bytes:
        return f"{status.st_size:,} bytes, over the limit of {max_file_bytes:,} (index.max_file_bytes)"
    return ""


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or ("symbolic link loop" if isinstance(error, RuntimeError) else str(error))


def _shown(relative: str) -> str:
    """A name that can be printed and stored whatever bytes it was made of."""
    return relative.encode("utf-8", "backslashreplace").decode("utf-8")
