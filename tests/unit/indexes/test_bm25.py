"""Our BM25 is SQLite's."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.indexes.bm25 import PLACES, KeywordScorer
from agentkit.indexes.schema import TOKENIZER

_WORDS = (
    "the",
    "running",
    "runs",
    "TG-210",
    "caf\u00e9",
    "\u00e9t\u00e9",
    "read_file",
    "3.4",
    "tide",
    "mill",
    "mills",
    "!!",
)
_TEXTS = st.lists(st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join), min_size=1, max_size=12)
_PHRASES = st.lists(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=5)


@given(texts=_TEXTS, phrases=_PHRASES)
def test_scores_are_those_of_fts5(texts: list[str], phrases: list[str]) -> None:
    connection = _index(texts)
    query = " OR ".join(f'"{phrase}"' for phrase in phrases)
    expected = dict(
        connection.execute("SELECT rowid, -bm25(chunks_fts) FROM chunks_fts WHERE chunks_fts MATCH ?", (query,))
    )
    found = dict(_scorer(connection).ranking(query, "1", count=99, within=None))
    assert found == pytest.approx(expected, rel=1e-9)


def test_only_the_chunks_asked_for_and_the_best_of_them_are_given() -> None:
    scorer = _scorer(_index(["tide mill", "tide", "tide tide mill", "stone"]))
    assert [number for number, _ in scorer.ranking('"tide" OR "mill"', "1", count=1, within=None)] == [3]
    assert {number for number, _ in scorer.ranking('"tide"', "1", count=9, within=[2, 4])} == {2}
    assert scorer.ranking("", "1", count=9, within=None) == []


def test_a_new_generation_is_read_again() -> None:
    connection = _index(["tide mill"])
    scorer = _scorer(connection)
    assert scorer.frequencies(["tide", "stone"], "1") == {"tide": 1, "stone": 0}
    connection.execute("INSERT INTO chunks_fts (rowid, text) VALUES (7, 'a tide of stone')")
    assert scorer.frequencies(["tide", "stone"], "2") == {"tide": 2, "stone": 1}
    assert {number for number, _ in scorer.ranking('"tide"', "2", count=9, within=None)} == {1, 7}


def _index(texts: list[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE chunks_fts USING fts5 (text, tokenize = '{TOKENIZER}')")
    connection.execute("CREATE VIRTUAL TABLE chunks_vocabulary USING fts5vocab (chunks_fts, row)")
    connection.executemany("INSERT INTO chunks_fts (rowid, text) VALUES (?, ?)", enumerate(texts, start=1))
    connection.execute(PLACES)
    return connection


def _scorer(connection: sqlite3.Connection) -> KeywordScorer:
    return KeywordScorer(lambda query, values: connection.execute(query, values).fetchall())
