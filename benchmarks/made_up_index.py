"""An index of any size to measure queries by: real words of a folder's files, vectors that are made up.

Embedding 100,000 chunks takes an hour on two cores; a query's time does not depend on what the vectors mean.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from numpy.typing import NDArray

from agentkit.chunkers import ChunkLimits, chunk_document
from agentkit.embedders import Embedder, EmbedderIdentity
from agentkit.errors import DocumentError
from agentkit.indexes import FileRecord, FileStamp, Index
from agentkit.indexes.roots import Roots
from agentkit.loaders import load_document
from agentkit.loaders.load import loader_of

_DIMENSION = 384
_INNER = 24
"""Vectors of text lie near a surface of few dimensions; without that, all neighbours are equally far."""
_FILES_AT_ONCE = 200


class MadeUpEmbedder(Embedder):
    """Vectors drawn by the text's hash."""

    identity = EmbedderIdentity("made-up", "1", _DIMENSION)
    max_tokens = 256

    def __init__(self) -> None:
        self._surface = np.random.default_rng(0).standard_normal((_INNER, _DIMENSION)).astype(np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text) // 4

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts)
        inner = np.array([np.random.default_rng(seed).standard_normal(_INNER) for seed in seeds], dtype=np.float32)
        vectors = inner.reshape(-1, _INNER) @ self._surface
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_index(directory: Path, documents: Path, *, chunks: int) -> Index:
    """The index in `directory`, open; made of the files of `documents`, as often as it takes for so many chunks."""
    index = Index.open(directory, embedder=_EMBEDDER)
    if index.chunk_count:
        return index
    with index.writer() as writer:
        roots = Roots(writer.catalog, index.name)
        source = roots.place(documents).source
        roots.remember()
        batch: list[FileRecord] = []
        for record in _records(documents, source, chunks):
            batch.append(record)
            if len(batch) == _FILES_AT_ONCE:
                writer.stage(batch)
                batch = []
        writer.stage(batch)
        writer.publish(removed=(), skipped={}, restamped={})
    return index


def _records(documents: Path, source: str, chunks: int) -> Iterator[FileRecord]:
    """Every file as it is, then copies with other titles, so that no text is twice the same; cut at so many chunks."""
    left = chunks
    for path, document in _copies(documents):
        cut = chunk_document(document, ChunkLimits(), _EMBEDDER.count_tokens)[:left]
        yield FileRecord.of(path, source, FileStamp(1, 1), path, document, cut, loader_of(Path(path)))
        left -= len(cut)
        if not left:
            return


def _copies(documents: Path) -> Iterator[tuple[str, Document]]:
    loaded: list[tuple[str, Document]] = []
    for path in sorted(documents.rglob("*.html")):
        with suppress(DocumentError):
            loaded.append((path.relative_to(documents).as_posix(), load_document(path)))
            yield loaded[-1]
    for copy in count(1):
        for path, document in loaded:
            metadata = {**document.metadata, "title": f"Copy {copy} of {path}"}
            yield f"copy{copy}/{path}", Document(document.page_content, metadata=metadata)


_EMBEDDER = MadeUpEmbedder()
