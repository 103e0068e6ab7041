"""An embedder of the user's own that is wrong: told by name, and nothing of it is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from numpy.typing import NDArray

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import EmbedderError


class Odd(HashingEmbedder):
    """Its vectors are made odd on their way out."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        changed: NDArray[np.float32] = self.change(super().embed_array(texts))
        return changed


def _with_nan(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors[-1, 3] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda vectors: vectors[:, :5], "of shape .*identity.dimension"),
        (lambda vectors: vectors[1:], "of shape"),
        (lambda vectors: [], "of shape"),
        (_with_nan, "no finite numbers for '"),
        (lambda vectors: vectors * 3, "a vector of length 3 for '.*divide each by its length"),
        (lambda vectors: vectors * 0, "a vector of length 0 for '"),
    ],
)
def test_vectors_that_are_none_are_told_and_not_kept(tmp_path: Path, change: Any, said: str) -> None:
    (tmp_path / "docs").mkdir()
    for name in "abc":
        (tmp_path / "docs" / f"{name}.txt").write_text(f"The {name} mill grinds.")
    with Index.open(tmp_path / "index", embedder=Odd(change)) as index, pytest.raises(EmbedderError, match=said):
        index_folder(index, tmp_path / "docs")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        assert index_folder(index, tmp_path / "docs").chunks == 3
        assert index.verify().problems == ()
    with Index.open(tmp_path / "index", embedder=Odd(change)) as index, pytest.raises(EmbedderError, match=said):
        index.search("mill")


def test_lists_will_do_for_an_array(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The mill grinds.")
    with Index.open(tmp_path / "index", embedder=Odd(lambda vectors: vectors.tolist())) as index:
        assert index_folder(index, tmp_path / "a.txt").chunks == 1
        assert index.search("mill")[0].score > 0


def test_an_embedder_of_langchain_is_told_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="DeterministicFakeEmbedding is no agentkit"):
        Index.open(tmp_path / "index", embedder=DeterministicFakeEmbedding(size=8))  # type: ignore[arg-type]


def test_lengths_that_are_rounded_to_16_bits_are_no_damage(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The mill grinds.")
    with Index.open(tmp_path / "index", embedder=Odd(lambda vectors: vectors * 1.0005)) as index:
        index_folder(index, tmp_path / "a.txt")
        assert index.verify().problems == ()
        assert index.search("mill", mode="dense")[0].score <= 1
