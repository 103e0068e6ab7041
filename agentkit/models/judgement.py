"""What the local model judges, read off the log-probabilities of the replies that it may give; nothing is decoded."""

import math
from collections.abc import Iterable, Sequence

from langchain_core.messages import BaseMessage

from agentkit.models.chat import LocalChatModel
from agentkit.results import Usage


def yes_log_odds(model: LocalChatModel, messages: list[BaseMessage]) -> tuple[float, Usage]:
    """How much likelier the model is to reply Yes than No, as a difference of natural-log probabilities; and the cost.

    Raises:
        ContextLengthError: the messages are longer than the context.
    """
    scores = model.score(messages, ["Yes", "No"])
    yes, no = scores.logprobs
    return yes - no, scores.usage


def expectation(values: Iterable[float], logprobs: Sequence[float]) -> float:
    """The mean of the replies' values, each weighted by the reply's share of the probability of all.

    >>> expectation([1.0, 5.0], [-700.0, -700.0])
    3.0
    """
    highest = max(logprobs)
    weights = [math.exp(logprob - highest) for logprob in logprobs]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
