"""Questions that Yes or No answers, put to the local model: its judgement is read off its log-probabilities."""

from langchain_core.messages import BaseMessage

from agentkit.models.chat import LocalChatModel
from agentkit.results import Usage


def yes_log_odds(model: LocalChatModel, messages: list[BaseMessage]) -> tuple[float, Usage]:
    """How much likelier the model is to reply Yes than No, as a difference of natural-log probabilities, and what that
    cost: two short continuations of one prompt, nothing is decoded.

    Raises:
        ContextLengthError: the messages are longer than the context.
    """
    scores = model.score(messages, ["Yes", "No"])
    yes, no = scores.logprobs
    return yes - no, scores.usage
