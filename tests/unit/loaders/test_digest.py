"""The digest of a file, and of what is none any more."""

import hashlib
import os
from pathlib import Path

import pytest

from agentkit.loaders import file_digest


def test_the_digest_is_that_of_all_the_bytes(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    (tmp_path / "a").write_bytes(content)
    assert file_digest(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_pipe_that_has_taken_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "gone", Path("/dev/zero")):
        with pytest.raises(OSError, match=r"not a regular file|directory"):
            file_digest(path)
