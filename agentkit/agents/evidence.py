"""What an answer rests on: a chain of sentences of the passages that were read.

The first sentences are those that say what the answer adds to the question. Each further one says something of the
question that those before it do not, and comes from a passage that names something they name, as the deputy of one
file is a skipper in another. So an answer that took two steps has both of them as its evidence, and one that adds
nothing that a passage says has none. It is about words alone: it does not understand what they say.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from agentkit.agents.citing import Quote, quotes_of
from agentkit.indexes.keywords import STOP_WORDS
from agentkit.tools.retrieval import Passage

_TERM = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_MOST = 4
"""Sentences of a chain."""
_RARE = 4
"""A telling word is in at most one of so many sentences."""
_SAME_PASSAGE = 0.3
"""What a sentence is worth whose neighbour names it, beside one that does so itself."""
_WORTH = 0.15
"""The share of the question that a sentence must add to be a step of the chain."""


def evidence(question: str, answer: str, passages: Iterable[Passage], cited: Sequence[Quote] = ()) -> list[Quote]:
    """The chain that begins with `cited`, or else with a sentence that says what the answer adds to the question."""
    sentences = [_Sentence(quote, terms_of(quote.text)) for passage in passages for quote in quotes_of(passage)]
    chain = [_Sentence(quote, terms_of(quote.text)) for quote in cited]
    weights = _weights(sentences)
    asked, said = terms_of(question), terms_of(answer)
    added = (terms_of(_conclusion(answer)) or said) - asked

    def says(sentence: _Sentence, terms: frozenset[str]) -> float:
        return sum(weights[term] for term in sentence.terms & terms)

    if sentences and not chain:
        best = max(sentences, key=lambda each: (says(each, added), says(each, asked)))
        chain = [best] if _tells(best.terms & added, weights) else []
    worth = _WORTH * sum(weights.get(term, 0.0) for term in asked)
    while sentences and 0 < len(chain) < _MOST:
        known = frozenset[str]().union(*(each.terms for each in chain))
        names = _naming((known | said) - asked, sentences)
        gains = [says(each, asked - known) * _closeness(each, names, sentences) for each in sentences]
        if max(gains) <= 0 or max(gains) < worth:
            break
        chain.append(sentences[gains.index(max(gains))])
    return [sentence.quote for sentence in chain]


def terms_of(text: str) -> frozenset[str]:
    """The numbers and the stems of the telling words of a text."""
    found = (term.replace(",", "") if term[0].isdigit() else term for term in _TERM.findall(text.casefold()))
    return frozenset(_NUMBERS.get(term) or _stem(term) for term in found if term not in STOP_WORDS)


def _conclusion(answer: str) -> str:
    """Its last line: what an answer is after the steps to it were told."""
    lines = [line for line in answer.splitlines() if terms_of(line)]
    return lines[-1] if lines else ""


@dataclass(frozen=True, slots=True)
class _Sentence:
    quote: Quote
    terms: frozenset[str]

    @property
    def number(self) -> int:
        return self.quote.passage.number


def _naming(terms: frozenset[str], sentences: Sequence[_Sentence]) -> frozenset[str]:
    """Those of the terms that not most passages have."""
    passages: dict[int, set[str]] = {}
    for each in sentences:
        passages.setdefault(each.number, set()).update(each.terms)
    return frozenset(term for term in terms if 2 * sum(term in each for each in passages.values()) <= len(passages) + 1)


def _closeness(sentence: _Sentence, names: frozenset[str], sentences: Sequence[_Sentence]) -> float:
    """1 where the sentence has one of the names, less where only another of its passage has, else 0."""
    if sentence.terms & names:
        return 1.0
    number = sentence.number
    return _SAME_PASSAGE if any(each.terms & names for each in sentences if each.number == number) else 0.0


def _weights(sentences: Sequence[_Sentence]) -> dict[str, float]:
    """How telling each term is: the more, the fewer sentences have it."""
    frequency = Counter(term for each in sentences for term in each.terms)
    return {term: math.log(1 + len(sentences) / count) for term, count in frequency.items()}


def _tells(terms: Iterable[str], weights: dict[str, float]) -> bool:
    """Whether the terms could not be in a sentence by chance: a number, or one that few sentences have."""
    return any(term[0].isdigit() or weights.get(term, 0.0) >= math.log(1 + _RARE) for term in terms)


@cache
def _stem(term: str) -> str:
    import snowballstemmer

    stemmed: str = snowballstemmer.stemmer("english").stemWord(term)
    return stemmed
