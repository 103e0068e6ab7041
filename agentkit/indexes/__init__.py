"""Indexes: what was read, how it is found again, and the guarantee that nothing of it is lost.

Names are imported when they are first used, so that indexes can be listed without loading what searches them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentkit.indexes.index import Index
    from agentkit.indexes.records import FileRecord, FileStamp, KnownFile
    from agentkit.indexes.writer import IndexWriter

_HOMES = {
    "FileRecord": "records",
    "FileStamp": "records",
    "Index": "index",
    "IndexWriter": "writer",
    "KnownFile": "records",
}

__all__ = ["FileRecord", "FileStamp", "Index", "IndexWriter", "KnownFile"]


def __getattr__(name: str) -> Any:  # Any: whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module 'agentkit.indexes' has no attribute {name!r}")
    return getattr(import_module(f"agentkit.indexes.{_HOMES[name]}"), name)
