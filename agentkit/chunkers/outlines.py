r"""Headings of reStructuredText, plain text, AsciiDoc, LaTeX and mail, found in the text as it is: quotes are verbatim.

reStructuredText: a title's rank is the order in which its underline (and overline) first occurs (docutils, "Sections").
AsciiDoc: `==` to `======`, outside of delimited blocks. LaTeX: `\part` to `\subparagraph`, outside of comments.
"""

import re
from collections.abc import Callable, Iterator

from agentkit.chunkers.markdown import Heading, headings

_LONGEST_TITLE = 200
_WIDEST_BLANK = 20
"""Of a blank line above a heading, with the line end before it."""
_RULE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_ASCIIDOC_BLOCK = re.compile(r"(?:-{4,}|\.{4,}|\+{4,}|/{4,}|={4,}|\*{4,}|_{4,}|```)[ \t]*$")
_ASCIIDOC_TITLE = re.compile(r"(={1,6})[ \t]+(\S.*)$")
_LATEX = re.compile(
    r"^(?P<before>[^%\n\\]{0,200})\\(?P<kind>part|chapter|(?:sub){0,2}section|(?:sub)?paragraph|title)\*?"
    r"(?:\[[^\]\n]{0,200}\])?\{(?P<title>(?:[^{}\n]|\n(?!\s*\n)|\{[^{}\n]*\}){0,400})\}",
    re.MULTILINE,
)
_LATEX_LEVELS = {
    "title": 1, "part": 2, "chapter": 3, "section": 4, "subsection": 5, "subsubsection": 6, "paragraph": 7,
    "subparagraph": 8,
}  # fmt: skip
_LATEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?\s*|\\\\(?:\[[^\]]*\])?|\\[,;:! ]|[{}~]")
_LATEX_SIGN = re.compile(r"\\([&%$#_])")


def rst_headings(text: str) -> Iterator[Heading]:
    """The titles of a reStructuredText document in order."""
    ranks: list[tuple[str, bool]] = []
    lines = [*_lines(text)]
    for (above_at, above, _), (at, title, _), (_, line, end) in zip(
        [(0, "", 0), *lines], lines, lines[1:], strict=False
    ):
        rule = _RULE.match(line)
        if not rule or not title.strip() or _RULE.match(title) or len(line.rstrip()) < len(title.rstrip()):
            continue
        over = _RULE.match(above)
        has_overline = bool(over and over[1] == rule[1])
        if title[:1].isspace() and not has_overline:
            continue
        kind = (rule[1], has_overline)
        if kind not in ranks:
            ranks.append(kind)
        yield Heading(above_at if has_overline else at, end, ranks.index(kind) + 1, title.strip()[:_LONGEST_TITLE])


def text_headings(text: str) -> Iterator[Heading]:
    """Underlined lines behind a blank one, as in manuals, change logs and files called README: ranked as in
    reStructuredText. A line between two of dashes or dots is a listing of AsciiDoc.
    """
    for heading in rst_headings(text):
        above = text[max(0, heading.start - _WIDEST_BLANK) : heading.start]
        is_apart = not above.strip() or re.search(r"\n[ \t]*\n\Z", above)
        if is_apart and text[heading.start] not in "-.":
            yield heading


def asciidoc_headings(text: str) -> Iterator[Heading]:
    """The titles of an AsciiDoc document in order."""
    block = ""
    for at, line, end in _lines(text):
        if _ASCIIDOC_BLOCK.match(line):
            mark = line.rstrip()
            block = "" if block == mark else block or mark
        elif not block and (found := _ASCIIDOC_TITLE.match(line)):
            yield Heading(at, end, len(found[1]), found[2].rstrip(" \t=")[:_LONGEST_TITLE])


def latex_headings(text: str) -> Iterator[Heading]:
    """The title and the sectioning commands of a LaTeX document in order."""
    for found in _LATEX.finditer(text):
        title = " ".join(_LATEX_COMMAND.sub(" ", _LATEX_SIGN.sub(r"\1", found["title"])).split())
        start = found.end("before")
        yield Heading(start, found.end(), _LATEX_LEVELS[found["kind"]], title[:_LONGEST_TITLE])


def mail_headings(text: str) -> Iterator[Heading]:
    """Those of Markdown that stand between blank lines, as the loader writes them. In what a sender typed `# ls` is a
    command, and the two dashes above a signature do not make a heading of a name.
    """
    for heading in headings(text):
        above, below = text[max(0, heading.start - 2) : heading.start], text[heading.end : heading.end + 1]
        if text[heading.start] == "#" and above in {"", "\n\n"} and below in {"", "\n"}:
            yield heading


FIND_HEADINGS: dict[str, Callable[[str], Iterator[Heading]]] = {
    "text": text_headings,
    "rst": rst_headings,
    "asciidoc": asciidoc_headings,
    "latex": latex_headings,
    "mail": mail_headings,
}
"""By the `format` of a document."""


def _lines(text: str) -> Iterator[tuple[int, str, int]]:
    """Start, content and end (its line end included) of each line."""
    at = 0
    for line in text.split("\n"):
        end = min(at + len(line) + 1, len(text))
        yield at, line, end
        at = end
