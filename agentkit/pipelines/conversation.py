"""The whole story of a turn in `agentkit chat`: what is read of the conversation, and who answers.

With tools an agent answers, with the conversation as its history. With an index and no tools the question is answered
with citations as `ask` does. What is searched for in an index is the question rewritten, so that it can be understood
alone. With neither the model goes on with the conversation by itself. A strategy reasons before either of the last two.
What is shown of a turn comes as events while it is made.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever

from agentkit.agents.events import AgentEvent, TextPiece
from agentkit.agents.react import Agent
from agentkit.errors import ContextLengthError
from agentkit.models.context import context_tokens, prompt_tokens
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.pipelines.answering import answer_question
from agentkit.pipelines.followups import standalone_question
from agentkit.pipelines.history import Exchange, fit_history, messages_of
from agentkit.results import Answer, StopReason, Usage
from agentkit.strategies import Problem, Strategy

_AGENT_SHARE = 0.4
"""Of an agent's context that the conversation may have; the rest is for its steps."""


@dataclass(frozen=True, slots=True)
class QuestionRewritten:
    """What is searched for instead of the question."""

    question: str


ConversationEvent = AgentEvent | QuestionRewritten
OnEvent = Callable[[ConversationEvent], None]


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How full the model's context is before the next question."""

    tokens: int
    """Of the system message and the exchanges that are read."""
    limit: int | None
    """Of prompt and reply together; None where the model does not tell."""
    left_out: int
    """The oldest exchanges, which are no longer read."""


class Conversation:
    """A model with what a conversation is had with. It keeps nothing of what is said."""

    def __init__(
        self,
        model: BaseChatModel,
        *,
        system: str = "",
        retriever: BaseRetriever | None = None,
        agent: Agent | None = None,
        strategy: Strategy | None = None,
        max_tokens: int = 512,
    ) -> None:
        """`agent` answers where there is one, else `retriever` and `model`, else `model` alone."""
        self._model = model
        self._system = system
        self._retriever = retriever
        self._agent = agent
        self._strategy = strategy
        self._max_tokens = max_tokens

    def answer(self, question: str, history: Sequence[Exchange] = (), *, on_event: OnEvent, text: str = "") -> Answer:
        """Answer `question`.

        Args:
            question: What is asked.
            history: What was said before, the oldest first.
            on_event: Called with each piece of text, call and step, and with the question that is searched for.
            text: What the question is about, such as a file's text. It is answered from it, and not from the index.

        Raises:
            ContextLengthError: the question alone does not fit into the model's context.
            ModelError: the model failed.
        """
        asked = f"{text}\n\n{question}" if text else question
        if self._agent:
            return self._act(self._agent, question, history, on_event, text)
        if self._retriever and not text:
            return self._look_up(self._retriever, question, history, on_event)
        if self._strategy:
            return self._reason(self._strategy, question, history, text)
        return self._say(asked, history, on_event)

    def context_use(self, history: Sequence[Exchange]) -> ContextUse:
        """How full the context is with `history`."""
        read, left_out = self._read([*history, Exchange("")])
        messages = [*self._opening(), *messages_of(read[:-1])]
        return ContextUse(prompt_tokens(self._model, messages), context_tokens(self._model), left_out)

    def _say(self, question: str, history: Sequence[Exchange], on_event: OnEvent) -> Answer:
        started = time.monotonic()
        read, left_out = self._read([*history, Exchange(question)])
        messages = [*self._opening(), *messages_of(read)]
        whole = AIMessageChunk(content="")
        for chunk in self._model.stream(messages, max_tokens=self._reply_tokens(messages)):
            if piece := text_of(chunk):
                on_event(TextPiece(piece))
            if isinstance(chunk, AIMessageChunk):
                whole = whole + chunk
        reason = stop_reason_of(whole)
        cut = ("the answer was cut at the limit of tokens",) if reason is StopReason.MAX_TOKENS else ()
        return Answer(
            text_of(whole).strip(),
            stop_reason=reason,
            usage=replace(usage_of(whole), seconds=time.monotonic() - started),
            warnings=(*_said(left_out), *cut),
        )

    def _look_up(
        self, retriever: BaseRetriever, question: str, history: Sequence[Exchange], on_event: OnEvent
    ) -> Answer:
        standalone, cost = self._standalone(question, history, on_event)
        answer = answer_question(
            standalone,
            retriever,
            self._model,
            strategy=self._strategy,
            system=self._system,
            on_token=lambda piece: on_event(TextPiece(piece)),
            max_tokens=self._max_tokens,
        )
        return replace(answer, usage=answer.usage + cost)

    def _reason(self, strategy: Strategy, question: str, history: Sequence[Exchange], text: str) -> Answer:
        read, left_out = self._read([*history, Exchange(f"{text}\n\n{question}")])
        said = "\n".join(f"User: {exchange.question}\nAssistant: {exchange.answer}" for exchange in read[:-1])
        context = "\n\n".join(part for part in (said and f"The conversation before:\n{said}", text) if part)
        answer = strategy.solve(Problem(question, context, system=self._system), self._model)
        return replace(answer, warnings=(*_said(left_out), *answer.warnings))

    def _act(self, agent: Agent, question: str, history: Sequence[Exchange], on_event: OnEvent, text: str) -> Answer:
        query, cost = self._standalone(question, history, on_event) if agent.has_index else (question, Usage())
        task = f"{text}\n\n{question}" if text else question
        read, left_out = self._read([*history, Exchange(task)])
        for event in agent.stream(task, history=messages_of(read[:-1]), query=query):
            if isinstance(event, Answer):
                return replace(event, usage=event.usage + cost, warnings=(*_said(left_out), *event.warnings))
            on_event(event)
        return Answer("", stop_reason=StopReason.CANCELLED)

    def _standalone(self, question: str, history: Sequence[Exchange], on_event: OnEvent) -> tuple[str, Usage]:
        """The question to search for, which is told where it is another, and what rewriting it cost."""
        standalone, cost = standalone_question(question, history, self._model)
        if standalone != question:
            on_event(QuestionRewritten(standalone))
        return standalone, cost

    def _read(self, exchanges: Sequence[Exchange]) -> tuple[list[Exchange], int]:
        """The exchanges that fit, and how many are left out."""
        return fit_history(exchanges, self._room(), lambda messages: prompt_tokens(self._model, messages))

    def _room(self) -> int | None:
        """Tokens that the exchanges may have."""
        limit = context_tokens(self._model)
        if limit is None:
            return None
        if self._agent:
            return int(limit * _AGENT_SHARE)
        opening = prompt_tokens(self._model, self._opening())
        return limit - opening - min(self._max_tokens, limit // 2)

    def _reply_tokens(self, messages: list[BaseMessage]) -> int:
        """The longest reply that the context has room for."""
        limit = context_tokens(self._model)
        if limit is None:
            return self._max_tokens
        left = limit - prompt_tokens(self._model, messages)
        if left <= 0:
            raise ContextLengthError(
                f"the question takes {limit - left:,} tokens and the model's context has {limit:,}: ask a shorter one, "
                "or choose a model with a longer context"
            )
        return min(self._max_tokens, left)

    def _opening(self) -> list[BaseMessage]:
        return [SystemMessage(self._system)] if self._system else []


def _said(left_out: int) -> tuple[str, ...]:
    if not left_out:
        return ()
    turns = "the oldest turn" if left_out == 1 else f"the {left_out} oldest turns"
    return (f"{turns} of this chat no longer fit into the model's context and were not read",)
