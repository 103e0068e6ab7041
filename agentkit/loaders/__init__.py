"""Files to documents: which files of a folder are read, and the text of each."""

from agentkit.loaders.load import load_document, supported_suffixes
from agentkit.loaders.pages import page_at
from agentkit.loaders.walk import FileEntry, walk

__all__ = ["FileEntry", "load_document", "page_at", "supported_suffixes", "walk"]
