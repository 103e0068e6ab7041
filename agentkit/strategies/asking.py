"""Asking a chat model many things at once, and counting what that costs.

A `LocalChatModel` gets all requests of a call at once: its engine decodes them in one batch and evaluates what they
have in common once. Any other model gets them from threads; a `ScriptedModel` one after another, since its replies
are in order. Constraints, seeds and log-probabilities are for our own model; others do without.
"""

import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables.config import ContextThreadPoolExecutor

from agentkit.errors import StrategyError
from agentkit.models.chat import LocalChatModel
from agentkit.models.constraints import Constraint
from agentkit.models.engine import MOST_RUNNING
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.models.scripted import ScriptedModel
from agentkit.results import StopReason, Usage

PARALLEL_CALLS = MOST_RUNNING
"""As many as the engine runs in one batch."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask."""

    messages: tuple[BaseMessage, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    constraint: Constraint | None = None
    """Held to by a local model only."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said to one request."""

    text: str
    constrained: str | None
    """What followed a constraint's thought; None where there was no such constraint, or it was not reached."""
    logprob: float | None
    """Mean natural-log probability of its tokens; None where the model tells none."""
    stop_reason: StopReason
    usage: Usage


class Asker:
    """A chat model with a count of what it was asked. One for each problem that is solved."""

    def __init__(
        self,
        model: BaseChatModel,
        opening: tuple[BaseMessage, ...] = (),
        *,
        parallel_calls: int = PARALLEL_CALLS,
        deadline: float | None = None,
    ) -> None:
        """`opening`: messages that every prompt begins with.

        `parallel_calls`: most calls at a time; 1 asks one after another.

        `deadline`: on `time.monotonic()`'s clock; a local model's replies end there with what they have.
        """
        self.model = model
        self._opening = opening
        self._deadline = deadline
        self._parallel_calls = 1 if isinstance(model, ScriptedModel) else parallel_calls
        self._started = time.monotonic()
        self._tokens = Usage()
        self._lock = threading.Lock()

    @property
    def is_local(self) -> bool:
        """The model can be constrained and tells log-probabilities."""
        return isinstance(self.model, LocalChatModel)

    @property
    def usage(self) -> Usage:
        """Tokens of all calls so far; the seconds are those since this was made, not the sum over parallel calls."""
        return Usage(
            self._tokens.prompt_tokens,
            self._tokens.cached_tokens,
            self._tokens.completion_tokens,
            self._tokens.forced_tokens,
            time.monotonic() - self._started,
        )

    def ask(self, request: Request) -> Reply:
        """The reply to one request."""
        return self._reply(request, threading.Event())

    def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """The replies, in the order of the requests."""
        replies = dict(self.ask_each(requests))
        return [replies[number] for number in range(len(requests))]

    def ask_each(self, requests: Sequence[Request]) -> Generator[tuple[int, Reply], None, None]:
        """Each request's number and reply as soon as it is there. Closing the iterator cancels the others."""
        if self._parallel_calls == 1 or len(requests) < 2:
            yield from ((number, self.ask(request)) for number, request in enumerate(requests))
            return
        is_stopped = threading.Event()
        with ContextThreadPoolExecutor(min(self._parallel_calls, len(requests))) as threads:
            futures: dict[Future[Reply], int] = {
                threads.submit(self._reply, request, is_stopped): number for number, request in enumerate(requests)
            }
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                is_stopped.set()
                for future in futures:
                    future.cancel()

    def score_all(self, prompts: Sequence[tuple[tuple[BaseMessage, ...], Sequence[str]]]) -> list[tuple[float, ...]]:
        """Natural-log probabilities: for each prompt, that of each of its continuations as the reply.

        Raises:
            StrategyError: the model is not a local one.
        """
        if not prompts:
            return []
        model = self.model
        if not isinstance(model, LocalChatModel):
            raise StrategyError(
                f"{type(model).__name__} tells no log-probabilities of given texts: choose a local model, or evaluate "
                "by value or by vote"
            )
        if self._parallel_calls == 1:  # then each continuation is a call of its own too
            return [
                tuple(self._score(model, messages, [text])[0] for text in continuations)
                for messages, continuations in prompts
            ]
        with ContextThreadPoolExecutor(min(self._parallel_calls, len(prompts))) as threads:
            return list(threads.map(lambda prompt: self._score(model, *prompt), prompts))

    def _score(
        self, model: LocalChatModel, messages: tuple[BaseMessage, ...], continuations: Sequence[str]
    ) -> tuple[float, ...]:
        scores = model.score([*self._opening, *messages], continuations)
        self._count(scores.usage)
        return scores.logprobs

    def _reply(self, request: Request, is_stopped: threading.Event) -> Reply:
        if isinstance(self.model, LocalChatModel):
            reply = self._local_reply(self.model, request, is_stopped)
        else:
            messages = [*self._opening, *request.messages]
            message = self.model.invoke(messages, temperature=request.temperature, max_tokens=request.max_tokens)
            reply = Reply(text_of(message).strip(), None, None, stop_reason_of(message), usage_of(message))
        self._count(reply.usage)
        return reply

    def _local_reply(self, model: LocalChatModel, request: Request, is_stopped: threading.Event) -> Reply:
        """Streamed, so that it can be cancelled on the way."""
        text, logprobs = "", list[float]()
        last = AIMessageChunk(content="")
        stream = model.stream(
            [*self._opening, *request.messages],
            temperature=request.temperature,
            seed=request.seed,
            max_tokens=request.max_tokens,
            constraint=request.constraint,
            logprobs=True,
        )
        for chunk in stream:
            text += text_of(chunk)
            entries = chunk.response_metadata.get("logprobs", {}).get("content", ())
            logprobs += [entry["logprob"] for entry in entries]
            if isinstance(chunk, AIMessageChunk):
                last = chunk
            if is_stopped.is_set() or (self._deadline and time.monotonic() > self._deadline):
                written = Usage(completion_tokens=len(logprobs))
                return Reply(text.strip(), None, _mean(logprobs), StopReason.CANCELLED, written)
        usage, reason = usage_of(last), stop_reason_of(last)
        return Reply(text.strip(), last.response_metadata.get("constrained"), _mean(logprobs), reason, usage)

    def _count(self, usage: Usage) -> None:
        with self._lock:
            self._tokens += usage


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
