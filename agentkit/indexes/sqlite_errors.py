"""SQLite's errors as agentkit's: a full disk, a lock that somebody holds, what passes and tells nothing, or damage."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentkit.errors import DiskSpaceError, IndexDamagedError, IndexingError, IndexLockedError, IndexUnreadableError

FULL_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMOPEN,
}
"""Extended codes of what fails where there is no room."""
_CHECK_PERMISSIONS = "check its permissions and its folder's, which must be writable for a search too"
_UNREADABLE = {
    sqlite3.SQLITE_PERM: _CHECK_PERMISSIONS,
    sqlite3.SQLITE_READONLY: _CHECK_PERMISSIONS,
    sqlite3.SQLITE_CANTOPEN: _CHECK_PERMISSIONS,
    sqlite3.SQLITE_AUTH: _CHECK_PERMISSIONS,
    sqlite3.SQLITE_NOMEM: "free some memory",
    sqlite3.SQLITE_IOERR: "check its disk, and try again",
}
"""Primary code -> what to do, for errors that a sound catalog gives too."""
_LITTLE_BYTES = 4_000_000
_PRIMARY = 0xFF
"""The bits of an extended error code that are the primary one."""


@contextmanager
def catalog_errors(path: Path) -> Iterator[None]:
    """SQLite's errors about the catalog `path`, by name.

    Raises:
        DiskSpaceError: a write found no room.
        IndexLockedError: another connection held the file for too long.
        IndexUnreadableError: no permission, no memory, or an error of the disk.
        IndexingError: the catalog is closed.
        IndexDamagedError: anything else.
    """
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's own message quotes what is damaged
        raise _damaged(path, "its schema is no text") from error
    except sqlite3.ProgrammingError as error:
        if "closed database" in str(error):
            raise IndexingError(f"the index {path.parent.name} is closed: open it again") from error
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        has_no_log = code & _PRIMARY == sqlite3.SQLITE_CANTOPEN and shutil.disk_usage(path.parent).free < _LITTLE_BYTES
        if code in FULL_DISK or has_no_log:
            raise no_space(path) from error
        if code & _PRIMARY in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise IndexLockedError(f"the catalog {path} is in use by another process: try again") from error
        if advice := _UNREADABLE.get(code & _PRIMARY):
            raise IndexUnreadableError(f"the catalog {path} cannot be opened ({error}): {advice}") from error
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"the catalog {path} is damaged ({reason}): mend it with: agentkit indexes rebuild {path.parent.name}"
    )


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """For writes to files of the index: a full disk is a `DiskSpaceError`; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space(path) from error
        raise


def is_full(directory: Path) -> bool:
    """True where next to nothing can be written to a folder: for errors that do not say why they are."""
    if shutil.disk_usage(directory).free < _LITTLE_BYTES:
        return True
    probe = directory / "probe"
    try:
        probe.write_bytes(bytes(_LITTLE_BYTES))
    except OSError as error:
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    finally:
        probe.unlink(missing_ok=True)
    return False


def no_space(path: Path) -> DiskSpaceError:
    return DiskSpaceError(f"no space to write {path}: free some and run it again, nothing is lost")
