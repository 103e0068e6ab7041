"""How the contents of an index look: tables on stdout, and the shape of `--json`."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agentkit.cli._render import human_bytes, print_table

if TYPE_CHECKING:
    from agentkit.indexes.contents import IndexContents

_STALE_SHOWN = 20
_BAR_COLUMNS = 40


def contents_as_json(contents: "IndexContents") -> dict[str, Any]:  # Any: whatever JSON holds
    """Beside the summary. Lengths count characters."""
    return {
        "source_bytes": contents.source_bytes,
        "text_chars": contents.text_chars,
        "formats": [asdict(share) for share in contents.formats],
        "largest": [asdict(file) for file in contents.largest],
        "stale": [asdict(file) for file in contents.stale],
        "chunk_lengths": [asdict(count) for count in contents.lengths],
        "gone_sources": list(contents.gone_sources),
        "patterns": {source: asdict(patterns) for source, patterns in contents.patterns},
    }


def print_contents(contents: "IndexContents") -> None:
    """Formats, largest files, how long the chunks are, and the files that are not as they were indexed."""
    if not contents.formats:
        return
    formats = [(each.format, each.files, human_bytes(each.bytes), each.chunks) for each in contents.formats]
    _print("Formats", ("format", "files", "size", "chunks"), formats)
    largest = [(each.path, human_bytes(each.bytes), each.chunks) for each in contents.largest]
    _print("Largest files", ("file", "size", "chunks"), largest)
    most = max(each.chunks for each in contents.lengths)
    bars = [
        (f"{each.least:,} to {each.below - 1:,}", each.chunks, "█" * max(1, round(_BAR_COLUMNS * each.chunks / most)))
        for each in contents.lengths
    ]
    _print("Chunks by their length", ("characters", "chunks", ""), bars)
    if contents.stale:
        stale = [(each.path, each.reason) for each in contents.stale[:_STALE_SHOWN]]
        if len(contents.stale) > _STALE_SHOWN:
            stale.append((f"and {len(contents.stale) - _STALE_SHOWN} more, which --json lists", ""))
        _print(f"Not as they were indexed ({len(contents.stale)})", ("file", "is"), stale)


def _print(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:  # Any: numbers and text
    print()
    print_table(title, columns, rows, sys.stdout)
