"""Agents: a model that calls tools until it can answer."""

from agentkit.agents.events import AgentEvent, TextPiece, ToolStarted
from agentkit.agents.limits import AgentLimits
from agentkit.agents.react import Agent, PendingCall

__all__ = ["Agent", "AgentEvent", "AgentLimits", "PendingCall", "TextPiece", "ToolStarted"]
