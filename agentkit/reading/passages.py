"""What a question is answered from: retrieved passages, numbered, and the places that quotes of them stand at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from langchain_core.documents import Document
from rapidfuzz import fuzz

from agentkit.chunkers import page_at
from agentkit.results import Citation, PassageUse

_SMALLEST_LIKENESS = 85.0
"""Of 100: below it a quote that is not verbatim is taken as made up (normalised Indel similarity)."""
_WRAPPED_FORMATS = {"pdf", "text", "markdown"}
_SHORTEST_REPAIRABLE = 12
"""Characters: a shorter quote that is not verbatim is like too many places."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document, and the number that the prompt gives it."""

    number: int
    path: str
    page: int | None
    start: int
    """Of the text in its document."""
    text: str
    heading: str = ""
    is_wrapped: bool = False
    """True where a sentence can go on in the next line: in prose whose lines were broken to fit a page."""
    page_offsets: tuple[int, ...] = ()
    """Where the document's pages start, for a passage that runs over a page's end."""

    @classmethod
    def of(cls, number: int, document: Document) -> Self:
        """From what a retriever gives. A foreign retriever's document is its own text, with its `source` as path."""
        known = document.metadata
        page, start = known.get("page"), known.get("start")
        if isinstance(page, int) and "total_pages" in known:  # by LangChain's loaders of PDFs, which count from 0
            page += 1
        return cls(
            number=number,
            path=str(known.get("path") or known.get("source") or f"passage {number}"),
            page=page,
            start=start if isinstance(start, int) else 0,
            text=document.page_content,
            heading=" › ".join(known.get("heading_path") or ()),
            is_wrapped=known.get("format") in _WRAPPED_FORMATS,
            page_offsets=tuple(known.get("page_offsets") or ()),
        )

    @property
    def label(self) -> str:
        """Where it stands, for the model."""
        place = f"{self.path}, page {self.page}" if self.page else self.path
        return f"{place} ({self.heading})" if self.heading else place

    def render(self) -> str:
        """As it stands in the prompt."""
        return f"[{self.number}] {self.label}\n{self.text.strip()}"

    def cite(self, quote: str) -> Citation | None:
        """Where `quote` stands in the document; None where it does not stand in this passage.

        White space around it does not count. A quote that is nearly verbatim is repaired to the true words.
        """
        quote = quote.strip()
        if not quote:
            return None
        at = self.text.find(quote)
        length = len(quote)
        if at < 0:
            found = self._nearest(quote)
            if found is None:
                return None
            at, length = found
        true_quote = self.text[at : at + length]
        start = self.start + at
        return Citation(self.path, self._page_of(start), start, start + length, true_quote, self.heading)

    def use(self, tokens: int, *, is_included: bool) -> PassageUse:
        """What the answer says became of this passage."""
        return PassageUse(self.path, self.start, self.start + len(self.text), tokens, is_included)

    def _nearest(self, quote: str) -> tuple[int, int] | None:
        """Offset and length of the words most like `quote`, where they are like enough."""
        if len(quote) < _SHORTEST_REPAIRABLE or len(quote) > len(self.text):
            return None
        aligned = fuzz.partial_ratio_alignment(quote, self.text, score_cutoff=_SMALLEST_LIKENESS)
        if aligned is None:
            return None
        start, end = aligned.dest_start, aligned.dest_end
        while 0 < start < len(self.text) and self.text[start - 1].isalnum() and self.text[start].isalnum():
            start -= 1
        while 0 < end < len(self.text) and self.text[end - 1].isalnum() and self.text[end].isalnum():
            end += 1
        words = self.text[start:end]
        return start + len(words) - len(words.lstrip()), len(words.strip())

    def _page_of(self, start: int) -> int | None:
        return page_at(self.page_offsets, start) or self.page


def fit_passages(
    passages: Sequence[Passage], room_tokens: int | None, count_tokens: Callable[[str], int]
) -> tuple[list[Passage], list[PassageUse]]:
    """The best passages that together fit into `room_tokens` (None: no limit known), and what became of each.

    Passages come best first; one that does not fit is left out, and a shorter one after it may still go in.
    """
    included, uses, left = [], [], room_tokens
    for passage in passages:
        tokens = count_tokens(passage.render())
        is_included = left is None or tokens <= left
        if is_included:
            included.append(passage)
            left = None if left is None else left - tokens
        uses.append(passage.use(tokens, is_included=is_included))
    return included, uses
