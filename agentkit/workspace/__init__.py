"""The composition root: the only place that turns settings into objects."""

from agentkit.workspace.places import data_directory, find_root
from agentkit.workspace.workspace import Workspace

__all__ = ["Workspace", "data_directory", "find_root"]
