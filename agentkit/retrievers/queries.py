"""Other questions to search with: the same asked differently, an answer made up.

Each costs a call of the chat model. On what was measured here the feedback of the search itself does as well without
one, so that nothing of this is on by default.
"""

import re
from collections.abc import Callable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from agentkit.models.messages import text_of

QueryWriter = Callable[[str], list[str]]
"""From a question to the queries to search with."""

_LONGEST = 300


def several(model: BaseChatModel, *, count: int = 3) -> QueryWriter:
    """The question itself and `count` other ways to ask it, in other words (multi-query)."""

    def write(question: str) -> list[str]:
        task = f"Write {count} search queries for this question, each in other words, one a line:\n{question}"
        lines = text_of(model.invoke([HumanMessage(task)])).splitlines()
        queries = [re.sub(r"^\s*(?:[-*]|\d+[.)])\s*", "", line).strip()[:_LONGEST] for line in lines]
        return list(dict.fromkeys([question, *filter(None, queries)]))[: count + 1]

    return write


def hypothetical(model: BaseChatModel) -> QueryWriter:
    """The question itself, and a passage that could answer it (HyDE, Gao et al. 2022, arXiv:2212.10496)."""

    def write(question: str) -> list[str]:
        task = f"Write a short passage of a document that answers this question:\n{question}"
        passage = " ".join(text_of(model.invoke([HumanMessage(task)])).split())[: 3 * _LONGEST]
        return [question, passage] if passage else [question]

    return write
