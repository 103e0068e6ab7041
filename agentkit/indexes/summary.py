"""What can be said of an index without its embedder: for lists, for `doctor`, and to find a citation's file."""

import json
import os
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from agentkit.errors import IndexDamagedError, IndexMismatchError, IndexUnreadableError
from agentkit.indexes.catalog import CATALOG_NAME, VECTORS_NAME, Catalog
from agentkit.indexes.lock import current_writer


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """An index at a glance."""

    name: str
    directory: Path
    sources: tuple[str, ...] = ()
    """The folders and files that were indexed."""
    file_count: int = 0
    skipped_count: int = 0
    chunk_count: int = 0
    size_bytes: int = 0
    """On the disk, vectors included."""
    embedder: str = ""
    chunker: str = ""
    is_dirty: bool = False
    """True where a sync is running or was interrupted."""
    writer: str = ""
    """Who is writing the index now; empty where nobody is."""
    problem: str = ""
    """Why the index cannot be read; empty where it can."""
    is_damaged: bool = False


def is_index(directory: Path) -> bool:
    """True where the folder holds an index, also one that has lost its catalog."""
    return (directory / CATALOG_NAME).is_file() or (directory / VECTORS_NAME).is_dir()


def summarise_index(directory: Path) -> IndexSummary:
    """The summary of the index in `directory`. One that is damaged or unreadable has a `problem`."""
    try:
        with closing(Catalog(directory / CATALOG_NAME)) as catalog:
            return IndexSummary(
                name=directory.name,
                directory=directory,
                sources=tuple(sorted(catalog.roots())),
                file_count=catalog.file_count(),
                skipped_count=catalog.skipped_count(),
                chunk_count=catalog.chunk_count(),
                size_bytes=_size(directory),
                embedder=_name(catalog.fact("embedder")),
                chunker=_name(catalog.fact("chunker")),
                is_dirty=catalog.is_dirty,
                writer=current_writer(directory) or "",
            )
    except (IndexDamagedError, IndexMismatchError, IndexUnreadableError) as error:
        return IndexSummary(
            directory.name,
            directory,
            size_bytes=_size(directory),
            problem=str(error),
            is_damaged=isinstance(error, IndexDamagedError),
        )


def source_file(directory: Path, path: str) -> Path | None:
    """The file on this machine that the index knows as `path`; None where it is no longer there."""
    with closing(Catalog(directory / CATALOG_NAME)) as catalog:
        rows = catalog.rows("SELECT source, prefix FROM files JOIN roots USING (source) WHERE path = ?", (path,))
    file = place_of(path, *rows[0]) if rows else None
    return file if file and file.is_file() else None


def place_of(path: str, source: str, prefix: str) -> Path:
    """Where the file is that the index knows as `path`, of a root and what its files' paths begin with."""
    root = Path(source)
    return root if root.is_file() else root / path.removeprefix(prefix).lstrip("/")


def _name(fact: str | None) -> str:
    return str(json.loads(fact)["name"]) if fact else ""


def _size(directory: Path) -> int:
    """Of its files, without those that go meanwhile, as a writer's do."""
    size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                size += Path(folder, name).stat().st_size
    return size
