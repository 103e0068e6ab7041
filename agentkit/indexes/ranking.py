"""Passages ranked for a query over one state of an index: by words, by meaning, and by both with feedback.

What is exact in a query (`keywords.py`) is not left to weights: the passages that hold it come first.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agentkit.indexes import feedback
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.fusion import Ranking, fuse_scores
from agentkit.indexes.keywords import exact_terms, keyword_query

_DEPTH = 200
"""How many passages of each ranking are fused, at least."""
_KEYWORD_WEIGHT = 0.4
"""Of the words' score in a hybrid search; the rest is the meaning's."""
_FIRST_WEIGHT = 0.1
"""Of the first search's score; the rest is that of the search with feedback, which alone lets the best hit slip."""
_EXACT_WEIGHT = 0.6
"""Of holding what is exact in a query: more than all the rest can weigh."""
_FEW = 8
"""Passages that can hold a name of a longer question, for it to tell them from the others."""

Nearest = Callable[[NDArray[np.float32], int], list[tuple[str, float]]]
"""From a vector and a count to the nearest passages' ids with their cosine similarity."""
Numbers = Sequence[int] | None
"""The chunks to stay within; None for all."""


def keyword_ranking(catalog: Catalog, query: str, count: int, within: Numbers) -> list[tuple[str, float]]:
    """By BM25; what holds what is exact in the query has up to one and a half times the best one's score more."""
    found = catalog.keyword_ranking(keyword_query(query), count=count, within=within)
    exact = _holding(catalog, query, count, within)
    highest = found[0][1] if found else 1.0
    return _raised(found, exact, highest * _EXACT_WEIGHT / (1 - _EXACT_WEIGHT))[:count]


def hybrid_ranking(
    catalog: Catalog, query: str, vector: NDArray[np.float32], count: int, within: Numbers, nearest: Nearest
) -> list[tuple[str, float]]:
    """Two searches: what the first finds tells the second what else to look for; both count. Scores are from 0 to 1."""
    depth = max(count, _DEPTH)

    def search(words: str, vector: NDArray[np.float32]) -> list[tuple[str, float]]:
        by_words = catalog.keyword_ranking(words, count=depth, within=within)
        return fuse_scores(by_words, nearest(vector, depth), weight=_KEYWORD_WEIGHT)

    first = search(keyword_query(query), vector)
    best = [name for name, _ in first[: feedback.PASSAGES]]
    weights = feedback.weights_of([score for _, score in first[: feedback.PASSAGES]])
    told = feedback.telling_words(
        catalog.searched_texts(best), weights, catalog.document_frequencies, catalog.chunk_count()
    )
    vectors = catalog.vectors_by_id(best)
    towards = feedback.moved(vector, np.array([vectors[name] for name in best]), weights)
    second = search(keyword_query(query, told), towards)
    fused = fuse_scores(first, second, weight=_FIRST_WEIGHT)
    exact = _holding(catalog, query, depth, within)
    if not exact:
        return fused
    return _raised([(name, score * (1 - _EXACT_WEIGHT)) for name, score in fused], exact, _EXACT_WEIGHT)


def _holding(catalog: Catalog, query: str, count: int, within: Numbers) -> dict[str, float]:
    """The passages that hold what is exact in the query, with the share of it that each holds.

    In a longer question, a name that many passages hold does not tell which of them is meant: there BM25 must do.
    """
    terms = exact_terms(query)
    held: Counter[str] = Counter()
    for term in terms:
        found = catalog.keyword_ranking(term.query, count=count, within=within)
        if term.is_wanted or len(found) <= _FEW:
            held.update(name for name, _ in found)
    return {name: number / len(terms) for name, number in held.items()}


def _raised(ranking: Ranking, exact: Mapping[str, float], width: float) -> list[tuple[str, float]]:
    """The ranking with `width` times its share of what is exact added to each score."""
    if not exact:
        return list(ranking)
    scores = dict.fromkeys(exact, 0.0) | dict(ranking)
    raised = {name: score + width * exact.get(name, 0.0) for name, score in scores.items()}
    return sorted(raised.items(), key=lambda item: (-round(item[1], 9), item[0]))
