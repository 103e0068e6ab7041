"""Indexes: what was read, how it is found again, and the guarantee that nothing of it is lost."""

from agentkit.indexes.index import Index
from agentkit.indexes.records import FileRecord, FileStamp, KnownFile
from agentkit.indexes.writer import IndexWriter

__all__ = ["FileRecord", "FileStamp", "Index", "IndexWriter", "KnownFile"]
