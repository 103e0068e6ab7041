"""What a chunker makes and the limits that it keeps."""

from collections.abc import Callable
from dataclasses import dataclass

TokenCounter = Callable[[str], int]
"""Tokens of a text as the embedder counts them, its special tokens included."""
_LONGEST_TERM = 200


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """How long a chunk may be."""

    max_chars: int = 1000
    overlap_chars: int = 150
    """How much of a chunk's end the next one may repeat, so that no sentence is lost at a cut."""
    max_tokens: int = 256
    """By the embedder's count: what lies beyond its window would not be found."""

    def __post_init__(self) -> None:
        if self.max_chars < 1 or self.max_tokens < 1 or self.overlap_chars < 0:
            raise ValueError(f"{self}: max_chars and max_tokens must be at least 1, overlap_chars at least 0")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document: `document_text[start:end] == text`."""

    start: int
    end: int
    text: str
    heading_path: tuple[str, ...] = ()
    """Headings, or names of definitions, that the span stands under; outermost first."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document that belongs together, before it is cut to size."""

    start: int
    end: int
    heading_path: tuple[str, ...] = ()

    def under(self, term: str, start: int, end: int) -> "Section":
        """A part of it that explains a term: that is below its headings, 200 characters of it at most."""
        return Section(start, end, (*self.heading_path, term[:_LONGEST_TERM]))
