"""How much a chat model reads at once, and how much of it messages take."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately

from agentkit.models.chat import LocalChatModel


def context_tokens(model: BaseChatModel) -> int | None:
    """Tokens of prompt and reply together; None where the model does not tell. Loads a model of our own."""
    if isinstance(model, LocalChatModel):
        return model.engine.context_tokens
    longest = (model.profile or {}).get("max_input_tokens")
    return longest if isinstance(longest, int) else None


def prompt_tokens(model: BaseChatModel, messages: Sequence[BaseMessage]) -> int:
    """Tokens of the prompt that `messages` make; an estimate where the model is not our own."""
    if not messages:
        return 0
    if isinstance(model, LocalChatModel):
        return len(model.prompt_tokens(list(messages)))
    return count_tokens_approximately(messages)
