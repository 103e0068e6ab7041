"""The calls of one reply: known ones answered, the others approved one by one, then run."""

import inspect
import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor

from agentkit.agents.limits import AgentLimits
from agentkit.errors import ToolSetupError, UnknownToolError
from agentkit.tools.flags import ToolFlags, flags_of
from agentkit.tools.registry import ToolRegistry
from agentkit.tools.running import ToolOutcome, run_tool

_MOST_CALLS = 16
"""Calls of one reply that are run; a reply may hold any number."""


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that is about to be run."""

    tool: str
    arguments: dict[str, Any]  # Any: what a model wrote
    """A copy: to change it changes nothing of what runs."""
    flags: ToolFlags


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of a call."""

    outcome: ToolOutcome
    seconds: float = 0.0
    is_repeated: bool = False
    """The same call was made before: this is what it gave then."""


class CallRunner:
    """Runs the calls of one task."""

    def __init__(
        self,
        registry: ToolRegistry,
        limits: AgentLimits,
        *,
        approve: Callable[[PendingCall], bool],
        before_call: Callable[[PendingCall], None],
        cancel: threading.Event,
        config: RunnableConfig | None,
    ) -> None:
        self._registry = registry
        self._limits = limits
        self._approve = approve
        self._before_call = before_call
        self._cancel = cancel
        self._config = config
        self._seen: dict[tuple[str, str], str] = {}

    def batches(self, calls: Sequence[ToolCall]) -> list[Sequence[ToolCall]]:
        """The calls in the order of their running; those of a batch run side by side."""
        is_parallel = len({_key(call) for call in calls}) == len(calls) <= _MOST_CALLS and all(
            self._flags(call["name"]).parallel for call in calls
        )
        return [calls] if is_parallel else [[call] for call in calls]

    def run(self, batch: Sequence[ToolCall], *, number: int, seconds_left: float | None) -> list[CallResult]:
        """What each call of a batch gave.

        Args:
            batch: One of `batches`.
            number: How many calls of the same reply were run before.
            seconds_left: The longest that a tool may take, whatever its own limit.
        """
        deadline = None if seconds_left is None else time.monotonic() + seconds_left
        prepared = [self._prepared(call, number + place, deadline) for place, call in enumerate(batch)]
        waiting = [work for work in prepared if not isinstance(work, CallResult)]
        if len(waiting) > 1:
            with ContextThreadPoolExecutor(len(waiting)) as threads:
                try:
                    done = iter(list(threads.map(lambda work: work(), waiting)))
                except BaseException:  # Ctrl-C: else leaving the block waits for each tool's own time limit
                    self._cancel.set()
                    raise
        else:
            done = iter([work() for work in waiting])
        results = [work if isinstance(work, CallResult) else next(done) for work in prepared]
        if any(self._flags(call["name"]).effects for call, work in zip(batch, prepared, strict=True) if callable(work)):
            self._seen = {key: known for key, known in self._seen.items() if self._flags(key[0]).effects}
        for call, result in list(zip(batch, results, strict=True))[: max(0, _MOST_CALLS - number)]:
            self._seen.setdefault(_key(call), result.outcome.content)
        return results

    def _prepared(self, call: ToolCall, number: int, deadline: float | None) -> CallResult | Callable[[], CallResult]:
        """The result where it is known without running anything, else what gives it."""
        if number >= _MOST_CALLS:
            return _failed(f"this call was not run: at most {_MOST_CALLS} calls in one reply are")
        known = self._seen.get(_key(call))
        if known is not None:
            return CallResult(ToolOutcome(f"You made this call before. It gave:\n{known}"), is_repeated=True)
        try:
            tool = self._registry[call["name"]]
        except UnknownToolError as error:
            return _failed(str(error))
        flags = flags_of(tool)
        flags = replace(flags, max_result_chars=min(flags.max_result_chars, self._limits.observation_chars))
        over = self._over(deadline)
        if not over and flags.effects and not self._is_approved(_pending(call, flags)):
            return _failed(f"{tool.name} was not run: the person did not approve this call")
        if over := over or self._over(deadline):  # the answer to the question can take long
            return _failed(f"{tool.name} was not run: {over}")
        self._before_call(_pending(call, flags))

        def work() -> CallResult:
            started = time.monotonic()
            left = replace(flags, timeout_s=min(flags.timeout_s, _seconds_to(deadline)))
            outcome = run_tool(tool, call["args"], flags=left, config=self._config, cancel=self._cancel)
            return CallResult(outcome, time.monotonic() - started)

        return work

    def _is_approved(self, pending: PendingCall) -> bool:
        """Raises ToolSetupError where the answer would have to be awaited: it would pass for a yes."""
        approved = self._approve(pending)
        if inspect.isawaitable(approved):
            raise ToolSetupError(
                f"{pending.tool} was not run: approve gave a {type(approved).__name__}, and an agent awaits nothing; "
                "give a function that returns True or False"
            )
        return bool(approved)

    def _over(self, deadline: float | None) -> str:
        """Why nothing is begun any more; empty where something is."""
        if self._cancel.is_set():
            return "the person stopped the agent"
        return "" if _seconds_to(deadline) > 0 else "the time is used up"

    def _flags(self, name: str) -> ToolFlags:
        return self._registry.flags(name) if name in self._registry else ToolFlags()


def _pending(call: ToolCall, flags: ToolFlags) -> PendingCall:
    return PendingCall(call["name"], deepcopy(call["args"]), flags)


def _seconds_to(deadline: float | None) -> float:
    return math.inf if deadline is None else max(0.0, deadline - time.monotonic())


def _failed(message: str) -> CallResult:
    return CallResult(ToolOutcome(message, error=message))


def _key(call: ToolCall) -> tuple[str, str]:
    return call["name"], json.dumps(call["args"], sort_keys=True, default=str)
