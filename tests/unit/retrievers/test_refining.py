"""Diversity, caps, merged neighbours, reranking and other queries."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ChunkLimits, HashingEmbedder, Hit, Index, ScriptedModel, SearchMode, index_folder
from agentkit.errors import IndexMismatchError, ModelLoadError
from agentkit.reading.entailment import CrossEncoderJudge
from agentkit.retrievers import CrossEncoderReranker, RefinedRetriever, diversified, limited_per_document, merged
from agentkit.retrievers.queries import hypothetical, several
from agentkit.retrievers.rerank import reranked


def _hit(rank: int, path: str, start: int, end: int) -> Hit:
    return Hit(rank, 1.0 / rank, path, None, start, end, "x" * (end - start), {"heading_path": ("A", str(rank % 2))})


class ByLength:
    """A reranker that prefers long passages."""

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        return [float(len(passage)) for passage in passages]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "docs"
    (folder / "reports").mkdir(parents=True)
    (folder / "reports" / "mill.md").write_text("# Mill\n\n" + "The mill makes flour from barley. " * 12)
    (folder / "ferry.txt").write_text("The ferry carries flour and barley.")
    limits = ChunkLimits(max_chars=120, overlap_chars=20)
    with Index.open(tmp_path / "index", embedder=HashingEmbedder(), limits=limits) as index:
        index_folder(index, [folder])
        yield index


@given(st.integers(0, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 5))
def test_diversified_takes_different_candidates_and_the_best_one_first(
    candidates: int, count: int, weight: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(candidates, 8)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    query = vectors[0] if candidates else np.ones(8, dtype=np.float32)
    taken = diversified(query, vectors, count=count, relevance_weight=weight)
    assert len(taken) == len(set(taken)) == min(count, candidates)
    if candidates and weight > 0:
        assert taken[0] == 0


def test_relevance_alone_keeps_the_order_and_a_twin_gives_way_to_something_new() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    query = np.array([0.8, 0.6], dtype=np.float32)
    assert diversified(query, vectors, count=3, relevance_weight=1.0)[:2] == [0, 1]
    assert diversified(query, vectors, count=2, relevance_weight=0.5) == [0, 2]
    with pytest.raises(ValueError, match="from 0 to 1"):
        diversified(query, vectors, count=1, relevance_weight=2.0)


def test_no_document_has_more_hits_than_it_may() -> None:
    hits = [_hit(n, path, 0, 1) for n, path in enumerate("aabab", start=1)]
    assert [hit.rank for hit in limited_per_document(hits, 1)] == [1, 3]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 200), st.integers(1, 60)), max_size=12))
def test_merged_hits_are_true_spans_that_cover_all_and_do_not_touch(spans: list[tuple[str, int, int]]) -> None:
    texts = {path: "".join(chr(97 + n % 26) for n in range(300)) for path in "ab"}
    hits = [_hit(n, path, start, start + length) for n, (path, start, length) in enumerate(spans, start=1)]
    found = merged(hits, texts.__getitem__, gap_chars=5)
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    for hit in found:
        assert texts[hit.path][hit.start : hit.end] == hit.text
    for hit in hits:
        assert any(m.path == hit.path and m.start <= hit.start and hit.end <= m.end for m in found)
    for one in found:
        assert all(one is o or one.path != o.path or one.end + 5 < o.start or o.end + 5 < one.start for o in found)


def test_a_merged_hit_stands_under_the_headings_that_its_parts_share() -> None:
    (hit,) = merged([_hit(2, "a", 0, 10), _hit(1, "a", 8, 20)], lambda _: "y" * 50)
    assert hit.metadata["heading_path"] == ("A",)
    assert (hit.rank, hit.score) == (1, 1.0)


def test_reranking_orders_what_the_budget_allows_and_keeps_the_rest() -> None:
    hits = [_hit(1, "a", 0, 5), _hit(2, "b", 0, 9), _hit(3, "c", 0, 30)]
    found = reranked(ByLength(), "q", hits, budget=2)
    assert [hit.path for hit in found] == ["b", "a", "c"]
    assert [hit.rank for hit in found] == [1, 2, 3]


@pytest.mark.parametrize("load", [CrossEncoderReranker, CrossEncoderJudge])
@pytest.mark.parametrize("form", [Path, str])
def test_a_folder_without_a_cross_encoder_is_refused(
    tmp_path: Path, load: Callable[[Path | str], object], form: type[Path | str]
) -> None:
    with pytest.raises(ModelLoadError, match=r"no model.safetensors"):
        load(form(tmp_path))


def test_several_queries_keep_the_question_and_lose_their_numbers() -> None:
    write = several(ScriptedModel(replies=["1. flour mill\n- barley\n\nq\n"]), count=3)
    assert write("q") == ["q", "flour mill", "barley"]
    assert hypothetical(ScriptedModel(replies=["It is\n so."]))("q") == ["q", "It is so."]
    assert hypothetical(ScriptedModel(replies=[" "]))("q") == ["q"]


def test_without_a_step_the_retriever_finds_what_the_index_finds(index: Index) -> None:
    plain = [hit.metadata["chunk_id"] for hit in index.search("flour", k=3)]
    assert [hit.metadata["chunk_id"] for hit in RefinedRetriever(index=index, k=3).hits("flour")] == plain


def test_all_steps_together_give_true_spans(index: Index) -> None:
    retriever = RefinedRetriever(
        index=index,
        k=4,
        queries=lambda question: [question, "ferry"],
        reranker=ByLength(),
        relevance_weight=0.5,
        per_document=2,
        merges_neighbours=True,
    )
    documents = retriever.invoke("flour from barley")
    assert documents
    for document in documents:
        text = index.document_text(document.metadata["path"])
        assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content
    assert {document.metadata["path"] for document in documents} == {"ferry.txt", "reports/mill.md"}


def test_what_is_removed_between_the_search_and_the_choice_is_left_out_and_the_rest_keep_their_vectors(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in {"gone": "flour from barley", "near": "flour from oats", "far": "a ferry with no cargo"}.items():
        (folder / f"{name}.txt").write_text(text)

    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])

        class Removing:
            """A reranker during which the best hit's file is removed."""

            def scores(self, question: str, passages: Sequence[str]) -> list[float]:
                assert passages[0] == "flour from barley"
                (folder / "gone.txt").unlink()
                index_folder(index, [folder])
                return [-float(rank) for rank in range(len(passages))]

        retriever = RefinedRetriever(index=index, k=3, reranker=Removing(), relevance_weight=0.9)
        assert [hit.path for hit in retriever.hits("flour from barley")] == ["near.txt", "far.txt"]


def test_an_index_that_is_embedded_by_another_embedder_meanwhile_is_named(index: Index) -> None:
    class Reembedding:
        """A reranker during which the index is embedded again, in vectors of another length."""

        def scores(self, question: str, passages: Sequence[str]) -> list[float]:
            Index.reembed(index.directory, embedder=HashingEmbedder(64))
            return [1.0 for _ in passages]

    retriever = RefinedRetriever(index=index, k=3, reranker=Reembedding(), relevance_weight=0.5)
    with pytest.raises(IndexMismatchError, match=r"dimension 64.*; now it is hashing .*dimension 256"):
        retriever.hits("flour from barley")


def test_ranks_are_those_of_the_last_step(index: Index) -> None:
    chosen = RefinedRetriever(index=index, k=3, relevance_weight=0.3, queries=lambda question: ["ferry", question])
    hits = chosen.hits("flour from barley")
    assert [hit.rank for hit in hits] == [1, 2, 3]
    joined = chosen.model_copy(update={"merges_neighbours": True}).hits("flour from barley")
    assert [hit.path for hit in joined] == list(dict.fromkeys(hit.path for hit in hits))


@pytest.mark.parametrize("mode", SearchMode)
def test_filters_keep_every_mode_within_the_files_that_match(index: Index, mode: SearchMode) -> None:
    assert {hit.path for hit in index.search("flour", k=9, mode=mode, path="reports/*")} == {"reports/mill.md"}
    assert {hit.path for hit in index.search("flour", k=9, mode=mode, format="text")} == {"ferry.txt"}
    assert index.search("flour", mode=mode, path="reports/*", format="text") == []
    assert index.search("flour", mode=mode, path="gone/*") == []
