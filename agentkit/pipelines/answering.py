"""The whole story of `agentkit ask`: retrieve, fit into the context, quote, answer from the quotes, cite.

A citation is a span of a file because only spans of what was retrieved are let through (`reading/`); the answer is
grounded where at least one was.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever

from agentkit.models.chat import LocalChatModel
from agentkit.models.context import text_tokens
from agentkit.pipelines.reasoned import answer_by_reasoning
from agentkit.reading.answer import NOTHING_FOUND, read_answer, room_for_passages
from agentkit.reading.entailment import Entailment
from agentkit.reading.passages import Passage, fit_passages
from agentkit.results import Answer, PassageUse
from agentkit.strategies import Strategy


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

    The `max_tokens` and `stop` that a `LocalChatModel` was made with do not count: quotes are whole.

    With a `strategy` the passages are reasoned over first, and the answer is the strategy's where quotes prove it
    (`reasoned.py`); it is given to `on_token` in one piece. `system` is added to the model's instructions.

    Raises:
        ContextLengthError: the question alone does not fit into the model's context.
        ModelError: the model failed.
    """
    started = time.monotonic()
    if isinstance(model, LocalChatModel):
        model = model.without_limits()
    passages = [Passage.of(number, found) for number, found in enumerate(retriever.invoke(question), start=1)]
    room = room_for_passages(question, model, max_tokens=max_tokens, system=system)
    included, uses = fit_passages(passages, room, partial(text_tokens, model))
    if not included:
        answer = NOTHING_FOUND
    elif strategy:
        answer = _reason(question, included, model, strategy, system=system, judge=judge, on_token=on_token)
    else:
        answer = read_answer(
            question, included, model, system=system, judge=judge, on_token=on_token, max_tokens=max_tokens
        )
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
        return replace(answer, text=NOTHING_FOUND.text, stop_reason=NOTHING_FOUND.stop_reason)
    if on_token:
        on_token(answer.text)
    return answer


def _left_out(uses: list[PassageUse]) -> tuple[str, ...]:
    left_out = [use for use in uses if not use.is_included]
    if not left_out:
        return ()
    tokens = sum(use.tokens for use in left_out)
    return (
        f"{len(left_out)} of {len(uses)} passages ({tokens} tokens) did not fit into the context and were not read",
    )
