"""Documents to chunks: spans of the text that are short enough to embed and long enough to make sense."""

from agentkit.chunkers.chunk import Chunk, ChunkLimits
from agentkit.chunkers.chunker import CHUNKER_NAME, chunk_document
from agentkit.chunkers.pages import page_at

__all__ = ["CHUNKER_NAME", "Chunk", "ChunkLimits", "chunk_document", "page_at"]
