"""A conversation over a workspace: what `agentkit chat` shows, and what an application can use by itself."""

from agentkit.chat.chat import Chat

__all__ = ["Chat"]
