"""Arithmetic that is parsed, never evaluated as code, and bounded in size and time."""

from agentkit.tools.arithmetic.display import shown
from agentkit.tools.arithmetic.parser import evaluate

__all__ = ["evaluate", "shown"]
