"""Trust on first use for tools that are files of a folder: which contents a person has agreed to run.

Kept outside of the workspace, since a workspace may have come from somebody else. A file is known by its resolved path
and the sha256 of its content: a changed file is a new one.
"""

import json
import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from agentkit.errors import ToolSetupError


class TrustState(StrEnum):
    """What is known of a file."""

    TRUSTED = "trusted"
    """This content may run."""
    NEW = "new"
    """Nobody was asked about this file yet."""
    CHANGED = "changed"
    """Another content of this file was trusted."""


class TrustStore:
    """A JSON file of paths and sha256 sums."""

    def __init__(self, file: Path) -> None:
        """`file`: need not exist."""
        self._file = file

    def state(self, path: Path, sha256: str) -> TrustState:
        """Whether this content of a file may run.

        Raises:
            ToolSetupError: the store cannot be read.
        """
        known = self._read().get(str(path.resolve()))
        if known is None:
            return TrustState.NEW
        return TrustState.TRUSTED if known == sha256 else TrustState.CHANGED

    def trust(self, contents: Iterable[tuple[Path, str]]) -> None:
        """Agree to run these contents, given as path and sha256; what was trusted of the same files is not any more.

        Raises:
            ToolSetupError: the store cannot be read or written.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._file}.lock"):
                known = self._read() | {str(path.resolve()): sha256 for path, sha256 in contents}
                written = self._file.with_name(self._file.name + ".new")
                written.write_text(json.dumps(known, indent=1, sort_keys=True), "utf-8")
                written.chmod(0o600)
                os.replace(written, self._file)  # noqa: PTH105 the atomic one, by its own name
        except OSError as error:
            raise ToolSetupError(f"{self._file} cannot be written: {error.strerror}") from error

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ToolSetupError(
                f"{self._file} cannot be read: delete it, and trust your tools again with: agentkit tools trust"
            ) from error
        if not isinstance(known, dict):
            raise ToolSetupError(f"{self._file} is not what agentkit writes: delete it")
        return known
