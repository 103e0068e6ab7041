"""The lines of passages that are likely to matter to a question. It is about words alone.

A question in two steps describes something ("the quay where Halcyon lies") and asks about it: what describes it and
what is asked stand in two lines, which share a name that the question does not have. So lines count in such pairs, for
how telling the question's words in them are, and alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations

from agentkit.agents.citing import Quote
from agentkit.agents.terms import TELLING, SentenceTerms, term_weights, terms_by_sentence, terms_of, weigh
from agentkit.tools.retrieval import NumberedHit

_MOST = 6
_MOST_CHARS = 1500
_MOST_OF_A_PASSAGE = 2
"""So that the rows of one table do not take the place of all else."""
_MOST_LINKED = 2
_ALONE = 0.9
"""What a line by itself is worth beside a pair that says as much."""
_SAME_PASSAGE = 0.8
"""What a pair of one passage is worth, whose lines share names anyhow."""
_SHARED = 0.1
"""What the shared names are worth beside words of the question: a name of two words is a better link than a number."""
_ENOUGH_SHARED = 6.0
"""What more than two names weigh is no better a link."""


def focus(question: str, passages: Iterable[NumberedHit]) -> list[Quote]:
    """At most eight lines, together of 1,500 characters, the likeliest first."""
    sentences = [each for each in terms_by_sentence(passages) if not _is_heading(each.quote)]
    asked, weights = terms_of(question), term_weights(sentences)
    chosen: dict[str, SentenceTerms] = {}
    taken: Counter[int] = Counter()
    for sentence in chain.from_iterable(_pairs(asked, sentences, weights)):
        text = sentence.quote.text
        room = _MOST_CHARS - sum(map(len, chosen))
        if len(chosen) < _MOST and taken[sentence.passage] < _MOST_OF_A_PASSAGE and len(text) <= room:
            taken[sentence.passage] += text not in chosen
            chosen.setdefault(text, sentence)
    for sentence in _linked(asked, sentences, weights, list(chosen.values()))[:_MOST_LINKED]:
        if len(sentence.quote.text) <= _MOST_CHARS - sum(map(len, chosen)):
            chosen.setdefault(sentence.quote.text, sentence)
    return [sentence.quote for sentence in chosen.values()]


def is_told_together(question: str, passages: Iterable[NumberedHit]) -> bool:
    """Whether one passage has all words of the question that any passage has: it is likely to answer it alone."""
    told = _told(terms_by_sentence(passages)).values()
    known = terms_of(question) & frozenset[str]().union(*told)
    return any(known <= terms for terms in told)


def _told(sentences: Iterable[SentenceTerms]) -> Mapping[int, frozenset[str]]:
    """The terms of each passage, by its number."""
    told: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for sentence in sentences:
        told[sentence.passage] |= sentence.terms
    return told


def _is_heading(line: Quote) -> bool:
    """A heading names what the lines below it tell, and tells nothing itself."""
    return line.text.lstrip("# ").strip() in (line.passage.hit.metadata.get("heading_path") or ())


def _pairs(
    asked: frozenset[str], sentences: Sequence[SentenceTerms], weights: Mapping[str, float]
) -> list[tuple[SentenceTerms, ...]]:
    """Lines that say something of the question, alone and with another that does, best first."""
    says = [(weigh(each.terms & asked, weights), each) for each in sentences if each.terms & asked]
    says.sort(key=lambda worth_and_sentence: -worth_and_sentence[0])
    found: list[tuple[float, tuple[SentenceTerms, ...]]] = [(_ALONE * worth, (sentence,)) for worth, sentence in says]
    named = [(each, _names(each, asked, weights)) for _, each in says]
    for (first, names), (second, others) in combinations(named, 2):
        if shared := names & others:
            worth = weigh((first.terms | second.terms) & asked, weights)
            found.append((_linked_worth(worth, shared, first, second, weights), (first, second)))
    return [pair for _, pair in sorted(found, key=lambda each: -each[0])]


def _linked(
    asked: frozenset[str],
    sentences: Sequence[SentenceTerms],
    weights: Mapping[str, float],
    chosen: Sequence[SentenceTerms],
) -> list[SentenceTerms]:
    """Further lines that share a name with a chosen one, best first. What is asked may stand elsewhere in their
    passage, as in the head of a table.
    """
    told = _told(sentences)
    found = []
    texts = {each.quote.text for each in chosen}
    named = [(each, {term for term in _names(each, asked, weights) if not term[0].isdigit()}) for each in chosen]
    for sentence in sentences:
        worths = [
            _linked_worth(
                weigh((told[sentence.passage] | first.terms) & asked, weights), shared, first, sentence, weights
            )
            for first, names in named
            if (shared := names & sentence.terms)
        ]
        if worths and sentence.quote.text not in texts:
            found.append((max(worths), sentence))
    return [sentence for _, sentence in sorted(found, key=lambda each: -each[0])]


def _names(sentence: SentenceTerms, asked: frozenset[str], weights: Mapping[str, float]) -> set[str]:
    return {term for term in sentence.terms - asked if weights[term] >= TELLING}


def _linked_worth(
    worth: float, shared: Iterable[str], first: SentenceTerms, second: SentenceTerms, weights: Mapping[str, float]
) -> float:
    worth *= _SAME_PASSAGE if second.passage == first.passage else 1.0
    return worth + _SHARED * min(weigh(shared, weights), _ENOUGH_SHARED)
