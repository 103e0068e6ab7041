"""A follow-up question as one that can be understood, and searched for, without the conversation before it.

The model rewrites it (Elgohary et al. 2019, "Can You Unpack That?", https://aclanthology.org/D19-1605). What it writes
is taken only where it looks like a question of the same length; otherwise the question stays as it was.
"""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from agentkit.models.context import context_tokens, prompt_tokens
from agentkit.models.messages import text_of
from agentkit.models.outcome import usage_of
from agentkit.pipelines.history import Exchange
from agentkit.results import Usage

_SYSTEM = (
    "You rewrite the last question of a conversation so that it can be understood without the conversation: put names "
    "in the place of words such as it, he, she, they, there and that. A question that can be understood alone stays as "
    "it is. You do not answer the question."
)
_EXAMPLE = (
    "Question: Who runs the bakery in Almsford?\nAnswer: Petra Lind runs it.\n"
    "Last question: And since when?\n"
    "Rewritten: Since when does Petra Lind run the bakery in Almsford?"
)
_EXCHANGES = 3
"""The latest ones that are shown; what is further back is seldom meant."""
_SHOWN_CHARS = 300
"""Of a question its end, since a file may stand before it; of an answer its beginning."""
_MAX_TOKENS = 80
_LONGER_CHARS = 200
"""By how much the rewritten question may be longer."""


def standalone_question(question: str, history: Sequence[Exchange], model: BaseChatModel) -> tuple[str, Usage]:
    """`question` as it would be asked without `history`, and what rewriting it cost.

    Without a history, and where the model writes nothing that could be the question, it is the question itself.

    Raises:
        ModelError: the model failed.
    """
    if not history:
        return question, Usage()
    latest = [exchange for exchange in history if exchange.answer][-_EXCHANGES:]
    messages = [SystemMessage(_SYSTEM), _task(question, latest)]
    limit = context_tokens(model)
    while latest and limit and prompt_tokens(model, messages) > limit - _MAX_TOKENS:
        latest = latest[1:]
        messages[-1] = _task(question, latest)
    if not latest:
        return question, Usage()
    reply = model.invoke(messages, max_tokens=_MAX_TOKENS, stop=["\n"])
    return _taken(text_of(reply), question), usage_of(reply)


def _task(question: str, history: Sequence[Exchange]) -> HumanMessage:
    said = "\n".join(
        f"Question: {_line(exchange.question)[-_SHOWN_CHARS:]}\nAnswer: {_line(exchange.answer)[:_SHOWN_CHARS]}"
        for exchange in history
    )
    return HumanMessage(f"{_EXAMPLE}\n\n{said}\nLast question: {_line(question)}\nRewritten:")


def _taken(reply: str, question: str) -> str:
    lines = [line.strip() for line in reply.strip().splitlines()]
    written = lines[0].removeprefix("Rewritten:").strip().strip('"“”') if lines else ""
    if not written or len(written) > len(question) + _LONGER_CHARS:
        return question
    if question.rstrip().endswith("?") and not written.endswith("?"):
        return question
    return written


def _line(text: str) -> str:
    return " ".join(text.split())
