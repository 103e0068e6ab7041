"""A document to chunks: the sections of its format, cut to size."""

from langchain_core.documents import Document

from agentkit.chunkers.chunk import Chunk, ChunkLimits, Section, TokenCounter
from agentkit.chunkers.code import code_sections
from agentkit.chunkers.markdown import markdown_sections
from agentkit.chunkers.recursive import cut_sections

CHUNKER_NAME = "sections-1"
"""What an index remembers its chunks were made by. Changes whenever the same text would give other chunks."""

_MARKDOWN_FORMATS = {"markdown", "html", "docx"}


def chunk_document(document: Document, limits: ChunkLimits, count_tokens: TokenCounter) -> list[Chunk]:
    """Chunks in the order of the text. Every character but white space is in at least one; no chunk is longer than
    the limits, and each is a span of the text (design.md, invariant 1).
    """
    text = document.page_content
    match document.metadata.get("format"):
        case form if form in _MARKDOWN_FORMATS:
            sections = markdown_sections(text)
        case "code":
            sections = code_sections(text, document.metadata.get("language", ""), max_chars=limits.max_chars)
        case _:
            sections = [Section(0, len(text))]
    return cut_sections(text, sections, limits, count_tokens)
