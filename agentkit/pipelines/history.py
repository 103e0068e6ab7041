"""What of a conversation the model still reads: the latest exchanges that fit into its context.

Where they no longer fit, the oldest are left out, and more of them than are needed at once, so that the prompts of the
next turns begin alike and are found in the engine's cache. What is left out depends on nothing but the exchanges and
the room, so that a conversation that is taken up again is read as it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

_KEPT_SHARE = 0.6
"""Of the room that is filled again after something was left out."""

_AROUND_TOKENS = 8
"""A template's own parts around a question and its answer, at most, beyond those of an empty prompt."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer, as the model reads them."""

    question: str
    answer: str = ""

    def messages(self) -> list[BaseMessage]:
        """What was said; an exchange without an answer is the question alone."""
        asked = HumanMessage(self.question)
        return [asked, AIMessage(self.answer)] if self.answer else [asked]


def messages_of(exchanges: Sequence[Exchange]) -> list[BaseMessage]:
    """The exchanges as a chat model takes them."""
    return list(chain.from_iterable(exchange.messages() for exchange in exchanges))


def left_out(sizes: Sequence[int], room: int) -> int:
    """How many of the oldest exchanges are left out, given the tokens of each; the last one always stays.

    >>> left_out([40, 40, 40], 130)
    0
    >>> left_out([40, 40, 40, 40], 130)
    3
    """
    first, held = 0, 0
    for number, size in enumerate(sizes):
        held += size
        if held > room:
            while first < number and held > room * _KEPT_SHARE:
                held -= sizes[first]
                first += 1
    return first


def fit_history(
    exchanges: Sequence[Exchange], room: int | None, count_tokens: Callable[[list[BaseMessage]], int]
) -> tuple[list[Exchange], int]:
    """The exchanges that are read, and how many older ones are left out.

    Args:
        exchanges: All of them, the question to be answered last.
        room: Tokens that they may have; None where no limit is known.
        count_tokens: Tokens that messages take.
    """
    if room is None:
        return list(exchanges), 0
    empty = count_tokens(Exchange("").messages())  # what a prompt has besides, such as a template's own system message
    sizes = [count_tokens(exchange.messages()) - empty + _AROUND_TOKENS for exchange in exchanges]
    first = left_out(sizes, room - empty)
    while first < len(exchanges) - 1 and count_tokens(messages_of(exchanges[first:])) > room:
        first += 1
    return list(exchanges[first:]), first
