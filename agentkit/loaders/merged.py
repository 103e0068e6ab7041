"""Rows of cells, some of which are merged, to rows that have a text for each of their columns.

A cell that is merged across is written once, at its first column, and one that is merged down in each of its rows: so
every row can be read on its own, below the right columns. Left out: columns that a hostile table says it has.
"""

from collections.abc import Iterable, Iterator

WIDEST = 100
"""Columns that a cell takes."""
_MOST_REPEATED = 100_000
"""Characters of a table: a real one repeats a few names."""

Cell = tuple[str, int, int]
"""Text, columns and rows; what it covers is no cell of its own."""


def unmerged(rows: Iterable[Iterable[Cell]]) -> Iterator[list[str]]:
    """The texts of each row.

    >>> list(unmerged([[("a", 1, 2), ("b", 2, 1)], [("c", 1, 1), ("d", 1, 1)]]))
    [['a', 'b', ''], ['a', 'c', 'd']]
    """
    above: dict[int, tuple[str, int]] = {}
    repeated = 0
    for row in rows:
        texts: list[str] = []
        below: dict[int, tuple[str, int]] = {}
        for text, columns, height in row:
            _take(above, below, texts)
            for shown in (text, *[""] * (min(columns, WIDEST) - 1)):
                if height > 1:
                    below[len(texts)] = (shown, height - 1)
                texts.append(shown)
        while above:
            _take(above, below, texts)
            if above:
                texts.append("")
        repeated += sum(len(text) for text, _ in below.values())
        above = below if repeated <= _MOST_REPEATED else {}
        yield texts


def _take(above: dict[int, tuple[str, int]], below: dict[int, tuple[str, int]], texts: list[str]) -> None:
    """What cells above put at the next columns of a row."""
    while (column := len(texts)) in above:
        text, rows = above.pop(column)
        if rows > 1:
            below[column] = (text, rows - 1)
        texts.append(text)
