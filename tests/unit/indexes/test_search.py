"""Searching an index by meaning, by words, and by both."""

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import HashingEmbedder, Index, SearchMode, index_folder
from agentkit.errors import IndexingError, WorkspaceError
from agentkit.indexes import feedback
from agentkit.indexes.bm25 import stems_of
from agentkit.indexes.fusion import fuse_ranks, fuse_scores
from agentkit.indexes.keywords import exact_terms, keyword_query


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


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_a_copy_for_another_process_opens_the_index_for_itself(index: Index, copied: Callable[[Any], Any]) -> None:
    retriever = copied(index.as_retriever(k=1))
    with retriever.index as other:
        assert other.catalog is not index.catalog
        assert [found.metadata["path"] for found in retriever.invoke("When is bread baked?")] == ["bread.md"]
    assert index.search("bread")


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


@pytest.mark.parametrize(
    ("question", "exact"),
    [
        ("What is TG-210?", ['"tg-210"']),
        ("where is read_file called", ['"read_file" OR "readfile"']),
        ("who calls getUserName", ['"getusername" OR "get user name"']),
        ("std::sort or os.path", ['"std::sort"', '"os.path"']),
        ("is pi 3.14 or 0xFF", ['"3.14"', '"0xff"']),
        ("what is in /etc/fstab", ['"etc fstab"']),
        ('the "tide mill" of “Gannet Gut”', ['"tide mill"', '"gannet gut"']),
        ('is a "mill" a house?', []),
        ("setpgid", ['"setpgid"']),
        ("the", []),
        ('a 6" and an 8" pipe', []),
        ("e.g. a two-dimensional flow, and/or 24-hour days at 4,500 rpm in 1979?", []),
    ],
)
def test_phrases_and_identifiers_are_told_from_words(question: str, exact: list[str]) -> None:
    assert [term.query for term in exact_terms(question)] == exact


def test_a_number_is_found_however_it_is_grouped() -> None:
    assert keyword_query("4,500 crowns") == '"4,500" OR "4500" OR "crowns"'
    assert keyword_query("4500 crowns") == '"4500" OR "4,500" OR "crowns"'
    assert keyword_query("1" * 5000) == f'"{"1" * 5000}"'


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """40 passages that differ in their codes alone."""
    folder = tmp_path_factory.mktemp("codes")
    for number in range(40):
        name = f"err_{number:02}x"
        words = f"The pump stops and error {name} is shown; restart the pump. See chapter {number}. Lamp L-{number}7."
        (folder / f"{number}.md").write_text(f"# Pump errors\n\n{words}")
    with Index.open(tmp_path_factory.mktemp("index"), embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        yield index


@given(st.integers(0, 39), st.sampled_from(["err_{0:02}x", "what does the pump error err_{0:02}x mean?", "L-{0}7"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_passage_that_holds_a_code_comes_first(codes: Index, number: int, query: str) -> None:
    for mode in (SearchMode.HYBRID, SearchMode.KEYWORD):
        hits = codes.search(query.format(number), k=3, mode=mode)
        assert hits[0].path == f"{number}.md"
        assert all(first.score >= second.score for first, second in pairwise(hits))


def test_passages_that_hold_a_quoted_phrase_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "apart.md").write_text(
        "The mill turns with the tide; a tide turns the mill. With a mill, with a tide, with a mill, with a tide."
    )
    (folder / "phrase.md").write_text("Much else is said here about bread, boats and weather. The tide mill is old.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        assert index.search("tide mill")[0].path == "apart.md"
        for mode in (SearchMode.HYBRID, SearchMode.KEYWORD):
            hits = index.search('"tide mill"', mode=mode)
            assert hits[0].path == "phrase.md"
            assert all(0 <= hit.score <= 1 for hit in hits) or mode is SearchMode.KEYWORD


def test_a_name_in_a_longer_question_counts_for_what_it_tells(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.md").write_text(f"# Part {number}\n\nThe utf-8 flag of part {number} is a detail.")
    (folder / "bread.md").write_text(
        "Bread in the oven rises when the flour is warm, whatever the code on the bag says."
    )
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        question = "Why does bread in the oven rise when the flour on the bag is warm, utf-8 or not?"
        assert index.search(question, k=1)[0].path == "bread.md"
        assert "utf-8" in index.search("utf-8 flour", k=1)[0].text


@pytest.mark.parametrize("mode", SearchMode)
def test_several_queries_find_what_each_finds_alone(index: Index, mode: SearchMode) -> None:
    queries = ["bread", "", "the ferry", "TG-210"]
    together = list(index.search_all(queries, k=2, mode=mode))
    assert together == [index.search(query, k=2, mode=mode) for query in queries]
    assert together[1] == []


@given(st.text(max_size=60))
def test_no_question_is_taken_as_query_syntax(question: str) -> None:
    words = keyword_query(question).split(" OR ")
    assert words == [""] or all(word.startswith('"') and word.endswith('"') and '"' not in word[1:-1] for word in words)
    for term in exact_terms(question):
        forms = term.query.split(" OR ")
        assert all(form.startswith('"') and form.endswith('"') and '"' not in form[1:-1] for form in forms)


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
    fused = fuse_ranks([[("a", 9.0), ("b", 8.0), ("c", 7.0)], [("d", 0.2), ("b", 0.1)]])
    assert fused[0][0] == "b"
    assert fused[0][1] == pytest.approx(2 / 62)
    assert {name for name, _ in fused} == {"a", "b", "c", "d"}


_RANKINGS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-100, 100)).map(
    lambda scores: sorted(scores.items(), key=lambda item: -item[1])
)


@given(_RANKINGS, _RANKINGS, st.floats(0, 1))
def test_fused_scores_are_shares_of_one_and_best_first(
    first: list[tuple[str, float]], second: list[tuple[str, float]], weight: float
) -> None:
    fused = fuse_scores(first, second, weight=weight)
    assert {name for name, _ in fused} == {name for name, _ in [*first, *second]}
    assert all(-1e-9 <= score <= 1 + 1e-9 for _, score in fused)
    assert all(a >= b - 1e-9 for (_, a), (_, b) in pairwise(fused))


def test_feedback_words_are_those_that_tell_the_texts_from_the_others() -> None:
    frequencies = {"tide": 2, "mill": 2, "ferri": 900}
    texts = ["The tide mill and the ferry", "A ferry, a tide mill"]
    words = feedback.telling_words(texts, [0.5, 0.5], lambda stems: frequencies, 1000)
    assert set(words[:2]) == {"tide", "mill"}
    assert words[2] == "ferry"
    assert feedback.telling_words([], [], lambda stems: {}, 10) == []
    words = feedback.telling_words(["Größe und tide-mill, 1979"], [1.0], lambda stems: {}, 10)
    assert words == ["große", "mill", "tide", "und"]


@given(st.lists(st.integers(1, 10_000), min_size=100, max_size=300), st.integers(10_000, 10**6))
def test_feedback_words_are_the_best_of_all_although_not_all_are_looked_up(counts: list[int], total: int) -> None:
    words = [f"w{at}x" for at in range(len(counts))]
    frequencies = dict(zip(words, counts, strict=True))
    text = " ".join(" ".join([word] * (1 + at % 7)) for at, word in enumerate(words))
    size = len(text.split())
    telling = {
        word: (1 + at % 7) / size * math.log(1 + total / (1 + frequencies[word])) for at, word in enumerate(words)
    }
    found = feedback.telling_words([text], [1.0], lambda stems: {stem: frequencies[stem] for stem in stems}, total)
    least = min(telling[word] for word in found)
    assert len(found) == 20
    assert all(telling[word] <= least + 1e-12 for word in telling.keys() - found)


def test_feedback_follows_the_passage_that_stands_out() -> None:
    assert feedback.weights_of([1.0, 0.3, 0.3])[0] > 0.95
    assert feedback.weights_of([0.0, 0.0]) == [0.5, 0.5]
    assert feedback.weights_of([]) == []


def test_stems_are_those_of_the_keyword_index(index: Index) -> None:
    words = ["calibrated", "instruments", "runs", "flour", "baked", "gauge"]
    found = index.catalog.document_frequencies(set(stems_of(words).values()))
    assert sorted(found.values()) == [1] * len(words)


def test_a_moved_query_is_of_unit_length_and_nearer_to_the_feedback() -> None:
    query = np.array([1.0, 0.0], dtype=np.float32)
    towards = np.array([[0.0, 1.0]], dtype=np.float32)
    moved = feedback.moved(query, towards, [1.0])
    assert np.linalg.norm(moved) == pytest.approx(1.0)
    assert float(moved @ towards[0]) > float(query @ towards[0])
    assert (feedback.moved(query, np.empty((0, 2), dtype=np.float32), []) == query).all()


def test_a_heading_above_a_chunk_is_searched_but_not_cited(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_text("# Walrus\n\n" + "Nothing to see. " * 100 + "\n\nIt left in the evening.")
    (folder / "b.md").write_text("# Gannet\n\n" + "Nothing to see. " * 100 + "\n\nIt left in the evening.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        hits = index.search("walrus left in the evening", k=20)
        last = next(hit for hit in hits if hit.text.endswith("evening."))
        assert last.path == "a.md"
        assert "Walrus" not in last.text


def test_an_empty_index_and_an_empty_query_give_nothing(tmp_path: Path) -> None:
    with Index.open(tmp_path / "empty", embedder=HashingEmbedder()) as index:
        assert index.search("anything") == []
        assert index.search("  ") == []


def test_an_index_that_is_closed_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The mill grinds.")
    with Index.open(tmp_path / "mill", embedder=HashingEmbedder()) as index:
        index_folder(index, tmp_path / "a.txt")
        retriever = index.as_retriever()
    uses: list[Callable[[], object]] = [
        lambda: index.search("mill"), lambda: index.search("a", where="size>0"), lambda: index.document_text("a.txt"),
        lambda: index.chunk_count, lambda: index.file_count, index.paths, lambda: retriever.invoke("mill"),
        lambda: index_folder(index, tmp_path / "a.txt"), index.rebuild, lambda: index.forget("a.txt"),
        lambda: index.is_dirty,
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(IndexingError, match="the index mill is closed: open it again"):
            use()


def test_an_index_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The mill grinds.")
    monkeypatch.chdir(tmp_path)
    with Index.open("mill", embedder=HashingEmbedder()) as index:
        monkeypatch.chdir("docs")
        assert index_folder(index, ".").added == 1
        assert index.verify().problems == ()
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("place", ["file", "file/inner"])
def test_a_file_in_the_place_of_an_index_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match=f"no index can be made in .*{place}: "):
        Index.open(tmp_path / place, embedder=HashingEmbedder())


@pytest.mark.parametrize("k", [0, -1])
def test_a_search_for_no_passages_is_an_error(tmp_path: Path, k: int) -> None:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        with pytest.raises(ValueError, match=f"k is {k}: give 1 or more"):
            index.search("fox", k=k)
        with pytest.raises(ValueError, match="greater than or equal to 1"):
            index.as_retriever(k=k)


def test_an_empty_path_is_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="an empty path"):
        Index.open("", embedder=HashingEmbedder())
    assert list(tmp_path.iterdir()) == []
