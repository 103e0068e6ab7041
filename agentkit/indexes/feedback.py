"""Pseudo-relevance feedback: the best passages of a first search say what else to look for.

Words: RM3's idea (Abdul-Jaleel et al. 2004), the question's words kept and the feedback's most telling ones added.
Vectors: Rocchio 1971, the question's vector moved towards the feedback's mean. In both a passage counts for how well
the first search scored it, as in RM3: where one stands out, as the answer to a plain question does, the rest leads
nowhere else. The weights were chosen by what docs/retrieval.md shows.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from agentkit.indexes.bm25 import stems_of
from agentkit.indexes.keywords import STOP_WORDS

PASSAGES = 6
"""How many of the first search's passages are taken for relevant."""
_WORDS = 20
_SHARPNESS = 4
"""The power that scores are raised to for their weights."""
_DENSE_WEIGHT = 0.8
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"[^\W\d_][^\W_]{2,}")


def weights_of(scores: Sequence[float]) -> list[float]:
    """How much each passage of the feedback counts, by its score from 0 to 1; together they are 1.

    >>> weights_of([1.0, 0.5])
    [0.9411764705882353, 0.058823529411764705]
    """
    raised = [max(score, 1e-3) ** _SHARPNESS for score in scores]
    return [each / sum(raised) for each in raised]


def telling_words(
    texts: Sequence[str],
    weights: Sequence[float],
    frequencies: Callable[[Iterable[str]], Mapping[str, int]],
    total: int,
) -> list[str]:
    """The words that tell these texts from the others, most telling first.

    A word counts for its share of each text, times the text's weight and the logarithm of how rare its stem is among
    `total` texts; `frequencies` gives in how many a stem occurs.
    """
    shares: Counter[str] = Counter()
    for text, weight in zip(texts, weights, strict=True):
        words = [word for word in _WORD.findall(_plain(text)) if word not in STOP_WORDS]
        for word, count in Counter(words).items():
            shares[word] += weight * count / len(words)  # type: ignore[assignment]  # a Counter of shares
    stems = stems_of(shares)

    def tell(words: Sequence[str]) -> dict[str, float]:
        known = frequencies({stems[word] for word in words if word in stems})
        return {word: shares[word] * math.log(1 + total / (1 + known.get(stems.get(word, ""), 0))) for word in words}

    # To count where a stem occurs is what costs: it is left out for words that could not be among the best if no other
    # text had them.
    likeliest = [word for word, _ in shares.most_common()]
    telling = tell(likeliest[: 3 * _WORDS])
    least = min(nlargest(_WORDS, telling.values()), default=0.0)
    telling |= tell([word for word in likeliest[3 * _WORDS :] if shares[word] * math.log(1 + total) >= least])
    return sorted(telling, key=lambda word: (-telling[word], word))[:_WORDS]


def moved(query: NDArray[np.float32], feedback: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float32]:
    """The query's unit vector, shape (dimension,), moved to the weighted mean of `feedback`, shape (n, dimension)."""
    if not len(feedback):
        return query
    result: NDArray[np.float32] = query + _DENSE_WEIGHT * (np.asarray(weights, dtype=np.float32) @ feedback)
    return result / max(float(np.linalg.norm(result)), 1e-12)


def _plain(text: str) -> str:
    """In lower case and without accents, as FTS5's `unicode61` reads it."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return _NOT_ASCII.sub(lambda found: "" if unicodedata.combining(found[0]) else found[0], apart)
