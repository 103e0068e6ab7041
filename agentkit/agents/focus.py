"""The lines of passages that are likely to matter to a question. It is about words alone.

A question in two steps describes something ("the quay where Halcyon lies") and asks about it: what describes it and
what is asked stand in two lines, which share a name that the question does not have. So lines count in such pairs, for
how telling the question's words in them are, and alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, combinations

from agentkit.agents.citing import Quote
from agentkit.agents.terms import TELLING, Sentence, sentences_of, term_weights, terms_of, weigh
from agentkit.tools.retrieval import Passage

_MOST = 6
_MOST_CHARS = 1500
_MOST_OF_A_PASSAGE = 2
"""So that the rows of one table do not take the place of all else."""
_ALONE = 0.9
"""What a line by itself is worth beside a pair that says as much."""
_SAME_PASSAGE = 0.8
"""What a pair of one passage is worth, whose lines share names anyhow."""
_SHARED = 0.1
"""What the shared names are worth beside words of the question: a name of two words is a better link than a number."""
_ENOUGH_SHARED = 6.0
"""What more than two names weigh is no better a link."""


def focus(question: str, passages: Iterable[Passage]) -> list[Quote]:
    """At most six lines, together of 1,500 characters, the likeliest first; none where there are not more lines."""
    sentences = sentences_of(passages)
    if len(sentences) <= _MOST:
        return []
    chosen: dict[str, Quote] = {}
    taken: Counter[int] = Counter()
    for sentence in chain.from_iterable(_pairs(terms_of(question), sentences)):
        text = sentence.quote.text
        room = _MOST_CHARS - sum(map(len, chosen))
        if len(chosen) < _MOST and taken[sentence.passage] < _MOST_OF_A_PASSAGE and len(text) <= room:
            taken[sentence.passage] += text not in chosen
            chosen.setdefault(text, sentence.quote)
    return list(chosen.values())


def _pairs(asked: frozenset[str], sentences: Sequence[Sentence]) -> list[tuple[Sentence, ...]]:
    """Lines that say something of the question, alone and with another that does, best first."""
    weights = term_weights(sentences)
    says = [(weigh(each.terms & asked, weights), each) for each in sentences if each.terms & asked]
    says.sort(key=lambda worth_and_sentence: -worth_and_sentence[0])
    found: list[tuple[float, tuple[Sentence, ...]]] = [(_ALONE * worth, (sentence,)) for worth, sentence in says]
    named = [(each, {term for term in each.terms - asked if weights[term] >= TELLING}) for _, each in says]
    for (first, names), (second, others) in combinations(named, 2):
        if shared := names & others:
            worth = weigh((first.terms | second.terms) & asked, weights)
            worth *= _SAME_PASSAGE if second.passage == first.passage else 1.0
            found.append((worth + _SHARED * min(weigh(shared, weights), _ENOUGH_SHARED), (first, second)))
    return [pair for _, pair in sorted(found, key=lambda each: -each[0])]
