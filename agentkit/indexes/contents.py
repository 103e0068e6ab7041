"""What an index is made of: its formats, largest files, lengths of chunks, and the files that have changed since."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agentkit.errors import IndexDamagedError, IndexUnreadableError
from agentkit.indexes.catalog import CATALOG_NAME, Catalog
from agentkit.indexes.roots import is_gone, remembered_patterns
from agentkit.indexes.summary import place_of
from agentkit.loaders import PathPatterns
from agentkit.loaders.load import is_current
from agentkit.loaders.walk import stamped_ns

_LARGEST_SHOWN = 5
_BAR_CHARS = 100
"""Width of the histogram's bars, in characters of a chunk."""


@dataclass(frozen=True, slots=True)
class FormatShare:
    """The files of one format."""

    format: str
    files: int
    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class LargeFile:
    """One of the largest files."""

    path: str
    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class StaleFile:
    """A file that the next sync would read again or remove."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LengthCount:
    """How many chunks have from `least` to below `below` characters."""

    least: int
    below: int
    chunks: int


@dataclass(frozen=True, slots=True)
class IndexContents:
    """An index looked at closely; everything is empty where its catalog cannot be read."""

    source_bytes: int = 0
    """Of the indexed files."""
    text_chars: int = 0
    formats: tuple[FormatShare, ...] = ()
    """Most files first."""
    largest: tuple[LargeFile, ...] = ()
    stale: tuple[StaleFile, ...] = ()
    """Changed or gone since they were indexed, or read differently now. Costs a `stat` a file; files that are new are
    not looked for.
    """
    lengths: tuple[LengthCount, ...] = ()
    """Chunks by their length in characters."""
    patterns: tuple[tuple[str, PathPatterns], ...] = ()
    """Source -> what is read of it, for those that not all is read of."""
    gone_sources: tuple[str, ...] = ()
    """Folders and files of the index that are no longer there."""


def index_contents(directory: Path) -> IndexContents:
    """The contents of the index in `directory`."""
    try:
        with closing(Catalog(directory / CATALOG_NAME)) as catalog:
            source_bytes, text_chars = catalog.rows(_SIZES)[0]
            return IndexContents(
                source_bytes=source_bytes,
                text_chars=text_chars,
                formats=tuple(FormatShare(*row) for row in catalog.rows(_FORMATS)),
                largest=tuple(LargeFile(*row) for row in catalog.rows(_LARGEST, (_LARGEST_SHOWN,))),
                stale=tuple(_stale_files(catalog)),
                lengths=tuple(
                    LengthCount(bar * _BAR_CHARS, (bar + 1) * _BAR_CHARS, count)
                    for bar, count in catalog.rows(_LENGTHS, (_BAR_CHARS,))
                ),
                patterns=tuple(
                    (source, each) for source, each in remembered_patterns(catalog).items() if each != PathPatterns()
                ),
                gone_sources=tuple(source for source in sorted(catalog.roots()) if is_gone(source)),
            )
    except (IndexDamagedError, IndexUnreadableError):
        return IndexContents()


_SIZES = "SELECT coalesce(sum(size), 0), coalesce(sum(length(text)), 0) FROM files"
_FORMATS = """
SELECT coalesce(json_extract(metadata, '$.format'), '') AS format, count(*), sum(size), sum(chunk_count) FROM (
    SELECT metadata, size, (SELECT count(*) FROM chunks WHERE chunks.path = files.path) AS chunk_count FROM files
) GROUP BY format ORDER BY count(*) DESC, format
"""
_LARGEST = """
SELECT path, size, (SELECT count(*) FROM chunks WHERE chunks.path = files.path) FROM files
ORDER BY size DESC, path LIMIT ?
"""
_LENGTHS = 'SELECT ("end" - start) / ?1 AS bar, count(*) FROM chunks GROUP BY bar ORDER BY bar'


def _stale_files(catalog: Catalog) -> Iterator[StaleFile]:
    prefixes = catalog.roots()
    rows = catalog.rows("SELECT path, source, size, mtime_ns, loader FROM files ORDER BY path")
    for path, source, size, mtime_ns, loader in rows:
        file = place_of(path, source, prefixes[source])
        try:
            status = file.stat()
        except OSError:
            yield StaleFile(path, "gone")
            continue
        if (status.st_size, stamped_ns(status)) != (size, mtime_ns):
            yield StaleFile(path, "changed")
        elif not is_current(loader, file):
            yield StaleFile(path, "read differently now")
