"""Hits that do not all say the same: maximal marginal relevance (Carbonell & Goldstein 1998), and caps by document."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentkit.results import Hit


def diversified(
    query: NDArray[np.float32], vectors: NDArray[np.float32], *, count: int, relevance_weight: float = 0.7
) -> list[int]:
    """Which of the candidates to take, in the order of their taking: the most relevant, then each that is relevant and
    unlike those before it.

    Args:
        query: The question's vector, shape (dimension,), of unit length.
        vectors: The candidates', shape (n, dimension), rows of unit length.
        count: How many to take, at most.
        relevance_weight: 1 looks at relevance alone, 0 at difference alone (the paper's lambda).

    Raises:
        ValueError: `relevance_weight` is not within 0 to 1.
    """
    if not 0 <= relevance_weight <= 1:
        raise ValueError(f"relevance_weight must be from 0 to 1, not {relevance_weight}")
    relevance = vectors @ query if len(vectors) else np.empty(0, dtype=np.float32)
    nearest_taken = np.zeros(len(vectors), dtype=np.float32)
    taken: list[int] = []
    while len(taken) < min(count, len(vectors)):
        scores = relevance_weight * relevance - (1 - relevance_weight) * nearest_taken if taken else relevance.copy()
        scores[taken] = -np.inf
        best = int(scores.argmax())
        likeness = vectors @ vectors[best]
        nearest_taken = likeness if not taken else np.maximum(nearest_taken, likeness)
        taken.append(best)
    return taken


def limited_per_document(hits: Sequence[Hit], most: int) -> list[Hit]:
    """The hits in their order, with at most `most` of each document."""
    seen: Counter[str] = Counter()
    kept = []
    for hit in hits:
        seen[hit.path] += 1
        if seen[hit.path] <= most:
            kept.append(hit)
    return kept
