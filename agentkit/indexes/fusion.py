"""Two rankings made into one: by ranks, or by scores brought to one scale."""

from collections.abc import Iterable, Sequence

Ranking = Sequence[tuple[str, float]]
"""Ids with their scores, best first."""

_RRF_CONSTANT = 60
"""As in the paper; it keeps the first ranks from deciding alone."""


def fuse_ranks(rankings: Iterable[Ranking]) -> list[tuple[str, float]]:
    """Reciprocal rank fusion (Cormack et al. 2009): best first, equal ones by their id."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (identifier, _) in enumerate(ranking, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1.0 / (_RRF_CONSTANT + rank)
    return _ordered(scores)


def fuse_scores(first: Ranking, second: Ranking, *, weight: float) -> list[tuple[str, float]]:
    """`weight` times the first ranking's scores and the rest times the second's, each scaled to 0 to 1.

    The convex combination of Bruch et al. 2022 (arXiv:2210.11934). An id that a ranking lacks has 0 there.
    """
    scores: dict[str, float] = {}
    for ranking, share in ((first, weight), (second, 1.0 - weight)):
        for identifier, score in _scaled(ranking):
            scores[identifier] = scores.get(identifier, 0.0) + share * score
    return _ordered(scores)


def _scaled(ranking: Ranking) -> list[tuple[str, float]]:
    if not ranking:
        return []
    values = [score for _, score in ranking]
    lowest, width = min(values), max(values) - min(values)
    return [(identifier, (score - lowest) / width if width else 1.0) for identifier, score in ranking]


def _ordered(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: (-round(item[1], 9), item[0]))
