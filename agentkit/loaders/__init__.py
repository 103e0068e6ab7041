"""Files to documents: which files of a folder are read, and the text of each."""

from agentkit.loaders.chunking import Chunking
from agentkit.loaders.digest import file_digest
from agentkit.loaders.load import load_document, register_loader, supported_suffixes
from agentkit.loaders.patterns import PathPatterns
from agentkit.loaders.walk import FileEntry, walk
from agentkit.loaders.worker import LoadingWorker

__all__ = [
    "Chunking",
    "FileEntry",
    "LoadingWorker",
    "PathPatterns",
    "file_digest",
    "load_document",
    "register_loader",
    "supported_suffixes",
    "walk",
]
