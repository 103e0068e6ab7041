"""Where agentkit keeps what belongs to no workspace."""

import os
from pathlib import Path

from platformdirs import user_data_path

from agentkit.paths import expanded


def data_directory() -> Path:
    """`$AGENTKIT_DATA_DIR`, or the user's data folder."""
    chosen = os.environ.get("AGENTKIT_DATA_DIR")
    return expanded(chosen) if chosen else user_data_path("agentkit")
