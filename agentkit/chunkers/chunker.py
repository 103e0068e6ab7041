"""A document to chunks: the sections of its format, cut to size."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from agentkit.chunkers.chunk import Chunk, ChunkLimits, Section, TokenCounter
from agentkit.chunkers.code import code_sections
from agentkit.chunkers.context import context_of, with_context
from agentkit.chunkers.markdown import Heading, markdown_sections, sections_under
from agentkit.chunkers.outlines import FIND_HEADINGS
from agentkit.chunkers.recursive import cut_sections
from agentkit.chunkers.tables import with_table_headers
from agentkit.chunkers.terms import FIND_DEFINITIONS, with_terms

CHUNKER_NAME = "sections-7"
"""What an index remembers its chunks were made by. Changes whenever the same text would give other chunks."""

_MARKDOWN_FORMATS = frozenset({
    "markdown", "html", "docx", "pptx", "xlsx", "odt", "epub", "notebook",
})  # fmt: skip
_Metadata = Mapping[str, Any]  # Any: what loaders say of a document, which LangChain leaves open


def chunk_document(document: Document, limits: ChunkLimits, count_tokens: TokenCounter) -> list[Chunk]:
    """Chunks in the order of the text. Every character but white space is in at least one; no chunk is longer than
    the limits, with its context counted, and each is a span of the text (design.md, invariant 1).
    """
    text = document.page_content
    sections = with_table_headers(text, _sections(text, document.metadata, limits), max_chars=limits.max_chars)
    return [chunk for section in sections for chunk in _cut(document, section, limits, count_tokens)]


def _cut(document: Document, section: Section, limits: ChunkLimits, count_tokens: TokenCounter) -> list[Chunk]:
    """A section's chunks, each short enough to be embedded with what it is about before it."""
    text = document.page_content
    context = context_of(document.metadata, text, len(text), section.heading_path)
    return cut_sections(text, [section], limits, lambda body: count_tokens(with_context(context, body)))


def _sections(text: str, metadata: _Metadata, limits: ChunkLimits) -> list[Section]:
    form = metadata.get("format")
    sections = _sections_of(form, text, metadata, limits)
    if form in FIND_DEFINITIONS:
        return list(with_terms(text, sections, form, max_chars=limits.max_chars))
    return sections


def _sections_of(form: str | None, text: str, metadata: _Metadata, limits: ChunkLimits) -> list[Section]:
    match form:
        case form if form in _MARKDOWN_FORMATS:
            return markdown_sections(text)
        case form if form in FIND_HEADINGS:
            return sections_under(text, FIND_HEADINGS[form](text))
        case "code":
            return code_sections(text, metadata.get("language", ""), max_chars=limits.max_chars)
        case "pdf":
            marks = [(at, level, title) for at, level, title in metadata.get("outline", ()) if at < len(text)]
            return sections_under(text, (Heading(at, at, level, title) for at, level, title in marks))
        case "archive" | "mailbox":
            return list(_part_sections(text, metadata.get("parts", ()), limits))
        case _:
            return [Section(0, len(text))]


def _part_sections(text: str, parts: Sequence[_Metadata], limits: ChunkLimits) -> Iterator[Section]:
    """Of each part in turn, as its own format has them, below the part's name."""
    starts = [min(int(part["offset"]), len(text)) for part in parts]
    for part, start, end in zip(parts, starts, [*starts[1:], len(text)], strict=True):
        above = (part["name"],) if part.get("name") else ()
        for section in _sections(text[start:end], part, limits):
            yield Section(start + section.start, start + section.end, above + section.heading_path)
