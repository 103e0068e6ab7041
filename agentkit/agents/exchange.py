"""What the model and the tools say to one another while a task is done, within its limits.

What a tool gives back is data: it is shown to the model as a tool's message, and nothing in it adds a tool, lifts a
limit or approves a call.
"""

import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
    merge_message_runs,
)

from agentkit.agents.acting import CallResult, CallRunner
from agentkit.agents.events import AgentEvent, TextPiece, ToolStarted
from agentkit.agents.limits import Spent
from agentkit.agents.model import AgentModel
from agentkit.agents.reading import whole_calls
from agentkit.agents.transcript import fitted
from agentkit.models.messages import text_of
from agentkit.models.outcome import usage_of
from agentkit.results import Step, StopReason, Usage

if TYPE_CHECKING:
    from agentkit.agents.react import Agent

_LAST = "Answer now with what you know; no more tools can be called."
_TASK_AGAIN = (
    "Reply to the task from what the tools gave, in a sentence or two unless it asks for more; call another tool only "
    "where something is missing. The task: {task}"
)


class Exchange:
    """The messages and steps of one task."""

    def __init__(
        self,
        agent: "Agent",
        model: AgentModel,
        calls: CallRunner,
        messages: list[BaseMessage],
        cancel: threading.Event,
    ) -> None:
        """`messages`: the last is the task."""
        self.messages = messages
        self.task = len(messages) - 1
        """Which of the messages is the task."""
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self.spent = Spent()
        self._agent = agent
        self._model = model
        self._calls = calls
        self._cancel = cancel
        self._limits = agent.limits
        self._evaluated = 0
        self._is_spent = False

    @property
    def task_text(self) -> str:
        return text_of(self.messages[self.task])

    @property
    def usage(self) -> Usage:
        """What was used up to now."""
        return replace(self.spent.usage, seconds=self.spent.seconds)

    def reply(self, *, tool_choice: str) -> Generator[AgentEvent, None, tuple[AIMessage, bool]]:
        """The model's next reply, whose text is told as it comes, and whether it came to its end."""
        longest = self._model.longest_reply(self._limits.reply_tokens)
        said = self._reminder(tool_choice)
        messages, gave_way = fitted(
            [*self.messages, *said], self._model.room(longest), self._model.count, task=self.task
        )
        if gave_way:
            self.warnings.append(gave_way)
            self._evaluated = 0  # the cache does not hold what was changed
            self.messages = messages[: len(messages) - len(said)]
        if self._limits.tokens is not None:
            # What was evaluated for the last reply is in the cache of a local model; others read all of it again.
            new = self._model.count(messages) - (self._evaluated if self._model.local else 0)
            longest = min(longest, self._limits.tokens - self.spent.tokens - new)
            if longest < 1:
                self._is_spent = True
                return AIMessage(""), False
        messages = merge_message_runs(messages)  # some templates want the roles in turns
        reading = self._model.read(messages, tool_choice=tool_choice, max_tokens=longest, is_over=self.is_over)
        whole: AIMessageChunk | None = None
        for chunk in reading:
            if text := text_of(chunk):
                yield TextPiece(text)
            whole = chunk if whole is None else whole + chunk
        reply = whole or AIMessageChunk(content="")
        self.spent.replies += 1
        usage = usage_of(reply) if reading.is_whole else self._model.usage(messages, text_of(reply))
        self.spent.usage += usage
        self._evaluated = usage.prompt_tokens + usage.completion_tokens
        return whole_calls(reply), reading.is_whole

    def _reminder(self, tool_choice: str) -> list[BaseMessage]:
        """What stands behind the results of tools while the model replies. A small one would end with what a tool gave;
        passages it reckons with better when they are the last that it reads.
        """
        if tool_choice == "none":
            return [HumanMessage(_LAST)] if self.steps else []
        own = set() if self._agent.has_index else {tool.name for tool in self._agent.own_tools}
        if tool_choice == "auto" and self._model.local and any(step.tool in own for step in self.steps):
            return [HumanMessage(_TASK_AGAIN.format(task=self.task_text))]
        return []

    def act(self, reply: AIMessage) -> Iterator[AgentEvent]:
        """Run the calls of a reply."""
        self.messages.append(AIMessage(reply.content, tool_calls=reply.tool_calls))
        thought, usage, number = text_of(reply).strip(), usage_of(reply), 0
        for batch in self._calls.batches(reply.tool_calls):
            for call in batch:
                yield ToolStarted(call["name"], call["args"])
            results = self._calls.run(batch, number=number, seconds_left=self._seconds_left())
            for call, result in zip(batch, results, strict=True):
                yield self._observe(call, result, thought=thought, usage=usage)
                usage = Usage()
            number += len(batch)

    def _observe(self, call: ToolCall, result: CallResult, *, thought: str, usage: Usage) -> Step:
        outcome = result.outcome
        self.spent.repeats += result.is_repeated
        self.messages.append(
            ToolMessage(
                outcome.content,
                name=call["name"],
                tool_call_id=call["id"] or "",
                status="error" if outcome.error else "success",
            )
        )
        step = Step(
            number=len(self.steps) + 1,
            thought=thought,
            tool=call["name"],
            arguments=call["args"],
            observation=outcome.content,
            error=outcome.error,
            is_repeated=result.is_repeated,
            seconds=result.seconds,
            usage=usage,
        )
        self.steps.append(step)
        self._agent.after_call(step)
        return step

    def refuse(self, reply: AIMessage) -> None:
        """Calls that could not be read go back to the model, behind the results of those that could."""
        self.spent.repeats += not reply.tool_calls
        self.warnings.append("a call could not be read and was asked for again")
        reasons = "; ".join(
            f"{call['name'] or 'a call without a name'}: {call['error'] or 'it is no JSON'}"
            for call in reply.invalid_tool_calls
        )
        if not reply.tool_calls:
            self.messages.append(AIMessage(text_of(reply)))
        self.messages.append(HumanMessage(f"Your call could not be read ({reasons}). Write it again, shorter."))

    def ended(self) -> StopReason | None:
        """Why nothing more may be done; None where something may."""
        if self._is_spent:
            return StopReason.MAX_TOKENS
        return StopReason.CANCELLED if self._cancel.is_set() else self.spent.end(self._limits)

    def is_over(self) -> bool:
        seconds_left = self._seconds_left()
        return self._cancel.is_set() or (seconds_left is not None and seconds_left <= 0)

    def _seconds_left(self) -> float | None:
        return None if self._limits.seconds is None else self._limits.seconds - self.spent.seconds
