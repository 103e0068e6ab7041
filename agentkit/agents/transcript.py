"""A transcript that fits the context: the oldest observations are condensed first, and it is said where.

The system message, the task and the latest steps are never touched. Otherwise a prompt only grows at its end, so that
the engine finds its beginning in the cache.
"""

from collections.abc import Callable, Sequence

from langchain_core.messages import BaseMessage, ToolMessage

from agentkit.models.messages import text_of

_KEPT_OBSERVATIONS = 2
"""The latest observations, which stay whole."""
_CONDENSED_CHARS = 160


def fitted(
    messages: Sequence[BaseMessage], limit_tokens: int | None, count_tokens: Callable[[list[BaseMessage]], int]
) -> tuple[list[BaseMessage], int]:
    """The messages with as many old observations condensed as are needed, and how many are.

    Where that does not suffice they are given as they fit best; the model's own error says the rest.
    """
    found, condensed = list(messages), 0
    observations = [number for number, message in enumerate(found) if isinstance(message, ToolMessage)]
    for number in observations[:-_KEPT_OBSERVATIONS]:
        if limit_tokens is None or count_tokens(found) <= limit_tokens:
            break
        text = text_of(found[number])
        if len(text) > 2 * _CONDENSED_CHARS:
            shown = f"{text[:_CONDENSED_CHARS]}\n[condensed: {len(text) - _CONDENSED_CHARS:,} characters left out]"
            found[number] = found[number].model_copy(update={"content": shown})
            condensed += 1
    return found, condensed
