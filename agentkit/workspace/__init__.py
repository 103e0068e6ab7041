"""The composition root: the only place that turns settings into objects."""

from agentkit.directories import data_directory
from agentkit.workspace.places import find_root
from agentkit.workspace.workspace import Workspace

__all__ = ["Workspace", "data_directory", "find_root"]
