"""The story of `ask` without documents: the model answers by itself, and nothing is cited."""

import time
from collections.abc import Callable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage

from agentkit.models.messages import text_of
from agentkit.results import Answer, StopReason, Usage


def answer_directly(
    question: str,
    model: BaseChatModel,
    *,
    on_token: Callable[[str], None] | None = None,
    max_tokens: int = 512,
) -> Answer:
    """What `model` says to `question`. The answer is never grounded.

    Args:
        question: What is asked, with any text that it is about.
        model: Any LangChain chat model.
        on_token: Called with each piece of the answer as it is decoded.
        max_tokens: The longest answer.
    """
    started = time.perf_counter()
    whole = AIMessageChunk(content="")
    for chunk in model.stream([HumanMessage(question)], max_tokens=max_tokens):
        if on_token and (piece := text_of(chunk)):
            on_token(piece)
        if isinstance(chunk, AIMessageChunk):
            whole = whole + chunk
    reason = _stop_reason(whole)
    warnings = (f"the answer was cut at {max_tokens} tokens",) if reason is StopReason.MAX_TOKENS else ()
    return Answer(
        text_of(whole).strip(),
        stop_reason=reason,
        usage=_usage(whole, time.perf_counter() - started),
        warnings=warnings,
    )


def _stop_reason(message: AIMessageChunk) -> StopReason:
    """Our own word for it where the model is ours, else OpenAI's `finish_reason`."""
    metadata = message.response_metadata
    if "stop_reason" in metadata and metadata["stop_reason"] in set(StopReason):
        return StopReason(metadata["stop_reason"])
    return StopReason.MAX_TOKENS if metadata.get("finish_reason") == "length" else StopReason.COMPLETED


def _usage(message: AIMessageChunk, seconds: float) -> Usage:
    counted = message.usage_metadata
    if counted is None:
        return Usage(seconds=seconds)
    return Usage(
        prompt_tokens=counted["input_tokens"],
        cached_tokens=counted.get("input_token_details", {}).get("cache_read", 0),
        completion_tokens=counted["output_tokens"],
        forced_tokens=message.response_metadata.get("forced_tokens", 0),
        seconds=seconds,
    )
