"""Agents: a model that calls tools until it can answer; and the sessions that conversations are kept in.

Names are imported when they are first used, so that what is kept can be read without loading a model's libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentkit.agents.acting import PendingCall
    from agentkit.agents.events import AgentEvent, TextPiece, ToolStarted
    from agentkit.agents.limits import AgentLimits
    from agentkit.agents.react import Agent

_HOMES = {
    "Agent": "react",
    "AgentEvent": "events",
    "AgentLimits": "limits",
    "PendingCall": "acting",
    "TextPiece": "events",
    "ToolStarted": "events",
}

__all__ = ["Agent", "AgentEvent", "AgentLimits", "PendingCall", "TextPiece", "ToolStarted"]


def __getattr__(name: str) -> Any:  # Any: whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module 'agentkit.agents' has no attribute {name!r}")
    return getattr(import_module(f"agentkit.agents.{_HOMES[name]}"), name)
