"""LangChain messages to the form that chat templates take: `role` and `content`, tool calls as JSON functions."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agentkit.errors import MessageError
from agentkit.models.reasoning import without_reasoning

_ROLES = {"system", "user", "assistant", "tool"}


def template_messages(messages: Sequence[BaseMessage], *, knows_reasoning: bool) -> list[dict[str, Any]]:
    """The messages as dicts for a chat template. Reasoning blocks are left out: they are never replayed.

    `knows_reasoning`: they are for a reasoning model, of whose blocks the opening tag may be missing.

    Raises:
        MessageError: no messages, an unknown role, or content that is not text.
    """
    if not messages:
        raise MessageError("there are no messages: give at least one")
    return [_template_message(message, knows_reasoning=knows_reasoning) for message in messages]


def text_of(message: BaseMessage) -> str:
    """The text of a message's content; reasoning blocks do not count.

    Raises:
        MessageError: the content holds something that is not text, such as an image.
    """
    if isinstance(message.content, str):
        return message.content
    return "".join(_block_text(block) for block in message.content)


def _template_message(message: BaseMessage, *, knows_reasoning: bool) -> dict[str, Any]:
    content = text_of(message)
    match message:
        case SystemMessage():
            return {"role": "system", "content": content}
        case HumanMessage():
            return {"role": "user", "content": content}
        case AIMessage():
            calls = [
                {"type": "function", "function": {"name": c["name"], "arguments": c["args"]}}
                for c in message.tool_calls
            ]
            more = {"tool_calls": calls} if calls else {}
            content = without_reasoning(content, may_lack_tag=knows_reasoning)
            return {"role": "assistant", "content": content, **more}
        case ToolMessage() | FunctionMessage():
            return {"role": "tool", "name": message.name or "", "content": content}
        case ChatMessage() if message.role in _ROLES:
            return {"role": message.role, "content": content}
        case ChatMessage():
            raise MessageError(f"unknown role {message.role!r}: use one of {', '.join(sorted(_ROLES))}")
    raise MessageError(f"a {type(message).__name__} cannot be given to a chat model")


def _block_text(block: str | dict[str, Any]) -> str:
    if isinstance(block, str):
        return block
    kind = block.get("type")
    if kind == "text":
        return str(block.get("text", ""))
    if kind in ("reasoning", "thinking", "tool_use", "tool_call"):
        return ""
    raise MessageError(f"a text model cannot take a content block of type {kind!r}: leave it out")
