"""Where a chat template runs: Jinja's sandbox, under limits of time and memory.

A template is somebody else's program. What fills the memory in one step, which no limit can interrupt, is checked
before it is done.
"""

import ctypes
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NoReturn

import psutil
from jinja2 import Environment, TemplateError, pass_environment
from jinja2.compiler import CodeGenerator
from jinja2.filters import do_format, do_indent, make_attrgetter
from jinja2.nodes import Concat
from jinja2.sandbox import ImmutableSandboxedEnvironment

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


class _CheckedCode(CodeGenerator):
    """Compiles `a ~ b` to a call of the environment's `joined`: it is no operator that a sandbox can intercept."""

    def visit_Concat(self, node: Concat, frame: Any) -> None:  # noqa: N802  Jinja's name
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
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


def within_limits(render: Callable[[], str]) -> str:
    """Run `render` in a thread of its own and interrupt it at a limit of time or memory: its loops are Python bytecode.

    Raises:
        TimeoutError: it took too long; the message goes on from what it is.
        MemoryError: the process grew by too much; as above.
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
        raise (
            MemoryError("takes too much memory")
            if is_too_large
            else TimeoutError(f"ran longer than {_TIME_LIMIT_S:g} s")
        )
    if failure:
        raise failure[0]
    return result[0]


def _own_memory(process: psutil.Process) -> int:
    """Bytes that a process holds alone, without the model's file."""
    used = process.memory_info()
    return int(used.rss - getattr(used, "shared", 0))
