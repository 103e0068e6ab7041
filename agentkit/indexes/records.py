"""Rows of the catalog as Python values."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

from agentkit.chunkers import Chunk
from agentkit.chunkers.context import context_of, with_context


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells, without reading a file, that it is the one that was read before."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that the index holds, or that it tried to and skipped."""

    path: str
    stamp: FileStamp
    sha256: str = ""
    skip_reason: str = ""
    loader: str = ""
    """What read it (`loaders.loader_of`)."""


@dataclass(frozen=True, slots=True)
class SkipRecord:
    """A file that is not indexed, and why."""

    source: str
    stamp: FileStamp
    """Of no file, `FileStamp(0, 0)`, where the next sync is to try again."""
    reason: str
    loader: str = ""
    """What refused it; empty where nothing tried."""


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """A chunk as the catalog keeps it: a span of a file's text, and the hash of what is embedded for it."""

    id: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    text_hash: str

    @classmethod
    def of(cls, path: str, chunk: Chunk, document: Document) -> "ChunkRecord":
        searched = searched_text(document.metadata, document.page_content, chunk)
        return cls(chunk_id(path, chunk), chunk.start, chunk.end, chunk.heading_path, text_hash(searched))


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was read: its text and its chunks."""

    path: str
    source: str
    stamp: FileStamp
    sha256: str
    metadata: dict[str, Any]
    text: str
    chunks: tuple[ChunkRecord, ...]
    loader: str
    """What read it (`loaders.loader_of`)."""

    @classmethod
    def of(
        cls, path: str, source: str, stamp: FileStamp, sha256: str, document: Document, chunks: list[Chunk], loader: str
    ) -> "FileRecord":
        records = tuple(ChunkRecord.of(path, chunk, document) for chunk in chunks)
        return cls(path, source, stamp, sha256, dict(document.metadata), document.page_content, records, loader)


def chunks_to_json(chunks: Iterable[ChunkRecord]) -> str:
    """Chunks as the catalog keeps those that are not published."""
    rows = [[c.id, c.start, c.end, list(c.heading_path), c.text_hash] for c in chunks]
    return json.dumps(rows, ensure_ascii=False)


def chunks_from_json(text: str) -> tuple[ChunkRecord, ...]:
    """The inverse of `chunks_to_json`."""
    return tuple(ChunkRecord(i, start, end, tuple(path), digest) for i, start, end, path, digest in json.loads(text))


def searched_text(metadata: Mapping[str, Any], text: str, chunk: Chunk | ChunkRecord) -> str:
    """What is embedded and searched by words for a chunk of a document's `text`: its words after their context."""
    context = context_of(metadata, text, chunk.start, chunk.heading_path)
    return with_context(context, text[chunk.start : chunk.end])


def is_covered(text: str, chunks: Iterable[ChunkRecord]) -> bool:
    """True where all of a text but white space is in a chunk, as chunkers leave it; chunks in the text's order."""
    covered = 0
    for chunk in chunks:
        if text[covered : chunk.start].strip():
            return False
        covered = max(covered, chunk.end)
    return not text[covered:].strip()


def chunk_id(path: str, chunk: Chunk) -> str:
    """Hash of path, span and text (design.md, invariant 2): the same chunk has the same id in every sync."""
    key = json.dumps([path, chunk.start, chunk.end, chunk.text], ensure_ascii=False)
    return hashlib.blake2b(key.encode("utf-8"), digest_size=16).hexdigest()


def text_hash(text: str) -> str:
    """The key that an embedding is kept under, so that the same text is embedded once."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()
