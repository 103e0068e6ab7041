"""Chat models that run elsewhere, by `provider:name`: an OpenAI-compatible server, or another provider of LangChain's.

The provider's package makes the model (LangChain's `init_chat_model`) and reads its own environment variables, such as
`OPENAI_API_KEY` and `OPENAI_BASE_URL`. Here its errors become ours, each one line.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool

from agentkit.errors import AgentkitError, ModelError, ModelLoadError

_PACKAGE = re.compile(r"pip install (?:-U )?([\w-]+)")
_EXTRAS = {"langchain-openai": "openai"}
"""Packages that an extra of agentkit's brings."""
_SHARED = ("cache", "disable_streaming", "profile", "rate_limiter")
"""What LangChain looks at before it calls a model."""


class HostedModel(BaseChatModel):
    """A provider's chat model whose errors are `ModelError`s."""

    model: str
    """As the user wrote it: `openai:gpt-5-mini`."""
    inner: BaseChatModel

    @classmethod
    def of(cls, name: str, **options: Any) -> "HostedModel":  # Any: the provider's own options
        """The model called `provider:name`. Nothing is sent yet.

        Raises:
            ModelLoadError: an unknown provider, its package is missing, or its configuration is incomplete.
        """
        from langchain.chat_models import init_chat_model

        given = {key: value for key, value in options.items() if value is not None}
        provider, _, rest = name.partition(":")
        try:
            inner = init_chat_model(rest, model_provider=provider, **given)
        except ImportError as error:
            raise ModelLoadError(f"the model {name} needs a package that is missing: {_remedy(error)}") from error
        except Exception as error:  # each provider's package has exceptions of its own
            raise ModelLoadError(f"the model {name} cannot be used: {_in_a_line(error)}") from error
        return cls(model=name, inner=inner, **{field: getattr(inner, field) for field in _SHARED})

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,  # Any: LangChain and the providers have strings, booleans and dicts
        **options: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with tools, in the provider's own form."""
        bound = self.inner.bind_tools(tools, tool_choice=tool_choice, **options)
        return self.bind(**bound.kwargs) if isinstance(bound, RunnableBinding) else bound

    @property
    def _llm_type(self) -> str:
        return "agentkit-hosted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What LangChain's cache tells replies apart by."""
        return {**self.inner._identifying_params, "model": self.model}  # noqa: SLF001

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._own_errors():  # not by `invoke`, which LangChain's callbacks would take for a second model
            return self.inner._generate(messages, stop=stop, run_manager=run_manager, **kwargs)  # noqa: SLF001

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if type(self.inner)._stream is BaseChatModel._stream:  # noqa: SLF001  # it has none
            for generation in self._generate(messages, stop, run_manager, **kwargs).generations:
                yield ChatGenerationChunk(message=AIMessageChunk(**generation.message.model_dump(exclude={"type"})))
            return
        with self._own_errors():
            chunk = None
            for chunk in self.inner._stream(messages, stop=stop, run_manager=run_manager, **kwargs):  # noqa: SLF001
                yield chunk
            if chunk is None:  # a page instead of a stream, where the address lacks /v1
                raise ModelError(f"the model {self.model} sent nothing: check the server's address")

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except AgentkitError:
            raise
        except Exception as error:  # each provider's package has exceptions of its own
            raise ModelError(f"the model {self.model} did not answer: {_in_a_line(error)}") from error


def _remedy(error: ImportError) -> str:
    found = _PACKAGE.search(str(error))
    package = found[1] if found else ""
    if package in _EXTRAS:
        return f"pip install 'agentkit-local[{_EXTRAS[package]}]'"
    return f"pip install {package}" if package else _in_a_line(error)


def _in_a_line(error: Exception) -> str:
    """Its message, what was behind it, and what to do: `Connection error (Connection refused): check …`."""
    text = " ".join(str(error).split()) or type(error).__name__
    cause = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment] # an exception is all that it can be
    reason = " ".join(str(cause).split())
    if cause is not error and reason and reason not in text:
        text = f"{text.rstrip('.')} ({reason})"
    return f"{text}: check the server's address, and that it runs" if isinstance(cause, OSError) else text
