"""A question answered from passages: quoted first, then answered from the quotes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk

from agentkit.errors import ContextLengthError
from agentkit.models.context import context_tokens, text_tokens
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.reading.entailment import Entailment
from agentkit.reading.grounding import unsupported_claims
from agentkit.reading.passages import Passage
from agentkit.reading.reader import prompt_overhead, reader_for
from agentkit.results import Answer, StopReason

NOTHING_FOUND = Answer("The documents do not answer this question.", stop_reason=StopReason.NOT_FOUND)
_ROOM_FOR_QUOTES = 400
"""Tokens kept free for the draft, the quotes and the template's own parts."""


def read_answer(
    question: str,
    passages: Sequence[Passage],
    model: BaseChatModel,
    *,
    system: str = "",
    judge: Entailment | None = None,
    on_token: Callable[[str], None] | None = None,
    max_tokens: int = 512,
) -> Answer:
    """The answer to `question` from passages that fit into the model's context, with what it quotes of them as its
    citations; `NOTHING_FOUND` where they do not answer it. The arguments are those of `answer_question`.
    """
    reader = reader_for(model, question, passages, max_tokens=max_tokens, system=system)
    citations = reader.quote()
    if not citations:
        return replace(NOTHING_FOUND, usage=reader.usage)
    whole = AIMessageChunk(content="")
    text = ""
    for piece in reader.answer():
        if new := text_of(piece) if text else text_of(piece).lstrip():
            text += new
            if on_token:
                on_token(new)
        if isinstance(piece, AIMessageChunk):
            whole = whole + piece
    if not text.strip():  # a model that has quoted and said no more
        text = "\n".join(citation.quote for citation in citations)
        if on_token:
            on_token(text)
    reason = stop_reason_of(whole)
    usage = reader.usage + usage_of(whole)
    warnings = [f"the answer was cut at {max_tokens} tokens"] if reason is StopReason.MAX_TOKENS else []
    unsupported, cost = unsupported_claims(text.strip(), question, passages, model, judge)
    return Answer(text.strip(), tuple(citations), True, reason, usage + cost, (), tuple(warnings), tuple(unsupported))


def room_for_passages(question: str, model: BaseChatModel, *, max_tokens: int = 512, system: str = "") -> int | None:
    """Tokens that the passages may have; None where the model's context is not known.

    Raises:
        ContextLengthError: the question alone does not fit.
    """
    limit = context_tokens(model)
    if limit is None:
        return None
    room = limit - text_tokens(model, prompt_overhead(question, system)) - max_tokens - _ROOM_FOR_QUOTES
    if room <= 0:
        raise ContextLengthError(
            f"the question and an answer of {max_tokens} tokens do not fit into the context of {limit} tokens: "
            "ask a shorter question, or choose a model with a longer context"
        )
    return room
