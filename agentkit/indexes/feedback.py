"""Pseudo-relevance feedback: the best passages of a first search say what else to look for.

Words: RM3's idea (Abdul-Jaleel et al. 2004), the question's words kept and the feedback's most telling ones added.
Vectors: Rocchio 1971, the question's vector moved towards the feedback's mean. The weights were chosen on half of
Cranfield's queries and checked on the other (docs/retrieval.md).
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.indexes.keywords import STOP_WORDS

PASSAGES = 4
"""How many of the first search's passages are taken for relevant."""
_WORDS = 20
_DENSE_WEIGHT = 0.8
_WORD = re.compile(r"[^\W\d_][^\W_]{2,}")


def telling_words(
    texts: Sequence[str], frequencies: Callable[[Iterable[str]], Mapping[str, int]], total: int
) -> list[str]:
    """The words that tell these texts from the others, most telling first.

    A word counts for its share of each text, times the logarithm of how rare its stem is among `total` texts;
    `frequencies` gives in how many a stem occurs.
    """
    shares: Counter[str] = Counter()
    for text in texts:
        words = [word for word in _WORD.findall(_plain(text)) if word not in STOP_WORDS]
        for word, count in Counter(words).items():
            shares[word] += count / len(words)  # type: ignore[assignment]  # a Counter of shares
    stems = {word: _stem(word) for word in shares}
    known = frequencies(set(stems.values()))
    weights = {word: share * math.log(1 + total / (1 + known.get(stems[word], 0))) for word, share in shares.items()}
    return sorted(weights, key=lambda word: (-weights[word], word))[:_WORDS]


def moved(query: NDArray[np.float32], feedback: NDArray[np.float32]) -> NDArray[np.float32]:
    """The query's unit vector, shape (dimension,), moved towards the mean of `feedback`, shape (n, dimension)."""
    if not len(feedback):
        return query
    result: NDArray[np.float32] = query + _DENSE_WEIGHT * feedback.mean(axis=0)
    return result / max(float(np.linalg.norm(result)), 1e-12)


def _plain(text: str) -> str:
    """In lower case and without accents, as FTS5's `unicode61` reads it."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    """As SQLite's `porter` tokenizer writes it."""
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:  # Any: the package has no types
    import snowballstemmer

    return snowballstemmer.stemmer("porter")
