"""Tools that a model can call: LangChain tools with flags, a registry, and a few of our own."""

from agentkit.tools.flags import ToolFlags, flags_of, tool
from agentkit.tools.registry import ToolRegistry
from agentkit.tools.running import ToolOutcome, run_tool

__all__ = ["ToolFlags", "ToolOutcome", "ToolRegistry", "flags_of", "run_tool", "tool"]
