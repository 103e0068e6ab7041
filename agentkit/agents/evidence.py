"""What an answer rests on: a chain of sentences of the passages that were read.

The first sentences are those that say what the answer adds to the question. Each further one says something of the
question that those before it do not, and comes from a passage that names something they name, as the deputy of one
file is a skipper in another. So an answer that took two steps has both of them as its evidence, and one that adds
nothing that a passage says has none. It is about words alone: it does not understand what they say.
"""

from collections.abc import Iterable, Sequence

from agentkit.agents.citing import Quote
from agentkit.agents.terms import TELLING, SentenceTerms, term_weights, terms_by_sentence, terms_of, weigh
from agentkit.tools.retrieval import NumberedHit

_MOST = 4
"""Sentences of a chain."""
_SAME_PASSAGE = 0.5
"""What a sentence is worth whose neighbour names it, beside one that does so itself."""
_WORTH = 0.12
"""The share of the question that a sentence must add to be a step of the chain."""


def evidence(question: str, answer: str, passages: Iterable[NumberedHit], cited: Sequence[Quote] = ()) -> list[Quote]:
    """The chain that begins with `cited`, or else with a sentence that says what the answer adds to the question."""
    sentences = terms_by_sentence(passages)
    chain = [SentenceTerms(quote, terms_of(quote.text)) for quote in cited]
    weights = term_weights(sentences)
    asked, said = terms_of(question), terms_of(answer)
    added = (terms_of(_conclusion(answer)) or said) - asked
    if sentences and not chain:
        best = max(sentences, key=lambda each: (weigh(each.terms & added, weights), weigh(each.terms & asked, weights)))
        chain = [best] if any(_is_telling(term, weights) for term in best.terms & added) else []
    worth = _WORTH * weigh(asked, weights)
    while sentences and 0 < len(chain) < _MOST:
        known = frozenset[str]().union(*(each.terms for each in chain))
        names = frozenset(term for term in (known | said) - asked if weights.get(term, 0.0) >= TELLING)
        near = {each.passage for each in sentences if each.terms & names}
        gains = [weigh(each.terms & (asked - known), weights) * _closeness(each, names, near) for each in sentences]
        if max(gains) <= 0 or max(gains) < worth:
            break
        chain.append(sentences[gains.index(max(gains))])
    return [sentence.quote for sentence in chain]


def _conclusion(answer: str) -> str:
    """Its last line: what an answer is after the steps to it were told."""
    lines = [line for line in answer.splitlines() if terms_of(line)]
    return lines[-1] if lines else ""


def _closeness(sentence: SentenceTerms, names: frozenset[str], near: set[int]) -> float:
    """1 where the sentence has one of the names, less where only another of its passage has, else 0."""
    if sentence.terms & names:
        return 1.0
    return _SAME_PASSAGE if sentence.passage in near else 0.0


def _is_telling(term: str, weights: dict[str, float]) -> bool:
    """Whether it could not be in a sentence by chance: a number, or a word that few sentences have."""
    return term[0].isdigit() or weights.get(term, 0.0) >= TELLING
