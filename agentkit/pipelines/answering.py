"""The whole story of `agentkit ask`: retrieve, fit into the context, quote, answer from the quotes, cite.

A citation is a span of a file because only spans of what was retrieved are let through (`reading.py`); the answer is
grounded where at least one was.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.retrievers import BaseRetriever

from agentkit.errors import ContextLengthError
from agentkit.models.context import context_tokens, text_tokens
from agentkit.models.messages import text_of
from agentkit.models.outcome import stop_reason_of, usage_of
from agentkit.pipelines.entailment import Entailment
from agentkit.pipelines.grounding import unsupported_claims
from agentkit.pipelines.passages import Passage, fit_passages
from agentkit.pipelines.reading import prompt_overhead, reader_for
from agentkit.pipelines.reasoned import answer_by_reasoning
from agentkit.results import Answer, PassageUse, StopReason
from agentkit.strategies import Strategy

NOT_FOUND = "The documents do not answer this question."
_ROOM_FOR_QUOTES = 400
"""Tokens kept free for the draft, the quotes and the template's own parts."""


def answer_question(
    question: str,
    retriever: BaseRetriever,
    model: BaseChatModel,
    *,
    strategy: Strategy | None = None,
    system: str = "",
    judge: Entailment | None = None,
    on_token: Callable[[str], None] | None = None,
    max_tokens: int = 512,
) -> Answer:
    """Answer `question` from what `retriever` finds, with citations that are true spans of the documents.

    Works with any LangChain retriever and chat model. With a `LocalChatModel` quotes are true by construction; with
    another model its quotes are checked, repaired to the nearest true span, or dropped. `on_token` is called with each
    piece of the answer's text as it is decoded. Where the documents do not answer, the answer says so, is not grounded
    and has no citations.

    With a `strategy` the passages are reasoned over first, and the answer is the strategy's where quotes prove it
    (`reasoned.py`); it is given to `on_token` in one piece. `system` is added to the model's instructions.

    Raises:
        ContextLengthError: the question alone does not fit into the model's context.
        ModelError: the model failed.
    """
    started = time.monotonic()
    passages = [Passage.of(number, found) for number, found in enumerate(retriever.invoke(question), start=1)]
    room = _room_for_passages(question, system, model, max_tokens)
    included, uses = fit_passages(passages, room, partial(text_tokens, model))
    if not included:
        answer = _not_found()
    elif strategy:
        answer = _reason(question, included, model, strategy, system=system, judge=judge, on_token=on_token)
    else:
        answer = _read(question, included, model, system=system, judge=judge, on_token=on_token, max_tokens=max_tokens)
    seconds = time.monotonic() - started
    usage = replace(answer.usage, seconds=seconds)
    return replace(answer, usage=usage, passages=tuple(uses), warnings=(*_left_out(uses), *answer.warnings))


def _reason(
    question: str,
    passages: list[Passage],
    model: BaseChatModel,
    strategy: Strategy,
    *,
    system: str,
    judge: Entailment | None,
    on_token: Callable[[str], None] | None,
) -> Answer:
    answer = answer_by_reasoning(question, passages, model, strategy, system=system, judge=judge)
    if not answer.is_grounded:
        return replace(answer, text=NOT_FOUND, stop_reason=StopReason.NOT_FOUND)
    if on_token:
        on_token(answer.text)
    return answer


def _read(
    question: str,
    passages: list[Passage],
    model: BaseChatModel,
    *,
    system: str,
    judge: Entailment | None,
    on_token: Callable[[str], None] | None,
    max_tokens: int,
) -> Answer:
    reader = reader_for(model, question, passages, max_tokens=max_tokens, system=system)
    citations = reader.quote()
    if not citations:
        return replace(_not_found(), usage=reader.usage)
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


def _not_found() -> Answer:
    return Answer(NOT_FOUND, stop_reason=StopReason.NOT_FOUND)


def _left_out(uses: list[PassageUse]) -> tuple[str, ...]:
    left_out = [use for use in uses if not use.is_included]
    if not left_out:
        return ()
    tokens = sum(use.tokens for use in left_out)
    return (
        f"{len(left_out)} of {len(uses)} passages ({tokens} tokens) did not fit into the context and were not read",
    )


def _room_for_passages(question: str, system: str, model: BaseChatModel, max_tokens: int) -> int | None:
    """Tokens that the passages may have; None where the model's context is not known."""
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
