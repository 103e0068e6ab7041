"""Where a workspace is, and where things go that belong to none."""

import os
from pathlib import Path

from platformdirs import user_data_path

from agentkit.settings import FILE_NAME


def find_root(start: Path) -> Path | None:
    """The nearest folder, from `start` upward, that holds `agentkit.toml`; None where there is none."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE_NAME).is_file():
            return folder
        if (folder / ".git").exists() or folder == Path.home():
            return None
    return None


def data_directory() -> Path:
    """Where things go that belong to no workspace: `$AGENTKIT_DATA_DIR`, or the user's data folder."""
    chosen = os.environ.get("AGENTKIT_DATA_DIR")
    return Path(chosen).expanduser() if chosen else user_data_path("agentkit")
