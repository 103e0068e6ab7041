"""Where agentkit keeps what belongs to no workspace."""

import os
from pathlib import Path

from platformdirs import user_data_path

from agentkit.errors import SettingsError
from agentkit.paths import expanded

DATA_VARIABLE = "AGENTKIT_DATA_DIR"


def data_directory() -> Path:
    """`$AGENTKIT_DATA_DIR`, or the user's data folder. It is made by what writes there first.

    Raises:
        SettingsError: no folder can be there: `$AGENTKIT_DATA_DIR` is a file, or below one.
    """
    chosen = os.environ.get(DATA_VARIABLE)
    if not chosen:
        return user_data_path("agentkit")
    directory = expanded(chosen)
    nearest = next((place for place in (directory, *directory.parents) if os.path.lexists(place)), None)
    if nearest and not nearest.is_dir():
        raise SettingsError(f"{DATA_VARIABLE}: {nearest} is not a folder: give one that is there or can be made")
    return directory
