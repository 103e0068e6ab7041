"""A document to chunks: the sections of its format, cut to size."""

from langchain_core.documents import Document

from agentkit.chunkers.chunk import Chunk, ChunkLimits, Section, TokenCounter
from agentkit.chunkers.code import code_sections
from agentkit.chunkers.context import context_of, with_context
from agentkit.chunkers.markdown import markdown_sections
from agentkit.chunkers.recursive import cut_sections

CHUNKER_NAME = "sections-2"
"""What an index remembers its chunks were made by. Changes whenever the same text would give other chunks."""

_MARKDOWN_FORMATS = {"markdown", "html", "docx"}


def chunk_document(document: Document, limits: ChunkLimits, count_tokens: TokenCounter) -> list[Chunk]:
    """Chunks in the order of the text. Every character but white space is in at least one; no chunk is longer than
    the limits, with its context counted, and each is a span of the text (design.md, invariant 1).
    """
    text = document.page_content
    match document.metadata.get("format"):
        case form if form in _MARKDOWN_FORMATS:
            sections = markdown_sections(text)
        case "code":
            sections = code_sections(text, document.metadata.get("language", ""), max_chars=limits.max_chars)
        case _:
            sections = [Section(0, len(text))]
    return [chunk for section in sections for chunk in _cut(document, section, limits, count_tokens)]


def _cut(document: Document, section: Section, limits: ChunkLimits, count_tokens: TokenCounter) -> list[Chunk]:
    """A section's chunks, each short enough to be embedded with what it is about before it."""
    text = document.page_content
    context = context_of(document.metadata, text, len(text), section.heading_path)
    return cut_sections(text, [section], limits, lambda body: count_tokens(with_context(context, body)))
