"""Tools that a model can call: LangChain tools with flags, a registry, and a few of our own."""

from agentkit.tools.flags import ToolFlags, flags_of, tool

__all__ = ["ToolFlags", "flags_of", "tool"]
