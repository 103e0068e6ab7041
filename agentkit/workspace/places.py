"""Where a workspace is."""

import os
from pathlib import Path

from agentkit.settings import FILE_NAME


def find_root(start: Path) -> Path | None:
    """The nearest folder, from `start` upward, that holds `agentkit.toml`; None where there is none."""
    nearest = Path(os.path.abspath(start))  # noqa: PTH100  # `absolute` keeps `..`, and a is above a/..
    for folder in (nearest, *nearest.parents):
        if (folder / FILE_NAME).is_file():
            return folder
        if (folder / ".git").exists() or folder == Path.home():
            return None
    return None
