"""How a process that loads documents is to cut them: the limits, and the embedder's tokenizer as a file."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from agentkit.chunkers import Chunk, ChunkLimits, chunk_document
from agentkit.tokens import load_tokenizer


@dataclass(frozen=True)
class Chunking:
    """What `chunk_document` needs, in a form that another process can be told."""

    tokenizer: Path
    limits: ChunkLimits

    def chunks(self, document: Document) -> list[Chunk]:
        """As `chunk_document`."""
        return chunk_document(document, self.limits, self._count_tokens)

    def to_json(self) -> str:
        return json.dumps({"tokenizer": str(self.tokenizer), "limits": asdict(self.limits)})

    @classmethod
    def from_json(cls, text: str) -> "Chunking":
        told = json.loads(text)
        return cls(Path(told["tokenizer"]), ChunkLimits(**told["limits"]))

    def _count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    @cached_property
    def _tokenizer(self) -> Any:  # Any: tokenizers has no types
        return load_tokenizer(self.tokenizer)
