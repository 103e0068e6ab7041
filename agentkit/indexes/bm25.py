"""BM25 over the keyword index: what FTS5's own `bm25()` gives, computed for all passages at once.

FTS5 scores row by row, 2 microseconds for each that holds one of the words: 100 ms among 100,000 chunks. Here the
places of a word come as one list, an eighth of that, and numpy does the rest. Robertson and Zaragoza 2009; the
constants and the least idf are those of SQLite's fts5_aux.c, and the scores are equal to the last digits.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.indexes.schema import TOKENIZER

PLACES = "CREATE VIRTUAL TABLE temp.chunk_words USING fts5vocab ('main', 'chunks_fts', 'instance')"
"""What a connection must have run: where in which chunk each word stands."""
_K1, _B = 1.2, 0.75
_LEAST_IDF = 1e-6
_OFFSET_BITS = 20
"""A word's place is a chunk's number and, in so many bits, how many words stand before it there."""
_MOST_KEPT = 4_000_000
"""Chunks that are kept with what a phrase is worth there, for the next query, which often has it too: 48 MB."""

Worth = tuple[NDArray[np.int32], NDArray[np.float64]]
"""The chunks that hold a phrase, and what it adds to the score of each."""
Rows = Callable[[str, tuple[Any, ...]], list[Any]]
"""Runs a query of the catalog."""


class KeywordScorer:
    """The keyword index of a catalog, one generation at a time."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._generation = ""
        self._sizes = np.empty(0)
        """Words of each chunk, by its number."""
        self._total = 0
        self._mean_size = 0.0
        self._frequencies: dict[str, int] = {}
        self._kept: dict[tuple[str, ...], Worth] = {}
        self._kept_chunks = 0

    def ranking(
        self, query: str, generation: str, *, count: int, within: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        """Numbers of chunks with their score, best first, at least `count` where so many hold a word; more where the
        last of them are equal. `query` is quoted phrases joined by OR.
        """
        self._turn_to(generation)
        scores = np.zeros(len(self._sizes))
        for words in _tokens(re.findall(r'"([^"]*)"', query)).values():
            chunks, worth = self._worth(tuple(words))
            scores[chunks] += worth
        if within is not None:
            scores[np.setdiff1d(np.arange(len(scores)), np.array(within, dtype=np.int64), assume_unique=True)] = 0.0
        found = np.flatnonzero(scores)
        if count < len(found):
            found = found[scores[found] >= np.partition(scores[found], -count)[-count]]
        return [(int(number), float(scores[number])) for number in found[np.argsort(-scores[found])]]

    def frequencies(self, stems: Iterable[str], generation: str) -> dict[str, int]:
        """In how many chunks each stem occurs."""
        self._turn_to(generation)
        wanted = list(stems)
        missing = json.dumps([stem for stem in wanted if stem not in self._frequencies])
        query = "SELECT term, doc FROM chunks_vocabulary WHERE term IN (SELECT value FROM json_each(?))"
        self._frequencies |= dict.fromkeys(json.loads(missing), 0) | dict(self._rows(query, (missing,)))
        return {stem: self._frequencies[stem] for stem in wanted}

    def _turn_to(self, generation: str) -> None:
        if generation == self._generation:
            return
        sizes = self._rows("SELECT id, sz FROM chunks_fts_docsize ORDER BY id", ())
        self._sizes = np.zeros(sizes[-1][0] + 1 if sizes else 0)
        for number, size in sizes:
            self._sizes[number] = _varint(size)
        self._total = len(sizes)
        self._mean_size = float(self._sizes.sum()) / max(1, self._total)
        self._frequencies, self._kept, self._kept_chunks = {}, {}, 0
        self._generation = generation

    def _worth(self, words: tuple[str, ...]) -> Worth:
        worth = self._kept.get(words)
        if worth is None:
            worth = self._weigh(self._chunks_of(words))
            if self._kept_chunks > _MOST_KEPT:
                self._kept, self._kept_chunks = {}, 0
            self._kept[words] = worth
            self._kept_chunks += len(worth[0])
        return worth

    def _weigh(self, each: NDArray[np.int64]) -> Worth:
        """`each`: the chunk of every place where a phrase stands, ascending."""
        begins = np.flatnonzero(np.diff(each, prepend=-1))
        chunks, held = each[begins], np.diff(begins, append=len(each))
        idf = max(float(np.log((self._total - len(chunks) + 0.5) / (len(chunks) + 0.5))), _LEAST_IDF)
        length = self._sizes[chunks] / self._mean_size
        worth = idf * (held * (_K1 + 1.0) / (held + _K1 * (1 - _B + _B * length)))
        return chunks.astype(np.int32), worth

    def _chunks_of(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The chunk of every place where the phrase stands, ascending."""
        if len(words) == 1:
            return self._numbers("doc", words[0])
        each = [self._numbers(f"doc << {_OFFSET_BITS} | offset", word) - at for at, word in enumerate(words)]
        begins = reduce(lambda left, right: np.intersect1d(left, right, assume_unique=True), each)
        return begins >> _OFFSET_BITS

    def _numbers(self, place: str, word: str) -> NDArray[np.int64]:
        """`place`, an expression, of each place of a word. One text for all of them is read 4 times as fast as rows."""
        query = f"SELECT group_concat({place}) FROM temp.chunk_words WHERE term = ?"  # noqa: S608
        numbers = self._rows(query, (word,))[0][0]
        return np.fromstring(numbers, dtype=np.int64, sep=",") if numbers else np.empty(0, np.int64)


def stems_of(words: Iterable[str]) -> dict[str, str]:
    """Each word as the keyword index has it; those that it has not are left out."""
    listed = list(words)
    return {listed[number]: tokens[0] for number, tokens in _tokens(listed).items()}


def _tokens(phrases: Sequence[str]) -> dict[int, list[str]]:
    """The words of each phrase as the keyword index has them, by the phrase's number; none for one without any."""
    words: dict[int, list[str]] = {}
    with _cutting_lock:
        _cutting.execute("BEGIN")
        try:
            _cutting.executemany("INSERT INTO phrases (rowid, text) VALUES (?, ?)", enumerate(phrases))
            for number, word in _cutting.execute("SELECT doc, term FROM words ORDER BY doc, offset"):
                words.setdefault(number, []).append(word)
        finally:
            _cutting.execute("ROLLBACK")
    return words


def _varint(size: bytes) -> int:
    """SQLite's number of variable length: seven bits a byte."""
    return reduce(lambda number, byte: number << 7 | byte & 0x7F, size, 0)


_cutting = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
"""Cuts phrases as the keyword index does, which only FTS5 itself knows."""
_cutting.execute(f"CREATE VIRTUAL TABLE phrases USING fts5 (text, tokenize = '{TOKENIZER}')")
_cutting.execute("CREATE VIRTUAL TABLE words USING fts5vocab (phrases, instance)")
_cutting_lock = threading.Lock()
