"""Pages of a document as offsets into its text."""

from bisect import bisect_right
from collections.abc import Sequence


def page_at(page_offsets: Sequence[int], offset: int) -> int | None:
    """The page, counted from 1, that the character at `offset` stands on; None for a format without pages.

    >>> page_at([0, 120, 300], 120)
    2
    """
    return max(1, bisect_right(page_offsets, offset)) if page_offsets else None
