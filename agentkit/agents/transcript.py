"""A transcript that fits the context: the oldest observations are condensed first, and it is said where.

The system message, the task and the latest steps are never dropped. A prompt only grows at its end otherwise, so that
the engine finds its beginning in the cache; where something must give way, more does than is needed at once, so that
the next replies find it there too.
"""

from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentkit.models.messages import text_of

_KEPT_OBSERVATIONS = 2
"""The latest observations, which are cut only where nothing else helps."""
_CONDENSED_CHARS = 160
_TARGET = 0.75
"""The share of the room that a transcript takes after it was condensed."""
_SMALLEST_CUT_CHARS = 400

CountTokens = Callable[[list[BaseMessage]], int]


def fitted(
    messages: Sequence[BaseMessage], limit_tokens: int | None, count_tokens: CountTokens, *, task: int
) -> tuple[list[BaseMessage], str | None]:
    """The messages as they fit, and what gave way, in one line; None where nothing had to.

    Old observations are condensed, then the oldest steps are left out, then the latest observations are cut. Where all
    of that does not suffice the messages are given as they are then; the model's own error says the rest.

    Args:
        messages: All of them.
        limit_tokens: What the prompt may have; None where that is not known.
        count_tokens: Tokens of the prompt that messages make.
        task: The number of the message that holds the task; what comes after it are its steps.
    """
    found = list(messages)
    if limit_tokens is None or count_tokens(found) <= limit_tokens:
        return found, None
    target = int(limit_tokens * _TARGET)
    condensed = _condense(found, target, count_tokens)
    left_out = _leave_out(found, limit_tokens, count_tokens, task)
    cut = _cut(found, limit_tokens, count_tokens)
    said = [
        f"{condensed} old results of tools were condensed" if condensed else "",
        f"{left_out} old steps were left out" if left_out else "",
        f"{cut} of the latest results of tools were cut" if cut else "",
    ]
    what = ", ".join(filter(None, said))
    return found, f"{what} to fit the context" if what else None


def _condense(messages: list[BaseMessage], target: int, count_tokens: CountTokens) -> int:
    condensed = 0
    for number in _observations(messages)[:-_KEPT_OBSERVATIONS]:
        if count_tokens(messages) <= target:
            break
        if len(text_of(messages[number])) > 2 * _CONDENSED_CHARS:
            messages[number] = _shortened(messages[number], _CONDENSED_CHARS, "condensed")
            condensed += 1
    return condensed


def _leave_out(messages: list[BaseMessage], limit: int, count_tokens: CountTokens, task: int) -> int:
    """Take out the oldest steps of the task, all but the last, and say so behind the task."""
    left_out = 0
    whole = messages[task]
    while count_tokens(messages) > limit:
        starts = [number for number in range(task + 1, len(messages)) if isinstance(messages[number], AIMessage)]
        if len(starts) < 2:
            break
        del messages[starts[0] : starts[1]]
        left_out += 1
        said = f"{text_of(whole)}\n\n[{left_out} earlier steps are left out here]"
        messages[task] = whole.model_copy(update={"content": said})
    return left_out


def _cut(messages: list[BaseMessage], limit: int, count_tokens: CountTokens) -> int:
    """Halve the longest observation until all fit."""
    whole: dict[int, BaseMessage] = {}
    while count_tokens(messages) > limit:
        longest = max(_observations(messages), key=lambda number: len(text_of(messages[number])), default=None)
        if longest is None or (chars := len(text_of(messages[longest])) // 2) < _SMALLEST_CUT_CHARS // 2:
            break
        message = whole.setdefault(longest, messages[longest])
        messages[longest] = _shortened(message, chars, "cut here")
    return len(whole)


def _observations(messages: Sequence[BaseMessage]) -> list[int]:
    return [number for number, message in enumerate(messages) if isinstance(message, ToolMessage)]


def _shortened(message: BaseMessage, chars: int, word: str) -> BaseMessage:
    text = text_of(message)
    return message.model_copy(
        update={"content": f"{text[:chars]}\n[{word}: {len(text) - chars:,} characters left out]"}
    )
