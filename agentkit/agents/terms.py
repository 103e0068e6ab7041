"""Sentences of passages as the words that tell them apart: numbers and the stems of all but the commonest words."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agentkit.agents.citing import Quote, quotes_of
from agentkit.indexes.keywords import STOP_WORDS
from agentkit.tools.retrieval import NumberedHit

TELLING = math.log(1 + 3)
"""What a word weighs that one of three sentences has: a name is in fewer."""

_TERM = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}


@dataclass(frozen=True, slots=True)
class SentenceTerms:
    """A sentence or line of a passage, and its terms."""

    quote: Quote
    terms: frozenset[str]

    @property
    def passage(self) -> int:
        """The number of its passage."""
        return self.quote.passage.number


def terms_by_sentence(passages: Iterable[NumberedHit]) -> list[SentenceTerms]:
    """In the order of the passages."""
    return [SentenceTerms(quote, terms_of(quote.text)) for passage in passages for quote in quotes_of(passage)]


def terms_of(text: str) -> frozenset[str]:
    """The numbers and the stems of the telling words of a text."""
    found = (term.replace(",", "") if term[0].isdigit() else term for term in _TERM.findall(text.casefold()))
    return frozenset(_NUMBERS.get(term) or _stem(term) for term in found if term not in STOP_WORDS)


def numeric_terms_of(text: str) -> frozenset[str]:
    """The numbers of a text, those in words too."""
    return frozenset(term for term in terms_of(text) if term[0].isdigit())


def term_weights(sentences: Sequence[SentenceTerms]) -> dict[str, float]:
    """How telling each term is: the more, the fewer sentences have it."""
    frequency = Counter(term for each in sentences for term in each.terms)
    return {term: math.log(1 + len(sentences) / count) for term, count in frequency.items()}


def weigh(terms: Iterable[str], weights: Mapping[str, float]) -> float:
    """How telling terms are together; those that no sentence has count nothing."""
    return sum(weights.get(term, 0.0) for term in terms)


@lru_cache(maxsize=50_000)
def _stem(term: str) -> str:
    import snowballstemmer

    return str(snowballstemmer.stemmer("english").stemWord(term))  # one each: it is not for two threads
