"""Searching an index by meaning, by words, and by both."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import HashingEmbedder, Index, SearchMode, index_folder
from agentkit.indexes.keywords import fuse, keyword_query


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "gauge.md").write_text("# Instruments\n\nThe tide gauge TG-210 was calibrated in September.")
    (documents / "bread.md").write_text("# Food\n\nBread is baked from barley flour on Mondays.")
    (documents / "boats.md").write_text("# Boats\n\nThe ferry runs to the mainland.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [documents])
        yield index


@pytest.mark.parametrize("mode", SearchMode)
def test_every_mode_finds_the_passage_that_states_it(index: Index, mode: SearchMode) -> None:
    hits = index.search("When is bread baked?", k=2, mode=mode)
    assert hits[0].path == "bread.md"
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(first.score >= second.score for first, second in pairwise(hits))


def test_a_hit_is_a_span_of_its_document(index: Index) -> None:
    for hit in index.search("tide gauge ferry bread", k=10):
        assert index.document_text(hit.path)[hit.start : hit.end] == hit.text


def test_keywords_find_other_forms_of_a_word_and_names_with_signs(index: Index) -> None:
    assert index.search("calibrating", mode=SearchMode.KEYWORD)[0].path == "gauge.md"
    assert index.search("TG-210", mode=SearchMode.KEYWORD)[0].path == "gauge.md"


def test_a_query_of_function_words_finds_nothing_by_keywords(index: Index) -> None:
    assert index.search("what is it", mode=SearchMode.KEYWORD) == []


@given(st.text(max_size=60))
def test_no_question_is_taken_as_query_syntax(question: str) -> None:
    words = keyword_query(question).split(" OR ")
    assert words == [""] or all(word.startswith('"') and word.endswith('"') and '"' not in word[1:-1] for word in words)


def test_odd_questions_can_be_searched_for(index: Index) -> None:
    for question in (
        '"',
        "a AND (b OR",
        "NEAR(x y)",
        "text:*",
        "-",
        "'; DROP TABLE files; --",
        "\U0001f6a2 ferry",
        "col\x00umn",
    ):
        index.search(question, mode=SearchMode.KEYWORD)
        index.search(question)


def test_fusion_prefers_what_both_rankings_have() -> None:
    fused = fuse([["a", "b", "c"], ["d", "b"]])
    assert fused[0][0] == "b"
    assert fused[0][1] == pytest.approx(2 / 62)
    assert {name for name, _ in fused} == {"a", "b", "c", "d"}


def test_an_empty_index_and_an_empty_query_give_nothing(tmp_path: Path) -> None:
    with Index.open(tmp_path / "empty", embedder=HashingEmbedder()) as index:
        assert index.search("anything") == []
        assert index.search("  ") == []
