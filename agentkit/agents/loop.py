"""The ReAct loop (Yao et al. 2022, arXiv:2210.03629): the model thinks, calls a tool, reads what came of it, goes on.

A generator of events. What a tool gives back is data: it is shown to the model as a tool's message, and nothing in it
adds a tool, lifts a limit or approves a call.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
    merge_message_runs,
)
from langchain_core.messages.tool import tool_call

from agentkit.agents.acting import CallResult, CallRunner
from agentkit.agents.citing import Quote, cited
from agentkit.agents.concluding import conclude
from agentkit.agents.documents import DocumentsQuestion
from agentkit.agents.events import AgentEvent, TextPiece, ToolStarted
from agentkit.agents.evidence import evidence
from agentkit.agents.limits import Spent
from agentkit.agents.model import AgentModel
from agentkit.agents.reading import awaited, whole_calls
from agentkit.agents.routing import needed_tools
from agentkit.agents.structured import structured
from agentkit.agents.transcript import fitted
from agentkit.agents.unread import unread_facts
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.results import Answer, Step, StopReason, Usage
from agentkit.tools.retrieval import READ_DOCUMENT, RETRIEVAL, PassageNumbering

if TYPE_CHECKING:
    from agentkit.agents.react import Agent

_LAST = "Answer now with what you know; no more tools can be called."
_UNFOUND = "no passage that was found states the answer: see what it rests on"
_QUERY_CHARS = 500


class Run:
    """One task being done."""

    def __init__(
        self,
        agent: "Agent",
        model: AgentModel,
        calls: CallRunner,
        numbering: PassageNumbering,
        messages: list[BaseMessage],
        cancel: threading.Event,
        *,
        query: str,
        is_standalone: bool,
    ) -> None:
        """`query`: what the index is searched for first; `is_standalone` where it does not lean on a history."""
        self._agent = agent
        self._query = query
        self._is_standalone = is_standalone
        self._model = model
        self._calls = calls
        self._numbering = numbering
        self._messages = messages
        self._task = len(messages) - 1
        self._cancel = cancel
        self._limits = agent.limits
        self._spent = Spent()
        self._steps: list[Step] = []
        self._warnings: list[str] = []
        self._thought = ""
        self._evaluated = 0
        self._is_spent = False
        self._read_in_vain: int | None = None
        """So many passages were read for an answer, without one."""

    def events(self) -> Iterator[AgentEvent]:
        yield from self._search()
        needed = self._needed()
        if needed == [] and (answer := self._asked()):
            yield TextPiece(answer.text)
            yield answer
            return
        yield from self._call(needed or [])
        is_silent = False
        while not self._ended():
            last = self._spent.last_reply(self._limits)
            reply, is_whole = yield from self._reply(tool_choice="none" if last or is_silent else "auto")
            self._thought = text_of(reply).strip() or self._thought
            if not is_whole:
                break
            has_calls = bool(reply.tool_calls or reply.invalid_tool_calls)
            if self._steps and not (last or is_silent or has_calls or text_of(reply).strip()):
                is_silent = True  # the answer is asked for
                continue
            if last or not has_calls:
                yield self._reasoned(last or stop_reason_of(reply))
                return
            if reply.tool_calls and not self._ended():
                yield from self._act(reply)
            if reply.invalid_tool_calls:
                self._refuse(reply)
        yield self._answer(self._thought, self._ended() or StopReason.CANCELLED)

    def _search(self) -> Iterator[AgentEvent]:
        """Where there is an index, the first step is a search for the task in its own words: no reply is needed for it,
        and a small model's own words leave out half of a question.
        """
        if self._agent.has_index and self._query.strip():
            call = tool_call(name=RETRIEVAL, args={"query": self._query[:_QUERY_CHARS]}, id="search")
            yield from self._act(AIMessage("", tool_calls=[call]))

    def _needed(self) -> list[str] | None:
        """The tools that the task needs beside the documents, as a model of our own judges; None where it is not asked,
        or not waited for.
        """
        local, own = self._model.local, self._agent.own_tools
        if local is None or not self._is_known():
            return None
        if not own:
            return []
        judge = partial(needed_tools, local, own, self._query)
        judged = awaited(lambda: self._model.traced(judge), self._is_over)
        if judged is None:
            return None
        needed, cost = judged
        self._spent.usage += cost
        return needed

    def _call(self, names: Sequence[str]) -> Iterator[AgentEvent]:
        """Have the model call each of these tools, before it writes anything."""
        for name in names:
            if self._ended() or self._spent.last_reply(self._limits):
                return
            reply, is_whole = yield from self._reply(tool_choice=name)
            if not (is_whole and reply.tool_calls):
                return
            yield from self._act(reply)

    def _asked(self) -> Answer | None:
        """The answer to a question that needs no tool, so far as our model finds it in what the search found."""
        local = self._model.local
        if local is None or not self._is_asked():
            return None
        asked = DocumentsQuestion(
            self._query, self._numbering, self._model, self._agent.own_instructions, self._is_over
        )
        answer, cost = asked.answer(local)
        self._spent.usage += cost
        if answer is None:
            self._read_in_vain = None if self._is_over() else len(self._numbering)
            return None
        self._spent.replies += 1
        return replace(
            answer,
            usage=replace(self._spent.usage, seconds=self._spent.seconds),
            warnings=(*answer.warnings, *self._unread(answer.text)),
            steps=tuple(self._steps),
        )

    def _is_known(self) -> bool:
        """Whether there are documents, and what is asked of them is known as it stands."""
        return (
            self._agent.has_index
            and self._limits.tokens is None
            and self._is_standalone
            and 0 < len(self._query.strip()) <= _QUERY_CHARS
        )

    def _is_asked(self) -> bool:
        """Whether the task is a question that a plain answer is wanted to."""
        return self._agent.answers_plainly and self._query.strip().endswith("?")

    def _reply(self, *, tool_choice: str) -> Generator[AgentEvent, None, tuple[AIMessage, bool]]:
        """The model's next reply, whose text is told as it comes, and whether it came to its end."""
        longest = self._model.longest_reply(self._limits.reply_tokens)
        said = [HumanMessage(_LAST)] if tool_choice == "none" and self._steps else []
        messages, gave_way = fitted(
            [*self._messages, *said], self._model.room(longest), self._model.count, task=self._task
        )
        if gave_way:
            self._warnings.append(gave_way)
            self._evaluated = 0  # the cache does not hold what was changed
            self._messages = messages[: len(messages) - len(said)]
        if self._limits.tokens is not None:
            # What was evaluated for the last reply is in the cache of a local model; others read all of it again.
            new = self._model.count(messages) - (self._evaluated if self._model.local else 0)
            longest = min(longest, self._limits.tokens - self._spent.tokens - new)
            if longest < 1:
                self._is_spent = True
                return AIMessage(""), False
        messages = merge_message_runs(messages)  # some templates want the roles in turns
        reading = self._model.read(messages, tool_choice=tool_choice, max_tokens=longest, is_over=self._is_over)
        whole: AIMessageChunk | None = None
        for chunk in reading:
            if text := text_of(chunk):
                yield TextPiece(text)
            whole = chunk if whole is None else whole + chunk
        reply = whole or AIMessageChunk(content="")
        self._spent.replies += 1
        usage = usage_of(reply) if reading.is_whole else self._model.usage(messages, text_of(reply))
        self._spent.usage += usage
        self._evaluated = usage.prompt_tokens + usage.completion_tokens
        return whole_calls(reply), reading.is_whole

    def _act(self, reply: AIMessage) -> Iterator[AgentEvent]:
        """Run the calls of a reply."""
        self._messages.append(AIMessage(reply.content, tool_calls=reply.tool_calls))
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
        self._spent.repeats += result.is_repeated
        self._messages.append(
            ToolMessage(
                outcome.content,
                name=call["name"],
                tool_call_id=call["id"] or "",
                status="error" if outcome.error else "success",
            )
        )
        step = Step(
            number=len(self._steps) + 1,
            thought=thought,
            tool=call["name"],
            arguments=call["args"],
            observation=outcome.content,
            error=outcome.error,
            is_repeated=result.is_repeated,
            seconds=result.seconds,
            usage=usage,
        )
        self._steps.append(step)
        self._agent.after_call(step)
        return step

    def _refuse(self, reply: AIMessage) -> None:
        """Calls that could not be read go back to the model, behind the results of those that could."""
        self._spent.repeats += not reply.tool_calls
        self._warnings.append("a call could not be read and was asked for again")
        reasons = "; ".join(
            f"{call['name'] or 'a call without a name'}: {call['error'] or 'it is no JSON'}"
            for call in reply.invalid_tool_calls
        )
        if not reply.tool_calls:
            self._messages.append(AIMessage(text_of(reply)))
        self._messages.append(HumanMessage(f"Your call could not be read ({reasons}). Write it again, shorter."))

    def _reasoned(self, reason: StopReason) -> Answer:
        """The answer: the strategy's, where there is one and time for it, else the model's last reply. What a strategy
        that was not waited for had cost is not known.
        """
        strategy = self._agent.strategy
        if strategy is None or self._is_over():
            return self._answer(self._thought, reason)
        concluded = partial(conclude, self._messages, self._agent.model, strategy, task=self._task)
        reasoned = awaited(lambda: self._model.traced(concluded), self._is_over)
        if reasoned is None:
            return self._answer(self._thought, self._ended() or StopReason.CANCELLED)
        self._spent.usage += reasoned.usage
        self._warnings += reasoned.warnings
        answer = self._answer(reasoned.text, reasoned.stop_reason if reason is StopReason.COMPLETED else reason)
        return replace(answer, reasoning=reasoned.reasoning, confidence=reasoned.confidence)

    def _answer(self, text: str, reason: StopReason) -> Answer:
        is_stopped = self._ended() is not None
        value = None if is_stopped else self._value(text)
        quotes: Sequence[Quote] = ()
        if self._agent.has_index:
            text, quotes = cited(text, self._numbering)
        quotes = evidence(text_of(self._messages[self._task]), text, self._numbering, quotes)
        is_without = self._agent.response_format is not None and value is None
        if is_without and reason is StopReason.COMPLETED:
            reason = self._ended() or reason
        warnings = [*self._warnings]
        if reason is not StopReason.COMPLETED:
            warnings.append(f"the agent stopped before it was done: {reason.value.replace('_', ' ')}")
        else:
            warnings += self._unread(text)
        if self._read_in_vain == len(self._numbering):
            warnings.append(_UNFOUND)
        if is_without:
            warnings.append("there is no answer of the wanted form")
        return Answer(
            text,
            citations=tuple(quote.citation for quote in quotes),
            is_grounded=bool(quotes),
            stop_reason=reason,
            usage=replace(self._spent.usage, seconds=self._spent.seconds),
            warnings=tuple(dict.fromkeys(warnings)),
            steps=tuple(self._steps),
            value=value,
        )

    def _unread(self, answer: str) -> list[str]:
        """A warning where something stands neither in the conversation, nor in a passage, nor in a call of another tool
        and its result.
        """
        if not self._agent.has_index:
            return []
        asked = [text_of(message) for message in self._messages[: self._task + 1]]
        passages = [
            f"{each.hit.path} {each.hit.metadata.get('heading_path')} {each.hit.text}" for each in self._numbering
        ]
        others = [step for step in self._steps if step.tool not in (RETRIEVAL, READ_DOCUMENT)]
        given = [f"{step.arguments} {step.observation}" for step in others]
        unread = unread_facts(answer, "\n".join([*asked, *passages, *given]))
        return [f"{', '.join(unread)}: in no passage that was read, nor given by a tool"] if unread else []

    def _value(self, answer: str) -> Any:  # Any: what the schema describes
        if self._agent.response_format is None:
            return None
        schema = self._agent.response_format
        found = awaited(lambda: structured(self._model, self._messages, answer, schema, task=self._task), self._is_over)
        if found is None:
            return None
        value, reply = found
        self._spent.usage += usage_of(reply)
        return value

    def _ended(self) -> StopReason | None:
        """Why nothing more may be done; None where something may."""
        if self._is_spent:
            return StopReason.MAX_TOKENS
        return StopReason.CANCELLED if self._cancel.is_set() else self._spent.end(self._limits)

    def _is_over(self) -> bool:
        seconds_left = self._seconds_left()
        return self._cancel.is_set() or (seconds_left is not None and seconds_left <= 0)

    def _seconds_left(self) -> float | None:
        return None if self._limits.seconds is None else self._limits.seconds - self._spent.seconds
