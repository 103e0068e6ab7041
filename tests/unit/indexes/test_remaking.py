"""Another embedder or other chunks, made from the catalog alone."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.chunkers import ChunkLimits
from agentkit.errors import IndexMismatchError, IndexNotFoundError
from tests.unit.indexes.conftest import contents, open_index

_SMALL = ChunkLimits(max_chars=300, overlap_chars=0)


def test_another_embedder_gives_what_a_fresh_index_by_it_gives(place: Path, documents: Path, tmp_path: Path) -> None:
    with Index.open(tmp_path / "fresh", embedder=HashingEmbedder(64)) as fresh:
        index_folder(fresh, [documents])
        expected = contents(fresh)
    shutil.rmtree(documents)
    report = Index.reembed(place, embedder=HashingEmbedder(64))
    assert report.embedded > 0
    with Index.open(place, embedder=HashingEmbedder(64)) as index:
        assert contents(index) == expected
        assert index.verify().is_sound
    with pytest.raises(IndexMismatchError, match=r"64.*256.*rebuild index --reembed"):
        open_index(place)


def test_other_chunks_give_what_a_fresh_index_of_them_gives(place: Path, documents: Path, tmp_path: Path) -> None:
    with Index.open(tmp_path / "fresh", embedder=HashingEmbedder(), limits=_SMALL) as fresh:
        index_folder(fresh, [documents])
        expected = contents(fresh)
    shutil.rmtree(documents)
    Index.rechunk(place, embedder=HashingEmbedder(), limits=_SMALL)
    with Index.open(place, embedder=HashingEmbedder(), limits=_SMALL) as index:
        assert contents(index) == expected
        assert index.verify().is_sound


def test_the_same_chunks_again_embed_nothing_and_change_nothing(place: Path) -> None:
    with open_index(place) as index:
        before, limits = contents(index), index.limits
    assert Index.rechunk(place, embedder=HashingEmbedder(), limits=limits).embedded == 0
    with open_index(place) as index:
        assert contents(index) == before
        assert index.verify().is_sound


def test_spoilt_embeddings_are_made_again(place: Path) -> None:
    with open_index(place) as index:
        before = contents(index)
        with index.catalog.transaction() as connection:
            connection.execute("UPDATE embeddings SET vector = zeroblob(length(vector)) WHERE text_hash < '8'")
        (problem,) = index.verify().problems
        assert problem.mend.endswith("--reembed")
    Index.reembed(place, embedder=HashingEmbedder())
    with open_index(place) as index:
        assert contents(index) == before
        assert index.verify().is_sound


def test_other_chunks_by_another_embedder_are_refused(place: Path) -> None:
    with pytest.raises(IndexMismatchError, match="--reembed"):
        Index.rechunk(place, embedder=HashingEmbedder(64), limits=_SMALL)


def test_an_index_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="gone"):
        Index.reembed(tmp_path / "gone", embedder=HashingEmbedder())
    assert not (tmp_path / "gone").exists()


def test_what_is_stopped_leaves_the_index_as_it_was_and_goes_on_from_there(
    place: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.indexes.remaking._BATCH_CHARS", 1)
    with open_index(place) as index:
        before = contents(index)
        stopped = _Stopping(64, after=15)
        with pytest.raises(KeyboardInterrupt):
            Index.reembed(place, embedder=stopped)
        assert contents(index) == before
        (documents / "file00.md").write_text("changed meanwhile, before it goes on")
        index_folder(index, [documents])
    again = _Stopping(64, after=10_000)
    Index.reembed(place, embedder=again)
    with Index.open(place, embedder=HashingEmbedder(64)) as index:
        assert index.verify().is_sound
        assert index.document_text("file00.md").startswith("changed")
        assert again.texts < index.chunk_count - 10


def test_an_index_that_is_open_by_the_old_embedder_says_so(place: Path) -> None:
    with open_index(place) as index:
        Index.reembed(place, embedder=HashingEmbedder(64))
        with pytest.raises(IndexMismatchError, match="change the settings back"):
            index.search("red fox")


def test_other_limits_are_told_from_an_older_agentkit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IndexMismatchError, match=r"change the settings back, or make it again .* --rechunk"):
        Index.open(place, embedder=HashingEmbedder(), limits=_SMALL)
    monkeypatch.setattr("agentkit.indexes.makers.CHUNKER_NAME", "sections-999")
    with pytest.raises(IndexMismatchError, match=r"another version of agentkit cut it: make it again .* --rechunk"):
        open_index(place)


class _Stopping(HashingEmbedder):
    """Is stopped by Ctrl-C when it has embedded `after` texts; counts them."""

    def __init__(self, dimension: int, *, after: int) -> None:
        super().__init__(dimension)
        self.texts = 0
        self._after = after

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.texts >= self._after:
            raise KeyboardInterrupt
        self.texts += len(texts)
        return super().embed_array(texts)
