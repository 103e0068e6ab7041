"""The sha256 of a file, read bit by bit; what is no regular file any more is an error and not waited for."""

import hashlib
import os
import stat
from pathlib import Path

_AT_ONCE = 1 << 20


def file_digest(path: Path) -> str:
    """Of the content, in hex.

    Raises:
        OSError: it cannot be read.
    """
    # O_NONBLOCK: a pipe that has taken the file's place since the walk would be waited for without end
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        digest = hashlib.sha256()
        while block := file.read(_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()
