"""What an index needs of an embedder, beyond LangChain's `Embeddings`."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from agentkit.errors import EmbedderError

_LENGTH_TOLERANCE = 1e-3
"""Numbers of 16 bits round by as much; beyond it long vectors would rank before near ones."""


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What makes two embedders' vectors comparable; an index remembers it."""

    name: str
    revision: str
    """The model's sha256 or commit: the same name can mean other weights."""
    dimension: int
    is_normalized: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.dimension} dimensions, revision {self.revision[:12]})"


class Embedder(Embeddings):
    """Texts to vectors of unit length. Making one is cheap: a model is loaded at first use."""

    @property
    @abstractmethod
    def identity(self) -> EmbedderIdentity:
        """Known without loading the model."""

    @property
    @abstractmethod
    def max_tokens(self) -> int:
        """The longest text, in this embedder's tokens; what lies beyond is not seen by it."""

    @abstractmethod
    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, special tokens included. Does not load the model."""

    @property
    def tokenizer_file(self) -> Path | None:
        """The `tokenizer.json` that `count_tokens` counts by, so that other processes can count; None without one."""
        return None

    @abstractmethod
    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), dimension)` float32, rows of unit length, in the order of `texts`."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's form of `embed_array`."""
        rows: list[list[float]] = self.embed_array(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """LangChain's form of `embed_array`, for one text."""
        return self.embed_documents([text])[0]


def embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """What `embedder.embed_array` gives, looked at before anything is done with it, of unit length to the last digit.

    Raises:
        EmbedderError: not a row of `dimension` finite numbers for each text, or a row that is not of unit length.
    """
    vectors = np.asarray(embedder.embed_array(texts), dtype=np.float32)
    expected = len(texts), embedder.identity.dimension
    if vectors.shape != expected:
        raise EmbedderError(
            f"the embedder {embedder.identity.name} gave an array of shape {vectors.shape} where {expected} is due: "
            "a row of `identity.dimension` numbers for each text"
        )
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise EmbedderError(f"the embedder {embedder.identity.name} gave no finite numbers for {texts[bad][:60]!r}")
    lengths = np.linalg.norm(vectors, axis=1)
    if (wrong := np.flatnonzero(np.abs(lengths - 1) > _LENGTH_TOLERANCE)).size:
        raise EmbedderError(
            f"the embedder {embedder.identity.name} gave a vector of length {lengths[wrong[0]]:.4g} for "
            f"{texts[wrong[0]][:60]!r}, where 1 is due: divide each by its length"
        )
    unit: NDArray[np.float32] = vectors / lengths[:, np.newaxis]
    return unit
