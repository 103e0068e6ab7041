"""How an agent talks to its model: with the same tools in every prompt, so that its beginning stays in the cache."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, set_config_context
from langchain_core.tools import BaseTool

from agentkit.agents.reading import ReplyReading
from agentkit.errors import ToolSetupError
from agentkit.models.chat import LocalChatModel
from agentkit.models.constraints import Constraint
from agentkit.models.context import context_tokens, prompt_tokens, text_tokens
from agentkit.models.structured import OutputSchema
from agentkit.results import Usage

_Found = TypeVar("_Found")


def check_chat_model(model: object) -> None:
    """Raises ToolSetupError where it is no chat model, such as a name, or a binding of one."""
    if not isinstance(model, BaseChatModel):
        hint = f"LocalChatModel(model={model!r})" if isinstance(model, str) else "the model itself"
        raise ToolSetupError(f"{repr(model)[:80]} is no chat model of LangChain's, which an agent needs: give {hint}")


def check_tool_calling(model: BaseChatModel) -> None:
    """Raises ToolSetupError where the model cannot call tools."""
    if type(model).bind_tools is BaseChatModel.bind_tools:
        raise ToolSetupError(
            f"{type(model).__name__} cannot call tools, which an agent needs: use LocalChatModel, which does with any "
            "GGUF model, or one of LangChain's chat models that has bind_tools, such as ChatOpenAI"
        )


class AgentModel:
    """The model of one run, with its tools."""

    def __init__(
        self, model: BaseChatModel, tools: Sequence[BaseTool], config: RunnableConfig | None, *, is_streamed: bool
    ) -> None:
        """`is_streamed`: replies come in pieces. Else only ours do, so that they can be ended on the way."""
        self._model = model
        self._tools = list(tools)
        self._config = config
        self._is_streamed = is_streamed or isinstance(model, LocalChatModel)

    @property
    def local(self) -> LocalChatModel | None:
        """The model where it is our own: it can be constrained."""
        return self._model if isinstance(self._model, LocalChatModel) else None

    def read(
        self,
        messages: list[BaseMessage],
        *,
        tool_choice: str = "auto",
        max_tokens: int,
        is_over: Callable[[], bool],
    ) -> ReplyReading[AIMessageChunk]:
        """Start a reply. `tool_choice`: `auto`, `none`, or the name of the tool that must be called."""
        bound = self._bound(tool_choice)
        start = bound.stream if self._is_streamed else _whole(bound)
        return ReplyReading(lambda: start(messages, self._config, max_tokens=max_tokens), is_over)

    def complete(
        self,
        messages: list[BaseMessage],
        constraint: Constraint,
        start: str = "",
        *,
        max_tokens: int,
        has_tools: bool = True,
    ) -> AIMessage:
        """What a local model adds to the start of a reply, under a constraint. `has_tools`: the prompt describes them,
        as that of the other replies does.
        """
        model = self._bound("none") if has_tools else self._model
        reply: AIMessage = model.invoke(
            messages, self._config, reply_start=start, constraint=constraint, max_tokens=max_tokens
        )
        return reply

    def traced(self, work: Callable[[], _Found]) -> _Found:
        """What `work` gives, which asks the model itself: with this run's callbacks."""
        with set_config_context(ensure_config(self._config)) as context:
            return context.run(work)

    def structured(self, messages: list[BaseMessage], schema: OutputSchema) -> dict[str, Any]:  # Any: as LangChain's
        """A reply of another model under a schema: `raw`, `parsed` and `parsing_error`."""
        found: dict[str, Any] = self._model.with_structured_output(schema, include_raw=True).invoke(  # type: ignore[assignment] # of include_raw
            messages, self._config
        )
        return found

    def room(self, reply_tokens: int) -> int | None:
        """Tokens that a prompt may have; None where the model's context is not known."""
        limit = context_tokens(self._model)
        return limit - reply_tokens if limit is not None and self.local else limit

    def longest_reply(self, reply_tokens: int) -> int:
        """`reply_tokens`, or fewer where a small context would be filled by it."""
        return min(reply_tokens, self.local.engine.context_tokens // 2) if self.local else reply_tokens

    def count(self, messages: list[BaseMessage]) -> int:
        """Tokens of the prompt; an estimate where the model is not our own."""
        return prompt_tokens(self._model, messages, tools=self._tools)

    def usage(self, messages: list[BaseMessage], reply: str) -> Usage:
        """What a reply that was left on its way had cost by then; of the prompt all is counted."""
        return Usage(prompt_tokens=self.count(messages), completion_tokens=text_tokens(self._model, reply))

    def _bound(self, tool_choice: str) -> Any:  # Any: a model or a binding of it
        if not self._tools:
            return self._model
        choice = {} if tool_choice == "auto" else {"tool_choice": tool_choice}  # not every model takes `auto`
        return self._model.bind_tools(self._tools, **choice)


def _whole(model: Any) -> Callable[..., Iterator[AIMessage]]:
    """A stream of one piece, the reply as `invoke` gives it."""

    def start(*given: Any, **options: Any) -> Iterator[AIMessage]:
        yield model.invoke(*given, **options)

    return start
