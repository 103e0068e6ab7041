"""Is what an answer says in the documents? Each of its sentences is held against the passages nearest to it.

A sentence is *supported* where its numbers and names all stand in the passages (`facts.py`) and a judge says that the
place most like it proves it; *contradicted* where the judge says that this place speaks against it; else *not found*.
Who judges: see `entailment.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever

from agentkit.facts import missing_facts
from agentkit.models.chat import LocalChatModel
from agentkit.reading.entailment import Entailment, FactsJudge, judge_of
from agentkit.reading.passages import Passage
from agentkit.reading.sentences import likeliest_sentences, sentences_of
from agentkit.results import Citation, Claim, Usage, Verdict

_NEAR_CHARS = 160
"""How much of the text before and after the likeliest sentence is shown with it: sentences lean on their neighbours."""
_CLAIM = re.compile(r"\S.*?(?:[.!?…][\"')\]»”]*(?=\s|\Z)|(?=\n)|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """What became of each claim of an answer."""

    claims: tuple[Claim, ...]
    usage: Usage = field(default_factory=Usage)

    @property
    def is_grounded(self) -> bool:
        """Every claim is supported; an empty answer claims nothing and is not."""
        return bool(self.claims) and all(claim.verdict is Verdict.SUPPORTED for claim in self.claims)


def check_answer(
    answer: str, retriever: BaseRetriever, model: BaseChatModel | None, *, judge: Entailment | None = None
) -> GroundingReport:
    """Hold every sentence of `answer` against what `retriever` finds for it.

    `judge` replaces the model's own judgement, by a cross-encoder for example; then no model is needed.

    Raises:
        ModelError: the model failed.
        ValueError: neither a model nor a judge.
    """
    if judge is None:
        if model is None:
            raise ValueError("a model or a judge is needed")
        judge = judge_of(model)
    before = judge.usage
    claims = []
    for text, start, end in split_claims(answer):
        passages = [Passage.of(number, found) for number, found in enumerate(retriever.invoke(text), start=1)]
        claims.append(check_claim(text, (start, end), passages, judge))
    return GroundingReport(tuple(claims), judge.usage - before)


def unsupported_claims(
    answer: str, question: str, passages: Sequence[Passage], model: BaseChatModel, judge: Entailment | None = None
) -> tuple[list[Claim], Usage]:
    """The sentences of an answer to `question` that the passages do not bear out, and what it cost to tell.

    Without a `judge`, the local model judges answers of several sentences; of a single one, which was held against its
    quote already, and of other models' answers, numbers and names alone are compared.
    """
    claims = split_claims(answer)
    if judge is None:
        judge = judge_of(model) if isinstance(model, LocalChatModel) and len(claims) > 1 else FactsJudge()
    before = judge.usage
    judged = [check_claim(text, (start, end), passages, judge, known=question) for text, start, end in claims]
    return [claim for claim in judged if claim.verdict is not Verdict.SUPPORTED], judge.usage - before


def check_claim(
    text: str, span: tuple[int, int], passages: Sequence[Passage], judge: Entailment, *, known: str = ""
) -> Claim:
    """One sentence, which stands at `span` of the answer, against passages. What is `known` may be repeated."""
    sentences = [sentence for passage in passages for sentence in sentences_of(passage)]
    likeliest = likeliest_sentences(sentences, text, "")
    if not likeliest:
        return Claim(text, *span, Verdict.NOT_FOUND, float("-inf"))
    best = likeliest[0]
    citation = best.passage.cite(best.text)
    missing = tuple(missing_facts(text, "\n".join([known, *(p.render() for p in passages)])))
    evidence = f'From {best.passage.label}:\n"{_surroundings(best.passage, citation)}"'
    score = judge.proves(evidence, text)
    if score > judge.least_log_odds and not missing:
        verdict = Verdict.SUPPORTED
    else:
        verdict = Verdict.CONTRADICTED if judge.refutes(evidence, text) > 0 else Verdict.NOT_FOUND
    return Claim(text, *span, verdict, score, missing, citation)


def split_claims(answer: str) -> list[tuple[str, int, int]]:
    """The sentences and lines of an answer with their offsets; together they hold all of its letters and digits."""
    return [
        (found[0].rstrip(), found.start(), found.start() + len(found[0].rstrip()))
        for found in _CLAIM.finditer(answer)
        if any(character.isalnum() for character in found[0])
    ]


def _surroundings(passage: Passage, citation: Citation | None) -> str:
    """The cited sentence with what stands around it in its passage, in whole words."""
    if citation is None:
        return passage.text
    start, end = citation.start - passage.start, citation.end - passage.start
    first, last = max(0, start - _NEAR_CHARS), min(len(passage.text), end + _NEAR_CHARS)
    before, after = passage.text[first:start], passage.text[end:last]
    before = before.partition(" ")[2] if first > 0 else before
    after = after.rpartition(" ")[0] if last < len(passage.text) else after
    return before + passage.text[start:end] + after
