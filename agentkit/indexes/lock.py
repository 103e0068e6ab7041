"""One writer per index: an operating-system file lock, and beside it who holds it, for the one who has to wait."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from agentkit.errors import IndexLockedError
from agentkit.indexes.sqlite_errors import full_disk_named

_LOCK_NAME = "writer.lock"
_HOLDER_NAME = "writer.json"


PATIENCE_S = 2.0
"""How long a writer waits: a reader holds the lock for a moment while it opens the vectors."""


@contextmanager
def writer_lock(directory: Path, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the index's writer lock. The system frees it when the process ends, however it ends.

    Raises:
        IndexLockedError: another process, or another writer of this one, holds it; the message says which.
    """
    lock = FileLock(directory / _LOCK_NAME, is_singleton=False)
    try:
        with full_disk_named(directory):
            lock.acquire(timeout=patience_s)
    except Timeout as error:
        raise IndexLockedError(
            f"the index {directory.name} is being written by {_holder(directory)}: wait for it"
        ) from error
    try:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with full_disk_named(directory):
            (directory / _HOLDER_NAME).write_text(json.dumps(holder), "utf-8")
        yield
    finally:
        (directory / _HOLDER_NAME).unlink(missing_ok=True)
        lock.release()


def current_writer(directory: Path) -> str | None:
    """Who is writing the index now; None where nobody is."""
    lock = FileLock(directory / _LOCK_NAME, is_singleton=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return _holder(directory)
    lock.release()
    return None


def _holder(directory: Path) -> str:
    try:
        holder = json.loads((directory / _HOLDER_NAME).read_text("utf-8"))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
