"""How much a chat model reads at once, and how much of it messages and texts take."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.tools import BaseTool

from agentkit.models.chat import LocalChatModel


def context_tokens(model: BaseChatModel) -> int | None:
    """Tokens of prompt and reply together; None where the model does not tell. Loads a model of our own."""
    if isinstance(model, LocalChatModel):
        return model.engine.context_tokens
    longest = (model.profile or {}).get("max_input_tokens")
    return longest if isinstance(longest, int) else None


def prompt_tokens(model: BaseChatModel, messages: Sequence[BaseMessage], *, tools: Sequence[BaseTool] = ()) -> int:
    """Tokens of the prompt that `messages` make; an estimate, without the tools, where the model is not our own."""
    if not messages:
        return 0
    if isinstance(model, LocalChatModel):
        return len(model.prompt_tokens(list(messages), tools=tools))
    return count_tokens_approximately(messages)


def text_tokens(model: BaseChatModel, text: str) -> int:
    """Tokens of a text by itself; an estimate where the model is not our own."""
    if isinstance(model, LocalChatModel):
        return model.get_num_tokens(text)
    return count_tokens_approximately([AIMessage(text)])
