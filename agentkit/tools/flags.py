"""`tool`, which makes a LangChain tool of a function, and the flags that say how a tool may be run.

The flags ride in the tool's own `metadata`, so that the result is an ordinary `BaseTool` for any LangChain program.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, ParamSpec, TypeVar, overload

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as langchain_tool
from pydantic import PydanticUserError

from agentkit.errors import ShownToModel, ToolSetupError

_KEY = "agentkit"
_UNHINTED = "agentkit_unhinted"
_P = ParamSpec("_P")
_R = TypeVar("_R")
_Function = Callable[..., Any]  # Any: a tool takes and gives what its author wants; pydantic checks what it is given
_ResponseFormat = Literal["content", "content_and_artifact"]


@dataclass(frozen=True, slots=True)
class ToolFlags:
    """How a tool may be run."""

    effects: bool = False
    """It changes something outside of the conversation: a person must approve each call."""
    network: bool = False
    """It sends something to another machine."""
    timeout_s: float = 30.0
    """Longest time for one call."""
    max_result_chars: int = 8000
    """Longer results are cut, and the cut is said."""
    parallel: bool = False
    """Several calls may run at once."""


DEFAULT_FLAGS = ToolFlags()
"""The flags of a tool that says nothing about itself."""


@overload
def tool(function: _Function, /) -> BaseTool: ...


@overload
def tool(
    *,
    name: str | None = None,
    effects: bool = False,
    network: bool = False,
    timeout_s: float = DEFAULT_FLAGS.timeout_s,
    max_result_chars: int = DEFAULT_FLAGS.max_result_chars,
    parallel: bool = False,
    response_format: _ResponseFormat = "content",
) -> Callable[[_Function], BaseTool]: ...


def tool(
    function: _Function | None = None,
    /,
    *,
    name: str | None = None,
    effects: bool = False,
    network: bool = False,
    timeout_s: float = DEFAULT_FLAGS.timeout_s,
    max_result_chars: int = DEFAULT_FLAGS.max_result_chars,
    parallel: bool = False,
    response_format: _ResponseFormat = "content",
) -> BaseTool | Callable[[_Function], BaseTool]:
    """Make a LangChain tool of a function: its schema from the type hints, its descriptions from the docstring.

    Used bare (`@tool`) or with flags (`@tool(effects=True)`). The docstring is of Google's form: what the tool does,
    then `Args:` with a line for each parameter. What is missing is reported by the registry, for all tools at once. An
    error of the `ShownToModel` branch that the function raises becomes an observation in LangChain's own agents too;
    that of a coroutine only in ours.

    Args:
        function: What the tool does; given by the bare form.
        name: By default the function's name.
        effects: See `ToolFlags`, as for the four that follow.
        network: Whether it sends something to another machine.
        timeout_s: Longest time for one call.
        max_result_chars: Longest result.
        parallel: Whether several calls may run at once.
        response_format: `content_and_artifact` where the function gives a pair: the text for the model, and an object
            for the program.

    Raises:
        ToolSetupError: it is no function, or one that yields; its docstring describes a parameter that it does not
            have; a hint is unknown or has no schema; or no model can give a parameter, as `*args` or `_private`.
    """
    flags = ToolFlags(effects, network, timeout_s, max_result_chars, parallel)
    if function is not None:
        return _made(function, name, flags, response_format)
    return lambda given: _made(given, name, flags, response_format)


def flags_of(tool: BaseTool) -> ToolFlags:
    """The flags of a tool; the defaults where it was not made by our decorator."""
    stored = (tool.metadata or {}).get(_KEY)
    return ToolFlags(**stored) if isinstance(stored, dict) else DEFAULT_FLAGS


def is_ours(tool: BaseTool) -> bool:
    """True where our decorator made the tool."""
    return isinstance((tool.metadata or {}).get(_KEY), dict)


def unhinted(tool: BaseTool) -> list[str]:
    """The parameters of a tool of ours whose types its function does not say."""
    return list((tool.metadata or {}).get(_UNHINTED, ()))


def _made(function: _Function, name: str | None, flags: ToolFlags, response_format: _ResponseFormat) -> BaseTool:
    if not (callable(function) and hasattr(function, "__name__") and hasattr(function, "__annotations__")):
        hint = f"name={function!r} names one" if isinstance(function, str) else "put it into a function"
        raise ToolSetupError(f"{repr(function)[:80]} is no function to make a tool of: {hint}")
    name = name or function.__name__
    if problems := _problems(function):
        raise ToolSetupError(f"the tool {name} of {function.__module__} cannot be made: {'; '.join(problems)}")
    unknown = [each for each in inspect.signature(function).parameters if each not in function.__annotations__]
    for parameter in unknown:
        function.__annotations__[parameter] = Any  # LangChain would raise at once; the registry reports all
    try:
        made = langchain_tool(
            name,
            description=None if function.__doc__ else "",
            parse_docstring=True,
            error_on_invalid_docstring=False,
            response_format=response_format,
        )(function)
    except (ValueError, TypeError, NameError, PydanticUserError) as error:
        raise ToolSetupError(f"the tool {name} of {function.__module__} cannot be made: {error}") from error
    made.metadata = {_KEY: asdict(flags), **({_UNHINTED: unknown} if unknown else {})}
    made.handle_tool_error = True
    if isinstance(made, StructuredTool) and made.func is not None:
        made.func = _raising_tool_exceptions(made.func)  # only now: the schema is made from the function itself
    return made


def _problems(function: _Function) -> list[str]:
    """Why a model could not call it or read its result: its arguments come by name, and it reads what is returned."""
    problems = []
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        problems.append("it yields its result, and a tool returns one: return a text or a list")
    for name, parameter in inspect.signature(function).parameters.items():
        match parameter.kind:
            case parameter.VAR_POSITIONAL:
                problems.append(f"*{name} are arguments without names: take one list, {name}: list[…]")
            case parameter.VAR_KEYWORD:
                problems.append(f"**{name} are arguments that nobody knows: name each, or take one dict")
            case parameter.POSITIONAL_ONLY:
                problems.append(f"{name} can only be given by its place: leave the / out")
            case _ if name.startswith("_"):
                problems.append(f"{name} begins with _, and a schema leaves such out: rename it")
    return problems


def _raising_tool_exceptions(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Errors for the model as LangChain's exception for them, which its own agents turn into an observation."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except ShownToModel as error:
            raise ToolException(str(error)) from error

    return call
