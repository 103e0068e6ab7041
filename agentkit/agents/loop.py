"""The ReAct loop (Yao et al. 2022, arXiv:2210.03629): the model thinks, calls a tool, reads what came of it, goes on.

A generator of events. Before the loop the documents are searched and the tools called that the task certainly needs; a
plain question to the documents is read out of them, without a loop.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call

from agentkit.agents.citing import Quote, cited
from agentkit.agents.concluding import conclude
from agentkit.agents.documents import DocumentsQuestion
from agentkit.agents.events import AgentEvent, TextPiece
from agentkit.agents.evidence import evidence
from agentkit.agents.exchange import Exchange
from agentkit.agents.model import AgentModel
from agentkit.agents.reading import awaited
from agentkit.agents.routing import announced_tool, needed_tools
from agentkit.agents.structured import structured
from agentkit.agents.unread import unread_facts
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.results import Answer, StopReason
from agentkit.tools.retrieval import READ_DOCUMENT, RETRIEVAL, PassageNumbering

if TYPE_CHECKING:
    from agentkit.agents.react import Agent

_UNFOUND = "no passage that was found states the answer: see what it rests on"
_QUERY_CHARS = 500


class Run:
    """One task being done."""

    def __init__(
        self,
        agent: "Agent",
        model: AgentModel,
        exchange: Exchange,
        numbering: PassageNumbering,
        *,
        query: str,
        is_standalone: bool,
    ) -> None:
        """`query`: what the index is searched for first; `is_standalone` where it does not lean on a history."""
        self._agent = agent
        self._query = query
        self._is_standalone = is_standalone
        self._model = model
        self._exchange = exchange
        self._numbering = numbering
        self._limits = agent.limits
        self._thought = ""
        self._forced: set[str] = set()
        """Tools that the model was made to call."""
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
        while not self._exchange.ended():
            last = self._exchange.spent.last_reply(self._limits)
            reply, is_whole = yield from self._exchange.reply(tool_choice="none" if last or is_silent else "auto")
            self._thought = text_of(reply).strip() or self._thought
            if not is_whole:
                break
            has_calls = bool(reply.tool_calls or reply.invalid_tool_calls)
            if self._exchange.steps and not (last or is_silent or has_calls or text_of(reply).strip()):
                is_silent = True  # the answer is asked for
                continue
            if not (last or has_calls) and (name := self._announced(text_of(reply))):
                yield from self._call([name])
                continue
            if last or not has_calls:
                yield self._reasoned(last or stop_reason_of(reply))
                return
            if reply.tool_calls and not self._exchange.ended():
                yield from self._exchange.act(reply)
            if reply.invalid_tool_calls:
                self._exchange.refuse(reply)
        yield self._answer(self._thought, self._exchange.ended() or StopReason.CANCELLED)

    def _search(self) -> Iterator[AgentEvent]:
        """Where there is an index, the first step is a search for the task in its own words: no reply is needed for it,
        and a small model's own words leave out half of a question.
        """
        if self._agent.has_index and self._query.strip():
            call = tool_call(name=RETRIEVAL, args={"query": self._query[:_QUERY_CHARS]}, id="search")
            yield from self._exchange.act(AIMessage("", tool_calls=[call]))

    def _needed(self) -> list[str] | None:
        """The tools that the task needs, as our own model judges; None where it is not asked, or not waited for."""
        local, own = self._model.local, self._agent.own_tools
        if local is None or not self._is_known():
            return None
        if not own:
            return []
        judge = partial(needed_tools, local, own, self._query, has_documents=self._agent.has_index)
        judged = awaited(lambda: self._model.traced(judge), self._exchange.is_over)
        if judged is None:
            return None
        needed, cost = judged
        self._exchange.spent.usage += cost
        return needed

    def _call(self, names: Sequence[str]) -> Iterator[AgentEvent]:
        """Have the model call each of these tools, without a word before it."""
        for name in names:
            if self._exchange.ended() or self._exchange.spent.last_reply(self._limits):
                return
            self._forced.add(name)
            reply, is_whole = yield from self._exchange.reply(tool_choice=name)
            if not (is_whole and reply.tool_calls):
                return
            yield from self._exchange.act(reply)

    def _announced(self, reply: str) -> str | None:
        """The tool that our own model says it would call, where it was not called."""
        if self._model.local is None:
            return None
        called = {step.tool for step in self._exchange.steps} | self._forced
        return announced_tool(reply, (tool for tool in self._agent.own_tools if tool.name not in called))

    def _asked(self) -> Answer | None:
        """The answer to a question that needs no tool, so far as our model finds it in what the search found."""
        local = self._model.local
        if local is None or not self._is_asked():
            return None
        asked = DocumentsQuestion(
            self._query, self._numbering, self._model, self._agent.own_instructions, self._exchange.is_over
        )
        answer, cost = asked.answer(local)
        self._exchange.spent.usage += cost
        if answer is None:
            self._read_in_vain = None if self._exchange.is_over() else len(self._numbering)
            return None
        self._exchange.spent.replies += 1
        return replace(
            answer,
            usage=self._exchange.usage,
            warnings=(*answer.warnings, *self._unread(answer.text)),
            steps=tuple(self._exchange.steps),
        )

    def _is_known(self) -> bool:
        """Whether what is asked is known as it stands, in few words, and they may be read again and again."""
        is_short = 0 < len(self._query.strip()) <= _QUERY_CHARS
        return self._limits.tokens is None and self._is_standalone and is_short

    def _is_asked(self) -> bool:
        """Whether the task is a question to documents that a plain answer is wanted to."""
        agent = self._agent
        return agent.has_index and agent.answers_plainly and self._query.strip().endswith("?")

    def _reasoned(self, reason: StopReason) -> Answer:
        """The answer: the strategy's, where there is one and time for it, else the model's last reply. What a strategy
        that was not waited for had cost is not known.
        """
        strategy = self._agent.strategy
        if strategy is None or self._exchange.is_over():
            return self._answer(self._thought, reason)
        concluded = partial(conclude, self._exchange.messages, self._agent.model, strategy, task=self._exchange.task)
        reasoned = awaited(lambda: self._model.traced(concluded), self._exchange.is_over)
        if reasoned is None:
            return self._answer(self._thought, self._exchange.ended() or StopReason.CANCELLED)
        self._exchange.spent.usage += reasoned.usage
        self._exchange.warnings += reasoned.warnings
        answer = self._answer(reasoned.text, reasoned.stop_reason if reason is StopReason.COMPLETED else reason)
        return replace(answer, reasoning=reasoned.reasoning, confidence=reasoned.confidence)

    def _answer(self, text: str, reason: StopReason) -> Answer:
        is_stopped = self._exchange.ended() is not None
        value = None if is_stopped else self._value(text)
        quotes: Sequence[Quote] = ()
        if self._agent.has_index:
            text, quotes = cited(text, self._numbering)
        quotes = evidence(self._exchange.task_text, text, self._numbering, quotes)
        is_without = self._agent.response_format is not None and value is None
        if is_without and reason is StopReason.COMPLETED:
            reason = self._exchange.ended() or reason
        warnings = [*self._exchange.warnings]
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
            usage=self._exchange.usage,
            warnings=tuple(dict.fromkeys(warnings)),
            steps=tuple(self._exchange.steps),
            value=value,
        )

    def _unread(self, answer: str) -> list[str]:
        """A warning where something stands neither in the conversation, nor in a passage, nor in a call of another tool
        and its result.
        """
        if not self._agent.has_index:
            return []
        asked = [text_of(message) for message in self._exchange.messages[: self._exchange.task + 1]]
        passages = [
            f"{each.hit.path} {each.hit.metadata.get('heading_path')} {each.hit.text}" for each in self._numbering
        ]
        others = [step for step in self._exchange.steps if step.tool not in (RETRIEVAL, READ_DOCUMENT)]
        given = [f"{step.arguments} {step.observation}" for step in others]
        unread = unread_facts(answer, "\n".join([*asked, *passages, *given]))
        return [f"{', '.join(unread)}: in no passage that was read, nor given by a tool"] if unread else []

    def _value(self, answer: str) -> Any:  # Any: what the schema describes
        if self._agent.response_format is None:
            return None
        schema = self._agent.response_format
        found = awaited(
            lambda: structured(self._model, self._exchange.messages, answer, schema, task=self._exchange.task),
            self._exchange.is_over,
        )
        if found is None:
            return None
        value, reply = found
        self._exchange.spent.usage += usage_of(reply)
        return value
