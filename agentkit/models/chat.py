"""`LocalChatModel`: a LangChain chat model over the in-process engine.

What is not here: choosing tokens and batching (`engine/`), chat templates (`template.py`), downloads (`catalog.py`).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from agentkit.errors import ContextLengthError, EngineError, ModelLoadError
from agentkit.models.catalog import DEFAULT_CHAT_MODEL
from agentkit.models.constraints import Constraint
from agentkit.models.engine import Generation, GenerationRequest, LlamaEngine, Outcome, Piece, SamplingParameters
from agentkit.models.messages import template_messages
from agentkit.models.store import ModelStore
from agentkit.models.template import ChatTemplate
from agentkit.results import StopReason, Usage

_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a GGUF without a template whose vocabulary has ChatML's tokens."""

_PER_CALL = frozenset({"temperature", "top_k", "top_p", "min_p", "seed", "max_tokens", "stop"})

_FINISH_REASONS = {StopReason.MAX_TOKENS: "length", StopReason.CONTEXT_FULL: "length"}
"""OpenAI's words, which LangChain programs look for; any other reason is "stop"."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How likely continuations are."""

    logprobs: tuple[float, ...]
    """The natural-log probability of each continuation, all of its tokens together."""
    usage: Usage


class LocalChatModel(BaseChatModel):
    """A GGUF chat model in this process. Loaded at first use; safe to use from several threads, whose calls share a
    batch. Close it, or use it as a context manager, to free its memory before the process ends.

    Every sampling field can also be given for one call: `model.invoke(messages, temperature=0.7, max_tokens=50)`.
    `constraint=` (see `agentkit.models.constraints`) restricts what one call may produce; `reply_start=` is text that
    the reply begins with and that is not produced again.
    """

    model: str = DEFAULT_CHAT_MODEL
    """A catalog name, `hf:OWNER/REPO:FILE`, or a path to a GGUF file."""
    temperature: float = Field(default=0.0, ge=0.0)
    top_k: int = Field(default=0, ge=0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    min_p: float = Field(default=0.05, ge=0.0, le=1.0)
    seed: int = 0
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest reply in tokens; None goes on to the end of the context."""
    stop: list[str] | None = None
    context_tokens: int | None = Field(default=None, ge=64)
    """None takes the model's own limit, or what the memory allows of it."""
    gpu_layers: int | None = None
    """None chooses by free GPU memory; -1 is all."""
    threads: int | None = Field(default=None, ge=1)
    models_directory: Path | None = None
    """Where pulled models are; None is the user's data folder."""

    _engine: LlamaEngine | None = PrivateAttr(default=None)
    _template: ChatTemplate | None = PrivateAttr(default=None)
    _is_closed: bool = PrivateAttr(default=False)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def engine(self) -> LlamaEngine:
        """The engine, loaded now if it was not.

        Raises:
            ModelNotFoundError: the model was not pulled.
            ModelLoadError: its file cannot be used.
            EngineError: the model was closed.
        """
        with self._lock:
            if self._is_closed:
                raise EngineError(f"the model {self.model} is closed: make a new LocalChatModel")
            if self._engine is None:
                path = ModelStore(self.models_directory).path(self.model)
                self._engine = LlamaEngine(
                    path, context_tokens=self.context_tokens, gpu_layers=self.gpu_layers, threads=self.threads
                )
            return self._engine

    def prompt_tokens(self, messages: LanguageModelInput) -> list[int]:
        """The tokens that `messages` become, template and beginning of the reply included."""
        return self._chat_template().tokens(template_messages(self._convert_input(messages).to_messages()))

    def score(self, messages: LanguageModelInput, continuations: Sequence[str], *, reply_start: str = "") -> Scores:
        """How likely each continuation is as the reply to `messages`, in one batch.

        The messages are evaluated once, or not at all where the cache holds them.

        Raises:
            ContextLengthError: messages and continuation are longer than the context.
        """
        started = time.monotonic()
        prompt = self.prompt_tokens(messages) + self.engine.vocabulary.tokenize(reply_start)
        tokens = [self.engine.vocabulary.tokenize(continuation) for continuation in continuations]
        scores = self.engine.score(prompt, tokens)
        usage = Usage(
            prompt_tokens=len(prompt) * len(scores),
            cached_tokens=sum(score.cached_tokens for score in scores),
            seconds=time.monotonic() - started,
        )
        return Scores(tuple(sum(score.logprobs) for score in scores), usage)

    def get_num_tokens(self, text: str) -> int:
        """Tokens of `text` as content."""
        return len(self.engine.vocabulary.tokenize(text))

    def close(self) -> None:
        """Free the model's memory. A call that is running ends with `EngineError`."""
        with self._lock:
            self._is_closed = True
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _llm_type(self) -> str:
        return "agentkit-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": self.temperature, "seed": self.seed}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        generation = self._start(messages, stop, kwargs)
        text = "".join(self._report(piece, run_manager) for piece in generation)
        message = AIMessage(text, **self._metadata(generation.outcome))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        generation = self._start(messages, stop, kwargs)
        for piece in generation:
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece.text))
            if run_manager:
                run_manager.on_llm_new_token(piece.text, chunk=chunk)
            yield chunk
        last = AIMessageChunk(content="", chunk_position="last", **self._metadata(generation.outcome))
        yield ChatGenerationChunk(message=last)

    def _start(self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> Generation:
        """Begin a reply. `options` are fields of this class for one call, and `constraint`."""
        engine = self.engine
        constraint: Constraint | None = options.pop("constraint", None)
        settings = self._with(options)
        prompt = self._chat_template().tokens(template_messages(messages))
        prompt += engine.vocabulary.tokenize(options.pop("reply_start", ""))
        left = engine.context_tokens - len(prompt)
        if left > 0 and settings.max_tokens and settings.max_tokens > left:
            raise ContextLengthError(
                f"max_tokens is {settings.max_tokens} and the prompt of {len(prompt)} tokens leaves {left} of the "
                f"context of {engine.context_tokens}: ask for {left} or fewer, or shorten the prompt"
            )
        sampling = SamplingParameters(
            settings.temperature, settings.top_k, settings.top_p, settings.min_p, settings.seed
        )
        return engine.generate(
            GenerationRequest(
                prompt=tuple(prompt),
                max_tokens=settings.max_tokens or max(left, 1),
                sampling=sampling,
                stop=tuple(stop if stop is not None else settings.stop or ()),
                matcher=engine.compile(constraint) if constraint else None,
            )
        )

    def _with(self, options: dict[str, Any]) -> "LocalChatModel":
        """This model's settings with those of one call, checked alike. Unknown options are LangChain's own."""
        fields = {name: getattr(self, name) for name in _PER_CALL}
        return LocalChatModel(**{**fields, **{name: options[name] for name in _PER_CALL & options.keys()}})

    def _chat_template(self) -> ChatTemplate:
        engine = self.engine
        with self._lock:
            if self._template is None:
                source = engine.metadata("tokenizer.chat_template")
                if source is None and "<|im_start|>" not in engine.vocabulary.control_tokens:
                    raise ModelLoadError(
                        f"the model {self.model} has no chat template: choose a chat or instruct model"
                    )
                self._template = ChatTemplate(source or _CHATML, engine.vocabulary)
            return self._template

    def _report(self, piece: Piece, run_manager: CallbackManagerForLLMRun | None) -> str:
        if run_manager and piece.text:
            run_manager.on_llm_new_token(piece.text)
        return piece.text

    def _metadata(self, outcome: Outcome) -> dict[str, Any]:
        """What an `AIMessage` says about how it came to be."""
        usage = outcome.usage
        return {
            "usage_metadata": UsageMetadata(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                total_tokens=usage.prompt_tokens + usage.completion_tokens,
                input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
            ),
            "response_metadata": {
                "model_name": self.model,
                "finish_reason": _FINISH_REASONS.get(outcome.stop_reason, "stop"),
                "stop_reason": outcome.stop_reason.value,
                "forced_tokens": usage.forced_tokens,
                "seconds": usage.seconds,
            },
        }
