"""A chat model that says what it was told to say: the public test double for everything that takes a chat model."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from agentkit.errors import ModelError


class ScriptedModel(BaseChatModel):
    """Gives the replies in order, one a call, and keeps what it was asked in `calls`.

    >>> model = ScriptedModel(replies=["Hello."])
    >>> model.invoke("Hi").content
    'Hello.'
    """

    model: str = "scripted"
    """The name that LangChain's tracing shows."""
    replies: Sequence[str | AIMessage]
    """What to say, in order. A call after the last raises `ModelError`."""
    _calls: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def calls(self) -> list[list[BaseMessage]]:
        """The messages of every call so far."""
        return self._calls

    @property
    def _llm_type(self) -> str:
        return "agentkit-scripted"

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """The script decides about tool calls, so the tools change nothing."""
        return self.bind(tools=list(tools), **options)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next_reply(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Word by word, so that a caller's handling of chunks is exercised."""
        reply = self._next_reply(messages)
        if not isinstance(reply.content, str) or reply.tool_calls or reply.invalid_tool_calls or reply.usage_metadata:
            yield ChatGenerationChunk(message=AIMessageChunk(**reply.model_dump(exclude={"type"})))
            return
        for word in re.findall(r"\S*\s*", reply.content)[:-1] or [""]:
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))

    def _next_reply(self, messages: list[BaseMessage]) -> AIMessage:
        self._calls.append(list(messages))
        if len(self._calls) > len(self.replies):
            raise ModelError(f"the script has {len(self.replies)} replies and was asked for one more")
        reply = self.replies[len(self._calls) - 1]
        return AIMessage(content=reply) if isinstance(reply, str) else reply
