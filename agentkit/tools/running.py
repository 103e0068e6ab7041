"""`run_tool`: one call of a tool, from unchecked arguments to an observation; it gives an outcome whatever happens.

A tool runs in a thread of its own. Python cannot end a thread: one that is over its time is left behind, as a daemon,
and what it gives later is dropped. What it prints through `sys.stdout` goes to the log; a process that it starts is
not caught.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any
from uuid import uuid4

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, Tool, ToolException
from pydantic import BaseModel

from agentkit.errors import ShownToModel
from agentkit.tools.arguments import checked_arguments, under_aliases
from agentkit.tools.flags import ToolFlags, flags_of
from agentkit.tools.observations import as_text, describe_error, observation
from agentkit.tools.silence import Silence

_POLL_S = 0.05
"""How often a cancel is looked for."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a call gave."""

    content: str
    """What the model reads: the result, or the error."""
    artifact: Any = None  # Any: whatever the tool has for the program
    """The tool's object for the program; None where it gives none."""
    error: str | None = None
    """What went wrong, the same text as `content`; None where nothing did."""
    is_cut: bool = False
    """True where the result was longer than the tool's limit; `content` says so."""


def run_tool(
    tool: BaseTool,
    arguments: Mapping[str, Any],  # Any: what a model wrote
    *,
    flags: ToolFlags | None = None,
    config: RunnableConfig | None = None,
    cancel: threading.Event | None = None,
) -> ToolOutcome:
    """Check the arguments, run the tool, and turn what comes back into clean text.

    Nothing is asked here: a tool with effects runs, so approve the call first.

    Args:
        tool: Any LangChain tool; one that has only a coroutine is run in an event loop of its own.
        arguments: As the model gave them.
        flags: By default the tool's own.
        config: LangChain's, for callbacks.
        cancel: Setting it, from any thread, ends the wait for the tool.

    Returns:
        An outcome, also where the tool raises, exits or hangs. Only KeyboardInterrupt leaves.
    """
    flags = flags or flags_of(tool)
    call = _Call(tool, arguments, config, flags)
    try:
        call.start()
    except RuntimeError as error:  # there are too many threads
        return _failure(describe_error(error), flags)
    if call.wait(flags.timeout_s, cancel):
        return call.outcome
    reason = "it was cancelled" if cancel and cancel.is_set() else f"it took longer than {flags.timeout_s:g} s"
    return _failure(f"{tool.name} is not waited for any longer: {reason}. What it does may still be done", flags)


class _Call:
    """One run of a tool in a thread."""

    def __init__(
        self, tool: BaseTool, arguments: Mapping[str, Any], config: RunnableConfig | None, flags: ToolFlags
    ) -> None:
        self.outcome = _failure(f"{tool.name} ended without a result", flags)
        self._tool = tool
        self._arguments = arguments
        self._config = config
        self._flags = flags
        self._is_done = threading.Event()
        self._context = contextvars.copy_context()  # what callbacks and tracers of the caller hang on

    def start(self) -> None:
        threading.Thread(
            target=self._context.run, args=(self._run,), name=f"tool {self._tool.name}", daemon=True
        ).start()

    def wait(self, timeout_s: float, cancel: threading.Event | None) -> bool:
        """True where the tool has ended."""
        if cancel is None:
            return self._is_done.wait(timeout_s)
        deadline = time.monotonic() + timeout_s
        while not cancel.is_set() and (left := deadline - time.monotonic()) > 0:
            if self._is_done.wait(min(left, _POLL_S)):
                return True
        return self._is_done.is_set()

    def _run(self) -> None:
        try:
            with Silence(self._tool.name):
                self.outcome = self._outcome()
        except BaseException as error:  # noqa: BLE001 whatever a tool raises, SystemExit too, is an observation
            self.outcome = _failure(describe_error(error), self._flags)
        finally:
            self._is_done.set()

    def _outcome(self) -> ToolOutcome:
        try:
            result = self._result(checked_arguments(self._tool, self._arguments))
        except ToolException as error:
            return _failure(self._handled(error), self._flags)
        except ShownToModel as error:
            return _failure(str(error), self._flags)
        if not isinstance(result, ToolMessage):
            text, is_cut = observation(as_text(result), self._flags.max_result_chars)
            return ToolOutcome(text, is_cut=is_cut)
        text, is_cut = observation(as_text(result.content), self._flags.max_result_chars)
        return ToolOutcome(text, result.artifact, text if result.status == "error" else None, is_cut)

    def _result(self, arguments: dict[str, Any]) -> Any:
        """What the tool gave: as a ToolMessage where it has an artifact, else as it is, not made into text yet."""
        tool = self._tool.model_copy(update={"handle_tool_error": False, "handle_validation_error": False})
        read = under_aliases(tool, arguments)
        given: Any = read
        if tool.response_format == "content_and_artifact" or _has_injected_arguments(tool):
            given = {"type": "tool_call", "id": uuid4().hex, "name": tool.name, "args": read}
        if isinstance(tool, StructuredTool | Tool) and tool.func is None:
            return asyncio.run(tool.ainvoke(given, self._config))
        try:
            return tool.invoke(given, self._config)
        except NotImplementedError as error:
            if not _can_only_be_awaited(tool, error):
                raise
            return asyncio.run(tool.ainvoke(given, self._config))

    def _handled(self, error: ToolException) -> str:
        handler = self._tool.handle_tool_error
        if callable(handler):
            return as_text(handler(error))
        return handler if isinstance(handler, str) else str(error) or "the tool failed without saying why"


def _failure(message: str, flags: ToolFlags) -> ToolOutcome:
    text, is_cut = observation(message, flags.max_result_chars)
    return ToolOutcome(text, error=text, is_cut=is_cut)


def _can_only_be_awaited(tool: BaseTool, error: NotImplementedError) -> bool:
    """LangChain's way to say so: the class has a coroutine, and its `_run` raises this. What is raised further in may
    come after effects, and many a coroutine runs the function once more, as that of LangChain's own classes does.
    """
    own = type(tool)
    *_, (frame, _) = walk_tb(error.__traceback__)
    is_refused = frame.f_code is getattr(own._run, "__code__", None)  # noqa: SLF001 made to be overridden
    return is_refused and own._arun not in (BaseTool._arun, StructuredTool._arun, Tool._arun)  # noqa: SLF001 as above


def _has_injected_arguments(tool: BaseTool) -> bool:
    """Whether the tool has parameters that the model is not shown, such as the id of the call."""
    if not isinstance(tool.args_schema, type):
        return False
    schema = tool.get_input_schema()
    return issubclass(schema, BaseModel) and set(schema.model_fields) != set(tool.args)
