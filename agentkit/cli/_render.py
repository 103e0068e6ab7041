"""How results look: with Rich on a terminal, as plain lines everywhere else.

Text from documents and models goes in as `Text`, never as markup, and neutralised. On a terminal a source is a link
where that works; elsewhere nothing is cut to the width of a screen that is not there.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from agentkit.cli._terminal import is_terminal, neutralise, neutralise_line, supports_links, uses_colour
from agentkit.results import Answer, Citation, Hit, Verdict

SourceFinder = Callable[[str], Path | None]
"""From a path as the index knows it to the file; None where it is no longer there."""

_PASSAGE_LINES = 6
"""Lines of a passage that `search` shows on a terminal; the whole passage is in `--json` and in plain output."""


def console_for(stream: TextIO) -> Console:
    """A console that marks nothing up by itself and obeys NO_COLOR."""
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        no_color=not uses_colour(stream),
        force_terminal=is_terminal(stream),
        soft_wrap=not is_terminal(stream),
    )


def print_sources(answer: Answer, find: SourceFinder, stream: TextIO) -> None:
    """The quotes of an answer, numbered, each with where it stands."""
    console = console_for(stream)
    if not answer.citations:
        return
    console.print()
    console.print(Text("Sources", style="bold"))
    for number, citation in enumerate(answer.citations, start=1):
        console.print(_source_line(number, citation, find, stream))
        quote = Text(f"“{neutralise_line(' '.join(citation.quote.split()))}”", style="italic")
        console.print(_indented(quote, 4, stream))


def print_unsupported(answer: Answer, stream: TextIO) -> None:
    """The sentences of an answer that the passages do not bear out, each with what is wrong with it."""
    console = console_for(stream)
    for claim in answer.unsupported:
        why = "contradicted by the passages" if claim.verdict is Verdict.CONTRADICTED else "not in the passages"
        missing = f" ({', '.join(claim.missing)})" if claim.missing else ""
        shown = Text.assemble((f"✗ {why}{neutralise_line(missing)}: ", "bold red"), f"“{neutralise_line(claim.text)}”")
        console.print(shown)


def print_hits(hits: Sequence[Hit], find: SourceFinder, stream: TextIO) -> None:
    """The passages of a search, best first."""
    console = console_for(stream)
    for hit in hits:
        line = _place(hit.path, hit.page, _heading(hit), find, stream)
        line = Text.assemble((f"{hit.rank:>2}  ", "bold"), line, (f"  {hit.score:.3f}", "dim"))
        console.print(line)
        console.print(_indented(Text(_shortened(neutralise(hit.text), stream)), 4, stream))
        console.print()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], stream: TextIO) -> None:
    """A table; numbers stand to the right. Plain output has the columns in line and no frame."""
    cells = [[neutralise_line(str(cell)) for cell in row] for row in rows]
    is_number = [bool(rows) and all(isinstance(row[at], int | float) for row in rows) for at in range(len(columns))]
    if is_terminal(stream):
        table = Table(title=title or None, title_justify="left", header_style="bold")
        for name, is_right in zip(columns, is_number, strict=True):
            table.add_column(name, justify="right" if is_right else "left", overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        console_for(stream).print(table)
        return
    widths = [max(len(line[at]) for line in [list(columns), *cells]) for at in range(len(columns))]
    for line in [list(columns), *cells]:
        parts = [
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(line, widths, is_number, strict=True)
        ]
        print("  ".join(parts).rstrip(), file=stream)


def human_bytes(count: int) -> str:
    """`1117320768` -> `1.1 GB`, in powers of ten as disks are sold."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _source_line(number: int, citation: Citation, find: SourceFinder, stream: TextIO) -> Text:
    place = _place(citation.path, citation.page, citation.heading, find, stream)
    return Text.assemble((f"[{number}] ", "bold"), place)


def _place(path: str, page: int | None, heading: str, find: SourceFinder, stream: TextIO) -> Text:
    """`guide.pdf, page 3 · Installation › Power`, with a link to the file where the terminal makes links."""
    link = _link(path, page, find) if supports_links(stream) else None
    line = Text(neutralise_line(path), style=Style(color="cyan", link=link))
    if page:
        line.append(f", page {page}")
    if heading:
        line.append(f" · {neutralise_line(heading)}", style="dim")
    return line


def _link(path: str, page: int | None, find: SourceFinder) -> str | None:
    file = find(path)
    return None if file is None else file.absolute().as_uri() + (f"#page={page}" if page else "")


def _heading(hit: Hit) -> str:
    return " › ".join(hit.metadata.get("heading_path") or ())


def _indented(text: Text, columns: int, stream: TextIO) -> Padding | Text:
    if is_terminal(stream):
        return Padding(text, (0, 0, 0, columns))
    text.plain = "\n".join(" " * columns + line if line else "" for line in text.plain.splitlines())
    return text


def _shortened(text: str, stream: TextIO) -> str:
    lines = text.strip().splitlines()
    if not is_terminal(stream) or len(lines) <= _PASSAGE_LINES:
        return "\n".join(lines)
    return "\n".join([*lines[:_PASSAGE_LINES], f"… ({len(lines) - _PASSAGE_LINES} more lines)"])
