"""An agent's last word by a strategy: the task and what was found out in, a reasoned answer out."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentkit.models.messages import text_of
from agentkit.results import Answer
from agentkit.strategies import Problem, Strategy


def conclude(messages: Sequence[BaseMessage], model: BaseChatModel, strategy: Strategy, *, task: int) -> Answer:
    """What `strategy` makes of a transcript.

    Args:
        messages: The transcript; a system message is the strategy's too.
        model: Any LangChain chat model.
        strategy: How to reason.
        task: The place of the message that holds the task. What it is about are the conversation before it and the
            results of tools behind it; what else is behind it was said to lead the model there.
    """
    about = [*messages[:task], *(message for message in messages[task + 1 :] if isinstance(message, ToolMessage))]
    known = [shown for message in about if (shown := _shown(message))]
    system = "\n\n".join(text_of(message) for message in messages if message.type == "system")
    return strategy.solve(Problem(text_of(messages[task]), "\n\n".join(known), system=system), model)


def _shown(message: BaseMessage) -> str:
    """A message as a part of the context. What the model itself thought on the way is left out: it reasons anew."""
    text = text_of(message).strip()
    if isinstance(message, ToolMessage):
        return f"Result of {message.name}:\n{text}"
    if isinstance(message, HumanMessage):
        return f"User: {text}"
    return f"Assistant: {text}" if isinstance(message, AIMessage) and not message.tool_calls and text else ""
