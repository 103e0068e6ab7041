"""A deterministic embedder without a model: the public test double, good enough to find texts that share words."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentkit.embedders.base import Embedder, EmbedderIdentity


class HashingEmbedder(Embedder):
    """Signed feature hashing of lower-cased words (Weinberger et al. 2009, arXiv:0902.2206).

    >>> embedder = HashingEmbedder(dimension=64)
    >>> round(float(embedder.embed_array(["a red fox"])[0] @ embedder.embed_array(["A red fox!"])[0]), 3)
    1.0
    """

    def __init__(self, dimension: int = 256, *, max_tokens: int = 256) -> None:
        self._dimension = dimension
        self._max_tokens = max_tokens

    @property
    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity("hashing", "1", self._dimension)

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        return len(_words(text))

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in _words(text):
                digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                row[int.from_bytes(digest[:4], "little") % self._dimension] += 1.0 if digest[4] & 1 else -1.0
            if not row.any():
                row[0] = 1.0  # a text without words, or whose words cancel out, still has a direction
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
