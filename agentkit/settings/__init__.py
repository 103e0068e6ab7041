"""Settings: what a person can set in `agentkit.toml` and in `AGENTKIT_SECTION__KEY` variables, which win over the file.
What a program gives as `Settings(…)` wins over the variables.
"""

from agentkit.settings.loading import FILE_NAME, load_settings, with_options
from agentkit.settings.schema import AnswerSettings, ModelSettings, SearchSettings, Settings

__all__ = [
    "FILE_NAME",
    "AnswerSettings",
    "ModelSettings",
    "SearchSettings",
    "Settings",
    "load_settings",
    "with_options",
]
