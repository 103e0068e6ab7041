"""The story of `ask` without documents: the model answers by itself, and nothing is cited."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage

from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.results import Answer, StopReason
from agentkit.strategies.asking import Asker, Reply, Request

_TEMPERATURE = 0.7
"""Where none is given, and answers shall differ."""


def answer_directly(
    question: str,
    model: BaseChatModel,
    *,
    system: str = "",
    on_token: Callable[[str], None] | None = None,
    max_tokens: int = 512,
) -> Answer:
    """What `model` says to `question`. The answer is never grounded.

    Args:
        question: What is asked, with any text that it is about.
        model: Any LangChain chat model.
        system: The system message; empty for none.
        on_token: Called with each piece of the answer as it is decoded.
        max_tokens: The longest answer.
    """
    started = time.perf_counter()
    whole = AIMessageChunk(content="")
    opening = [SystemMessage(system)] if system else []
    for chunk in model.stream([*opening, HumanMessage(question)], max_tokens=max_tokens):
        if on_token and (piece := text_of(chunk)):
            on_token(piece)
        if isinstance(chunk, AIMessageChunk):
            whole = whole + chunk
    reason = stop_reason_of(whole)
    warnings = (f"the answer was cut at {max_tokens} tokens",) if reason is StopReason.MAX_TOKENS else ()
    return Answer(
        text_of(whole).strip(),
        stop_reason=reason,
        usage=replace(usage_of(whole), seconds=time.perf_counter() - started),
        warnings=warnings,
    )


def answer_several_times(
    question: str,
    model: BaseChatModel,
    *,
    count: int,
    system: str = "",
    temperature: float = 0.0,
    seed: int | None = None,
    max_tokens: int = 512,
) -> list[Answer]:
    """`count` answers of `model` to `question`, sampled in one batch; answer n takes the seed plus n.

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}: give 1 or more")
    opening = (SystemMessage(system),) if system else ()
    asker = Asker(model, opening)
    first = random.getrandbits(31) if seed is None else seed
    replies = asker.ask_all(
        [
            Request((HumanMessage(question),), max_tokens, temperature or _TEMPERATURE, first + number)
            for number in range(count)
        ]
    )
    return [_of(reply, max_tokens) for reply in replies]


def _of(reply: Reply, max_tokens: int) -> Answer:
    warnings = (f"the answer was cut at {max_tokens} tokens",) if reply.stop_reason is StopReason.MAX_TOKENS else ()
    return Answer(reply.text, stop_reason=reply.stop_reason, usage=reply.usage, warnings=warnings)
