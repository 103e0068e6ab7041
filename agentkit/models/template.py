"""Chat templates: messages to prompt tokens, with content that can never become a control token.

A GGUF carries its model's Jinja template (the Hugging Face convention: `messages`, `tools`,
`add_generation_prompt`). It is somebody else's program, so it runs in Jinja's sandbox under limits of
time and memory, and the length of each text is checked before it is made.

Content is data (design.md, invariant 6). Every control token that is written in it is replaced by a marker before the
template runs; afterwards the markers are spelled out as plain text and everything else is tokenised as markup.
"""

import ctypes
import json
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn

import psutil
from jinja2 import Environment, TemplateError, pass_environment
from jinja2.compiler import CodeGenerator
from jinja2.filters import do_format, do_indent, make_attrgetter
from jinja2.nodes import Concat
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentkit.errors import MessageError, ModelLoadError
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.models.reasoning import CLOSE_REASONING, OPEN_REASONING
from agentkit.models.tool_calling import OPEN_CALL, plain_messages

_TIME_LIMIT_S = 2.0
_MEMORY_LIMIT_BYTES = 1_000_000_000
"""By how much the process may grow while a template runs; other threads' work is in it."""
_WATCH_S = 0.02
_AGAIN_S = 0.5
"""An interruption is seldom lost; two at once would meet the handling of the first."""
_LONGEST_PRODUCT = 1_000_000
_LONGEST_TEXT = 10_000_000
"""Characters of any text that a template makes: each step is checked before it is done."""
_WIDENING_FILTERS = ("batch", "center", "slice", "wordwrap")
_WIDENING_METHODS = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"})
"""What makes any length of text in one call, which no limit of time or memory can interrupt."""
_WIDEST = 1000
"""Characters that an indentation may have."""
_WIDE_FORMAT = re.compile(r"%(?:\([^)]*\))?[^%a-zA-Z]*?(?:\d{4}|\*)")
"""A width, or one that an argument gives, that `%` would fill up to."""
# Private-use characters that mark a control token's text: MARK_START, its number in decimal, MARK_END.
_MARK_START, _MARK_END = "\uf8f0", "\uf8f1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to go on from."""

    tokens: tuple[int, ...]
    is_reasoning_open: bool = False
    """It ends inside a `<think>` block, so that the reply begins there."""
    is_reasoning_done: bool = False
    """It ends with such a block, so that the reply has none."""


class ChatTemplate:
    """The chat template of one model."""

    def __init__(self, source: str, vocabulary: Vocabulary) -> None:
        """Compile the template.

        Raises:
            ModelLoadError: it is not a valid Jinja template.
        """
        self._vocabulary = vocabulary
        try:
            self._template = _Sandbox(trim_blocks=True, lstrip_blocks=True).from_string(source)
        except (TemplateError, RecursionError) as error:
            raise ModelLoadError(f"the model's chat template is not valid Jinja: {error}") from error
        self.knows_tools = "tools" in source and OPEN_CALL in source
        """It writes tools, calls and results itself, in the form that `tool_calling` reads."""
        self.knows_reasoning = CLOSE_REASONING in source
        """It is a reasoning model's."""

    def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        enable_thinking: bool | None = None,
    ) -> Prompt:
        """The prompt for messages of the Hugging Face form (`role`, `content`, …), ready for a reply.

        `enable_thinking` is the switch of templates such as Qwen3's; None leaves it as the template has it.

        Raises:
            MessageError: the template refuses the messages, takes too long, or the text holds lone surrogates.
        """
        options = {} if enable_thinking is None else {"enable_thinking": enable_thinking}
        try:
            if not self.knows_tools:
                messages, tools = plain_messages(messages, tools), ()
            if not self.supports_system:
                messages = _without_system(messages)
            marked = self._mark(list(messages)), self._mark(list(tools))
        except RecursionError as error:
            raise MessageError("the arguments of a tool call are nested too deep: flatten them") from error
        except (TypeError, ValueError) as error:
            raise MessageError(f"a tool, or the arguments of a call, cannot be written as JSON: {error}") from error
        rendered = self._render(*marked, options)
        tokens = [token for part in re.split(self._marker, rendered) for token in self._part_tokens(part)]
        vocabulary = self._vocabulary
        if vocabulary.adds_bos and tokens[:1] != [vocabulary.bos]:
            tokens.insert(0, vocabulary.bos)
        end = rendered.rstrip()
        return Prompt(tuple(tokens), end.endswith(OPEN_REASONING), end.endswith(CLOSE_REASONING))

    @cached_property
    def supports_system(self) -> bool:
        """Whether a system message reaches the prompt: some templates refuse one, others leave it out in silence."""
        probe = [{"role": "system", "content": "probe-7f3a"}, {"role": "user", "content": "x"}]
        try:
            return "probe-7f3a" in self._render(probe, [], {})
        except MessageError:
            return False

    def _render(self, messages: list[Any], tools: list[Any], options: Mapping[str, bool]) -> str:
        markup = {name: self._markup(token) for name, token in self._named_tokens.items()}
        try:
            return _within_limits(
                lambda: self._template.render(
                    messages=messages, tools=tools or None, add_generation_prompt=True, **markup, **options
                )
            )
        except TimeoutError as error:
            raise MessageError(f"the model's chat template ran longer than {_TIME_LIMIT_S:g} s: use another") from error
        except MemoryError as error:
            raise MessageError("the model's chat template takes too much memory: use another model") from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise MessageError(f"the model's chat template refuses these messages: {error}") from error

    @cached_property
    def _named_tokens(self) -> dict[str, int]:
        return {"bos_token": self._vocabulary.bos, "eos_token": self._vocabulary.eos}

    def _markup(self, token: int) -> str:
        return next((text for text, control in self._control if control == token), "")

    @cached_property
    def _control(self) -> list[tuple[str, int]]:
        """Control tokens, longest text first, so that the longest one standing at a place is the one marked."""
        return sorted(self._vocabulary.control_tokens.items(), key=lambda item: (-len(item[0]), item[0]))

    @cached_property
    def _written_control(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(text) for text, _ in self._control) or "(?!)")

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        return re.compile(f"({_MARK_START}[0-9]+{_MARK_END})")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {text: number for number, (text, _) in enumerate(self._control)}

    def _mark(self, value: Any) -> Any:
        """`value` with every control token's text in its strings, at any depth, replaced by a marker."""
        if isinstance(value, str):
            clean = value.replace(_MARK_START, "\ufffd").replace(_MARK_END, "\ufffd")
            return self._written_control.sub(lambda found: self._marker_for(found[0]), clean)
        if isinstance(value, Mapping):
            return {self._mark(key): self._mark(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._mark(inner) for inner in value]
        return value

    def _marker_for(self, text: str) -> str:
        return f"{_MARK_START}{self._numbers[text]}{_MARK_END}"

    def _part_tokens(self, part: str) -> list[int]:
        if part.startswith(_MARK_START) and part.endswith(_MARK_END):
            return self._vocabulary.tokenize(self._control[int(part[1:-1])][0])
        return self._vocabulary.tokenize_markup(part) if part else []


def _without_system(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The system message as the beginning of the first message of the user."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if not system:
        return list(rest)
    if not rest or rest[0]["role"] != "user":
        rest.insert(0, {"role": "user", "content": ""})
    rest[0]["content"] = "\n\n".join(filter(None, [*system, rest[0]["content"]]))
    return list(rest)


class _CheckedCode(CodeGenerator):
    """Compiles `a ~ b` to a call of the environment's `joined`: it is no operator that a sandbox can intercept."""

    def visit_Concat(self, node: Concat, frame: Any) -> None:  # noqa: N802  Jinja's name
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with what Hugging Face templates expect, and without what fills the memory in one step."""

    intercepted_binops = frozenset(["*", "**", "%", "+"])
    code_generator_class = _CheckedCode

    def __init__(self, **options: Any) -> None:
        super().__init__(extensions=["jinja2.ext.loopcontrols"], **options)
        self.globals["raise_exception"] = _raise_template_error
        self.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        self.filters["tojson"] = _to_json
        self.filters |= {"format": _format, "indent": _indent, "join": _join, "replace": _replace}
        for name in _WIDENING_FILTERS:
            del self.filters[name]

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        is_widening = isinstance(obj, (str, bytes)) and attr in _WIDENING_METHODS
        return not is_widening and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        match operator:
            case "**":
                raise TemplateError("powers are not allowed in a chat template")
            case "*":
                _check_product(left, right)
            case "%" if isinstance(left, (str, bytes)):
                _check_format(left)
            case "+" if isinstance(left, str) and isinstance(right, str):
                _check_length(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, function: Any, /, *args: Any, **options: Any) -> Any:
        text = getattr(function, "__self__", None)
        if isinstance(text, str):
            match function.__name__, args:
                case "replace", (old, new, *_):
                    _check_replaced(text, old, new)
                case "join", (parts,):
                    args = (_checked(parts, len(text)),)
        return super().call(context, function, *args, **options)

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        """Everything that a template or a block of it writes."""
        return "".join(_checked(parts))

    @staticmethod
    def joined(parts: Iterable[Any]) -> str:
        """What `~` gives."""
        return "".join(_checked(map(str, parts)))


def _checked(parts: Iterable[str], between: int = 0) -> list[str]:
    """The parts of a text that is made of them, with so many characters between two."""
    kept, length = [], 0
    for part in parts:
        length += len(part) + between
        _check_length(length)
        kept.append(part)
    return kept


def _check_product(left: Any, right: Any) -> None:
    sizes = [len(side) if hasattr(side, "__len__") else side for side in (left, right)]
    if not all(isinstance(size, (int, float)) for size in sizes) or abs(sizes[0] * sizes[1]) > _LONGEST_PRODUCT:
        raise TemplateError("a product in the chat template is too large")


def _check_length(length: int) -> None:
    if length > _LONGEST_TEXT:
        raise TemplateError(f"a text in the chat template is longer than {_LONGEST_TEXT:,} characters")


def _check_replaced(text: str, old: str, new: str) -> None:
    _check_length(len(text) + text.count(old) * len(new))


def _check_format(form: str | bytes) -> None:
    if not isinstance(form, str) or _WIDE_FORMAT.search(form):
        raise TemplateError(f"the format {form!r} in the chat template is too wide")


def _format(value: str, *args: Any, **options: Any) -> str:
    """Jinja's filter, for widths of up to three digits."""
    _check_format(str(value))
    return do_format(value, *args, **options)


def _indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002
    """Jinja's filter, with its parameters, for an indentation of bounded length and few lines."""
    length = len(width) if isinstance(width, str) else width
    if length > _WIDEST:
        raise TemplateError(f"an indentation of {length} characters in the chat template is too wide")
    _check_length(len(s) + (s.count("\n") + 1) * length)
    return do_indent(s, width, first, blank)


@pass_environment
def _join(environment: Environment, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    """Jinja's filter, with its parameters, for a result of bounded length."""
    values = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return str(d).join(_checked(map(str, values), len(str(d))))


def _replace(s: str, old: str, new: str, count: int | None = None) -> str:
    """Jinja's filter, with its parameters, for a result of bounded length."""
    _check_replaced(str(s), str(old), str(new))
    return str(s).replace(str(old), str(new), -1 if count is None else count)


def _raise_template_error(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None, **_options: Any) -> str:
    """As Hugging Face's: readable characters, no HTML escapes."""
    return json.dumps(value, ensure_ascii=False, indent=min(indent, 16) if indent else indent)


class _InterruptedError(BaseException):
    """Raised inside the rendering thread; not an `Exception`, so that no template construct can swallow it."""


def _within_limits(render: Any) -> str:
    """Run `render` in a thread of its own and interrupt it at a limit of time or memory: its loops are Python bytecode.

    Raises:
        TimeoutError: it took too long.
        MemoryError: the process grew by too much.
    """
    result: list[str] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(render())
        except BaseException as error:  # noqa: BLE001  # handed over to the thread that waits
            failure.append(error)

    thread = threading.Thread(target=run, name="agentkit-template", daemon=True)
    process = psutil.Process()
    most, end = _own_memory(process) + _MEMORY_LIMIT_BYTES, time.monotonic() + _TIME_LIMIT_S
    is_too_large = False
    thread.start()
    thread.join(_WATCH_S)
    while thread.is_alive():
        is_too_large |= _own_memory(process) > most
        is_over = is_too_large or time.monotonic() > end
        if is_over:
            interruption = ctypes.py_object(_InterruptedError)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), interruption)
        thread.join(_AGAIN_S if is_over else _WATCH_S)
    if failure and isinstance(failure[0], _InterruptedError):
        failure.clear()  # its frames hold what the template made
        raise MemoryError if is_too_large else TimeoutError
    if failure:
        raise failure[0]
    return result[0]


def _own_memory(process: psutil.Process) -> int:
    """Bytes that a process holds alone, without the model's file."""
    used = process.memory_info()
    return int(used.rss - getattr(used, "shared", 0))
