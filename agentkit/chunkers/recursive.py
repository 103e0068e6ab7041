"""Cutting a span to size: at the coarsest boundary that lies in its later half, with overlap.

The boundaries are those of LangChain's RecursiveCharacterTextSplitter (paragraph, line, sentence, word, character);
here they are searched for in place, so that a chunk's offsets are exact whatever white space the text holds.
"""

import re
from collections.abc import Iterable, Iterator

from agentkit.chunkers.chunk import Chunk, ChunkLimits, Section, TokenCounter

_BOUNDARIES = tuple(re.compile(pattern) for pattern in (
    r"\n[ \t]*\n\s*", r"\n", r"[.!?…][\"')\]»”]*\s+|[。！？][」』”）]*\s*", r"\s+"
))  # fmt: skip
"""A cut is made after a match; coarsest first. Chinese and Japanese sentences end without a space."""


def cut_sections(
    text: str, sections: Iterable[Section], limits: ChunkLimits, count_tokens: TokenCounter
) -> list[Chunk]:
    """Every section as one chunk, or several where it is too long. Sections of white space give none."""
    return [
        Chunk(start, end, text[start:end], section.heading_path)
        for section in sections
        for start, end in _spans(text, section.start, section.end, limits, count_tokens)
    ]


def _spans(
    text: str, start: int, end: int, limits: ChunkLimits, count_tokens: TokenCounter
) -> Iterator[tuple[int, int]]:
    start, end = _trim(text, start, end)
    covered = start
    while start < end:
        cut = _fit(text, start, end, limits, count_tokens)
        if cut <= covered:  # the overlap and what is new do not fit together: leave the overlap out
            start = covered
            continue
        yield _trim(text, start, cut)
        if cut >= end:
            return
        covered = _skip_space(text, cut, end)
        start = _skip_space(text, _next_start(text, start, cut, limits), end)


def _fit(text: str, start: int, end: int, limits: ChunkLimits, count_tokens: TokenCounter) -> int:
    """The end of the longest good chunk that begins at `start`. Counts once where the first try fits, else a few times:
    each count tells how much shorter the next try must be.
    """
    longest = limits.max_chars
    while True:
        cut = end if end - start <= longest else _boundary(text, start + longest // 2, start + longest)
        tokens = count_tokens(text[slice(*_trim(text, start, cut))])
        if tokens <= limits.max_tokens or cut - start <= 1:
            return cut
        longest = max(1, min(cut - start - 1, int((cut - start) * limits.max_tokens / tokens * 0.95)))


def _boundary(text: str, lowest: int, highest: int) -> int:
    """Where to cut: after the last boundary of the coarsest kind within the range; its end where there is none."""
    for pattern in _BOUNDARIES:
        ends = [found.end() for found in pattern.finditer(text, lowest, highest)]
        if ends and ends[-1] > lowest:
            return ends[-1]
    return highest


def _next_start(text: str, start: int, cut: int, limits: ChunkLimits) -> int:
    """Where the next chunk begins: at the first boundary within the overlap; at the cut where there is none."""
    earliest = max(start + (cut - start) // 2, cut - limits.overlap_chars)
    for pattern in _BOUNDARIES[1:]:
        found = pattern.search(text, earliest, cut)
        if found and found.end() < cut:
            return found.end()
    return cut


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    start = _skip_space(text, start, end)
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _skip_space(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start
