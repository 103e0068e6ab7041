"""What an agent tells while it works."""

from dataclasses import dataclass
from typing import Any

from agentkit.results import Answer, Step


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Text of the model as it is decoded: a thought, or the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is being run."""

    tool: str
    arguments: dict[str, Any]


AgentEvent = TextPiece | ToolStarted | Step | Answer
"""A step comes when its tool has ended; the answer comes last."""
