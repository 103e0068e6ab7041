"""`LocalChatModel`: a LangChain chat model over the in-process engine.

What is not here: choosing tokens and batching (`engine/`), chat templates (`template.py`), the form of tool calls
(`tool_calling.py`), reading replies (`replies.py`), downloads (`catalog.py`).
"""

import math
import random
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor, get_config_list
from langchain_core.tools import BaseTool
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from agentkit.errors import (
    ConstraintError,
    ContextLengthError,
    EngineError,
    MessageError,
    ModelLoadError,
    ModelOptionError,
)
from agentkit.models.calls import CALL_OPTIONS, Call
from agentkit.models.catalog import DEFAULT_CHAT_MODEL
from agentkit.models.constraints import Constraint
from agentkit.models.engine import (
    MOST_RUNNING,
    Generation,
    GenerationGroup,
    GenerationRequest,
    LlamaEngine,
    Placement,
    SamplingParameters,
)
from agentkit.models.engine.matching import Matcher
from agentkit.models.messages import template_messages
from agentkit.models.replies import ReplyReader
from agentkit.models.schemas import openai_tool
from agentkit.models.store import ModelStore
from agentkit.models.structured import OutputMethod, OutputSchema, parsed, response_format, schema_instructions
from agentkit.models.template import ChatTemplate, Prompt
from agentkit.models.tool_calling import checked_name, tool_choice, with_system
from agentkit.results import Usage

_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For a GGUF without a template whose vocabulary has ChatML's tokens."""

_choose = tool_choice
"""Under another name, since `bind_tools` has a parameter called that by LangChain."""

_batch: ContextVar[GenerationGroup | None] = ContextVar("_batch", default=None)
"""What the calls of one `batch`, or of `replies_together`, add their generations to."""

_PER_CALL = frozenset(
    {"temperature", "top_k", "top_p", "min_p", "seed", "max_tokens", "stop", "n", "logprobs", "top_logprobs"}
    | {"reasoning", "draft_tokens"}
)

_OF_A_CALL = _PER_CALL | CALL_OPTIONS

_OF_SERVERS = frozenset({"api_key", "base_url", "max_retries", "streaming", "timeout"})
"""What LangChain's programs give to any chat model, and what means nothing to one in this process."""

_OF_LANGCHAIN = frozenset({"stream", "stream_options", "stream_usage", "strict"})
"""What they give to a call of any: LangChain has streamed it or not by then, its usage is always told, and every
constraint is strict."""


class _Loaded:
    """What a model and its shallow copies share in memory; a deep or pickled copy begins unloaded."""

    def __init__(self) -> None:
        self.engine: LlamaEngine | None = None
        self.template: ChatTemplate | None = None
        self.is_closed = False
        self.lock = threading.Lock()

    def __reduce__(self) -> tuple[type["_Loaded"], tuple[()]]:
        return _Loaded, ()


@dataclass(frozen=True, slots=True)
class Scores:
    """How likely continuations are."""

    logprobs: tuple[float, ...]
    """The natural-log probability of each continuation, all of its tokens together."""
    usage: Usage


@contextmanager
def replies_together() -> Iterator[GenerationGroup]:
    """A group whose `cancel` ends the replies of local models that are begun inside, also by threads with a copy of the
    context.
    """
    group = GenerationGroup(outer=_batch.get())
    outer = _batch.set(group)
    try:
        yield group
    finally:
        _batch.reset(outer)


class LocalChatModel(BaseChatModel):
    """A GGUF chat model in this process. Loaded at first use; safe to use from several threads, whose calls share a
    batch. Close it, or use it as a context manager, to free its memory before the process ends.

    Every sampling field can also be given for one call, `model.invoke(messages, temperature=0.7, max_tokens=50)`, or
    bound, `model.bind(temperature=0.7)`; LangChain's `configurable_fields` would load the model anew for each call. An
    option that there is not is ignored, as by LangChain's other models, with a warning that names the nearest.
    `constraint=` (see `agentkit.models.constraints`) restricts what one call may produce; `reply_start=` is text that
    the reply begins with and that is not produced again. Tools and structured output are LangChain's `bind_tools` and
    `with_structured_output`; calls are valid under the tools' schemas, since decoding admits nothing else.
    """

    model: str = DEFAULT_CHAT_MODEL
    """A catalog name, `hf:OWNER/REPO:FILE`, or a path to a GGUF file."""
    temperature: float = Field(default=0.0, ge=0.0)
    top_k: int = Field(default=0, ge=0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    min_p: float = Field(default=0.05, ge=0.0, le=1.0)
    seed: int | None = None
    """The same seed and prompt give the same reply where the same runs beside it and is cached: batches of other sizes
    round differently. None draws a new one for each call."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest reply in tokens; None goes on to the end of the context."""
    stop: list[Annotated[str, Field(min_length=1)]] | None = None
    n: int = Field(default=1, ge=1)
    """Replies to one prompt, in one batch: what `generate` returns for it. `invoke` gives the first, and a
    stream has one."""
    logprobs: bool = False
    """Report each token's log-probability in `response_metadata["logprobs"]`, in the form of OpenAI's API."""
    top_logprobs: int = Field(default=0, ge=0, le=20)
    """How many of a token's rivals to report with it."""
    reasoning: bool | None = None
    """Whether a reasoning model thinks first, where its template has a switch for it; None leaves it as it is."""
    draft_tokens: int | None = Field(default=None, ge=0, le=15)
    """At most how many tokens to guess from earlier text and verify together (prompt lookup), as far as that is faster;
    0 is none, and None only where several replies to one prompt are running."""
    context_tokens: int | None = Field(default=None, ge=64)
    """None takes the model's own limit, or what the memory allows of it."""
    gpu_layers: int | None = None
    """None chooses by free GPU memory; -1 is all."""
    main_gpu: int = Field(default=0, ge=0)
    """The GPU for what is not split, in the order of `agentkit doctor`."""
    tensor_split: tuple[float, ...] | None = None
    """Shares of the model for each GPU; None splits by free memory."""
    flash_attention: bool | None = None
    """None leaves it to llama.cpp."""
    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    """Form of the KV cache's numbers; the quantised ones need flash attention."""
    threads: int | None = Field(default=None, ge=1, le=512)
    models_directory: Path | None = None
    """Where pulled models are; None is the user's data folder."""

    _loaded: _Loaded = PrivateAttr(default_factory=_Loaded)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown(cls, given: Any) -> Any:  # Any: options, or a model that a pydantic field is given
        """LangChain ignores options that a class does not know, as a misspelt one; they are warned of."""
        if isinstance(given, dict):
            _warn_of_unknown(cls.__name__, given.keys() - _OF_SERVERS, cls.model_fields, stacklevel=5)
        return given

    @property
    def engine(self) -> LlamaEngine:
        """The engine, loaded now if it was not.

        Raises:
            ModelNotFoundError: the model was not pulled.
            ModelLoadError: its file cannot be used.
            EngineError: the model was closed.
        """
        loaded = self._loaded
        with loaded.lock:
            if loaded.is_closed:
                raise EngineError(f"the model {self.model} is closed: make a new LocalChatModel")
            if loaded.engine is None:
                path = ModelStore(self.models_directory).path(self.model)
                placement = Placement(
                    gpu_layers=self.gpu_layers,
                    main_gpu=self.main_gpu,
                    tensor_split=self.tensor_split or (),
                    flash_attention=self.flash_attention,
                    kv_cache_type=self.kv_cache_type,
                )
                loaded.engine = LlamaEngine(
                    path, context_tokens=self.context_tokens, placement=placement, threads=self.threads
                )
                weakref.finalize(loaded, loaded.engine.stop)  # a model that nothing refers to keeps no memory
            return loaded.engine

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy shares the loaded model, to its `close`, unless it is deep or `update` changes what is loaded."""
        copied = super().model_copy(update=update, deep=deep)
        if update and not update.keys() <= _PER_CALL:
            copied._loaded = _Loaded()  # noqa: SLF001 of the same class
        return copied

    def without_limits(self) -> Self:
        """A copy without `max_tokens` and `stop` of its own, for who gives them call by call; see `model_copy`."""
        return self.model_copy(update={"max_tokens": None, "stop": None})

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,  # Any: LangChain and the providers have strings, booleans and dicts
        parallel_tool_calls: bool = False,
        **options: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with tools that it may call.

        `tool_choice`: `auto` (None), `any` (`required`, True), `none`, a tool's name, or a provider's dict for these.
        Before a call that it may make, the model writes freely; that text is the message's content.
        `parallel_tool_calls` allows several calls in one reply.

        Raises:
            ConstraintError: a tool that is no function, or a `tool_choice` that none fits; at the call, two alike.
        """
        functions = [openai_tool(tool) for tool in tools]
        _choose(tool_choice, [checked_name(function) for function in functions])
        return self.bind(tools=functions, tool_choice=tool_choice, parallel_tool_calls=parallel_tool_calls, **options)

    def with_structured_output(
        self,
        schema: OutputSchema,
        *,
        include_raw: bool = False,
        method: OutputMethod = "json_schema",
        strict: bool | None = None,
        **options: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """This model with replies that are JSON under `schema`: a pydantic class, a TypedDict or a JSON schema.

        A pydantic class gives its instances, anything else dicts. `include_raw` gives a dict of `raw`, `parsed` and
        `parsing_error`. Every `method` is constrained, so `strict` changes nothing; `function_calling` lets the model
        write freely first.

        Raises:
            ConstraintError: the schema is refused; at the call, before anything is decoded.
        """
        if method not in get_args(OutputMethod):
            raise ValueError(f"method {method!r} is none of {', '.join(get_args(OutputMethod))}")
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **options)
        if options:
            raise ValueError(f"with_structured_output does not know {', '.join(sorted(options))}")
        bound = self.bind(
            response_format=response_format(schema),
            ls_structured_output_format={"kwargs": {"method": method}, "schema": openai_tool(schema)},
        )
        return parsed(bound, schema, include_raw=include_raw)

    def batch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Any,
    ) -> list[AIMessage]:
        """Replies to all inputs, decoded together: as many at once as the engine runs, unless the config says fewer.

        An error that is not to be returned, or Ctrl-C, ends all of them.
        """
        if not inputs:
            return []
        configs = get_config_list(config, len(inputs))
        errors = Exception if return_exceptions else ()

        def invoke(entry: LanguageModelInput, config: RunnableConfig) -> Any:  # Any: LangChain's type names no errors
            try:
                return self.invoke(entry, config, **options)
            except errors as error:
                return error

        most = configs[0].get("max_concurrency") or MOST_RUNNING
        with replies_together() as group, ContextThreadPoolExecutor(most) as pool:
            futures = [pool.submit(invoke, *pair) for pair in zip(inputs, configs, strict=True)]
            try:
                for ended in wait(futures, return_when=FIRST_EXCEPTION).done:
                    ended.result()  # raises the error, if there is one
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                group.cancel()
                raise

    def prompt_tokens(
        self,
        messages: LanguageModelInput,
        *,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool] = (),
    ) -> list[int]:
        """The tokens that `messages` become, with what the prompt says of `tools`, template and all."""
        call = Call.of({"tools": tools})
        return list(self._prompt(self._convert_input(messages).to_messages(), call).tokens)

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

    def perplexity(self, text: str) -> float:
        """How surprising `text` is: e to the mean negative log-probability of its tokens after the first.

        Jelinek et al. 1977. 1 is certain; infinite surprise does not occur. Comparable between texts for one model.

        Raises:
            MessageError: fewer than two tokens.
            ContextLengthError: longer than the context.
        """
        vocabulary = self.engine.vocabulary
        tokens = vocabulary.tokenize(text)
        start = [vocabulary.bos] if vocabulary.adds_bos else tokens[:1]
        rest = tokens if vocabulary.adds_bos else tokens[1:]
        if not rest:
            raise MessageError(f"perplexity needs a text of two tokens or more, not {text!r}")
        logprobs = self.engine.score(start, [rest])[0].logprobs
        return math.exp(-sum(logprobs) / len(logprobs))

    def get_num_tokens(self, text: str) -> int:
        """Tokens of `text` as content."""
        return len(self.get_token_ids(text))

    def get_token_ids(self, text: str) -> list[int]:
        """The model's own tokens of `text` as content."""
        return self.engine.vocabulary.tokenize(text)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Tokens of the prompt that `messages` become, the template's own and the tools' included."""
        return len(self._prompt(messages, Call.of({"tools": tools})).tokens)

    def close(self) -> None:
        """Free the model's memory. A call that is running ends with `EngineError`."""
        with self._loaded.lock:
            self._loaded.is_closed = True
            if self._loaded.engine is not None:
                self._loaded.engine.close()
                self._loaded.engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _llm_type(self) -> str:
        return "agentkit-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """All that a reply depends on: LangChain's cache tells replies apart by it."""
        own = [name for name in LocalChatModel.model_fields if name not in BaseChatModel.model_fields]
        return {name: getattr(self, name) for name in own}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """LangChain's own leaves out the `stop` of the model itself."""
        return super()._get_invocation_params(stop=self.stop if stop is None else stop, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        started = self._start(messages, stop, kwargs)
        try:
            replies = [self._collect(generation, reader, run_manager) for generation, reader in started]
        except BaseException:
            for generation, _ in started:
                generation.cancel()
            raise
        return ChatResult(generations=[ChatGeneration(message=message) for message in replies])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if kwargs.get("n", 1) != 1:
            raise ModelOptionError(f"a stream has one reply, not {kwargs['n']}: leave n or stream out")
        ((generation, reader),) = self._start(messages, stop, {**kwargs, "n": 1})
        for piece in generation:
            message = reader.add(piece)
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(str(message.content), chunk=chunk)
            yield chunk
        yield ChatGenerationChunk(message=reader.last(generation.outcome))

    def _start(
        self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> list[tuple[Generation, ReplyReader]]:
        """Begin the replies. `options` are fields of this class for one call, and those of `Call`."""
        _warn_of_unknown(f"a call of {type(self).__name__}", options.keys() - _OF_SERVERS - _OF_LANGCHAIN, _OF_A_CALL)
        engine = self.engine
        settings = self._with(options if stop is None else {**options, "stop": stop})
        call = Call.of(options)
        prompt = self._prompt(messages, call, enable_thinking=settings.reasoning)
        tokens = prompt.tokens + tuple(engine.vocabulary.tokenize(call.reply_start))
        left = engine.context_tokens - len(tokens)
        if left > 0 and settings.max_tokens and settings.max_tokens > left:
            raise ContextLengthError(
                f"max_tokens is {settings.max_tokens} and the prompt of {len(tokens)} tokens leaves {left} of the "
                f"context of {engine.context_tokens}: ask for {left} or fewer, or shorten the prompt"
            )
        constraint, form = call.form(prompt, self._chat_template(), engine.vocabulary)
        seed = random.getrandbits(32) if settings.seed is None else settings.seed
        requests = [
            GenerationRequest(
                prompt=tokens,
                max_tokens=settings.max_tokens or max(left, 1),
                sampling=SamplingParameters(
                    settings.temperature, settings.top_k, settings.top_p, settings.min_p, seed + number
                ),
                stop=tuple(settings.stop or ()),
                matcher=_compiled(engine, constraint, call) if constraint else None,
                thought=constraint.thought if constraint else None,
                draft_tokens=settings.draft_tokens,
                logprobs=settings.top_logprobs if settings.logprobs else None,
            )
            for number in range(settings.n)
        ]
        started = []
        for request in requests:
            generation = engine.generate(request)
            if group := _batch.get():
                group.add(generation)
            started.append((generation, ReplyReader(form, self.model, engine.vocabulary.piece)))
        return started

    def _collect(
        self, generation: Generation, reader: ReplyReader, run_manager: CallbackManagerForLLMRun | None
    ) -> AIMessage:
        for piece in generation:
            message = reader.add(piece)
            if run_manager and message.content:
                run_manager.on_llm_new_token(str(message.content))
        return reader.message(generation.outcome)

    def _with(self, options: dict[str, Any]) -> "LocalChatModel":
        """This model's settings with those of one call, checked alike. Other options are `Call`'s, or unknown.

        Raises:
            ModelOptionError: a value out of range.
        """
        fields = {name: getattr(self, name) for name in _PER_CALL}
        try:
            return LocalChatModel(**{**fields, **{name: options[name] for name in _PER_CALL & options.keys()}})
        except ValidationError as error:
            first = error.errors()[0]
            raise ModelOptionError(f"{first['loc'][0]}={first['input']!r} cannot be used: {first['msg']}") from error

    def _prompt(
        self, messages: list[BaseMessage], call: Call | None = None, *, enable_thinking: bool | None = None
    ) -> Prompt:
        template = self._chat_template()
        rendered = template_messages(messages, knows_reasoning=template.knows_reasoning)
        if call and call.answer_schema is not None:
            rendered = with_system(rendered, schema_instructions(call.answer_schema))
        tools = call.tools.tools if call and call.tools else ()
        return template.prompt(rendered, tools=tools, enable_thinking=enable_thinking)

    def _chat_template(self) -> ChatTemplate:
        engine = self.engine
        with self._loaded.lock:
            if self._loaded.template is None:
                source = engine.metadata("tokenizer.chat_template")
                if source is None and "<|im_start|>" not in engine.vocabulary.control_tokens:
                    raise ModelLoadError(
                        f"the model {self.model} has no chat template: choose a chat or instruct model"
                    )
                self._loaded.template = ChatTemplate(source or _CHATML, engine.vocabulary)
            return self._loaded.template


def _compiled(engine: LlamaEngine, constraint: Constraint, call: Call) -> Matcher:
    """Raises ConstraintError, with the name of the tool whose schema is refused."""
    try:
        return engine.compile(constraint)
    except ConstraintError as error:
        refusal = call.tools.refusal(engine.compile) if call.tools else None
        raise refusal or error from error.__cause__


def _warn_of_unknown(who: str, given: Collection[str], known: Collection[str], *, stacklevel: int = 2) -> None:
    """LangChain's models ignore options that they do not know, as a misspelt one; `who` takes those that are known."""
    for name in sorted(set(given).difference(known)):
        near = get_close_matches(name, known, n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        if name in LocalChatModel.model_fields:
            hint = ": give it to the constructor"
        warnings.warn(f"{who} ignores {name}, which it does not know{hint}", stacklevel=stacklevel)
