"""HTML to Markdown-flavoured text: headings, lists and tables keep their shape; navigation and scripts go.

What does not belong to the text is told in `boilerplate.py`.
"""

import re
import warnings
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag, XMLParsedAsHTMLWarning
from bs4.element import CData

from agentkit.errors import DocumentError
from agentkit.loaders.boilerplate import HEADINGS, is_boilerplate, is_in_admonition, menus, navigation_bars
from agentkit.loaders.merged import unmerged
from agentkit.loaders.packages import whole_number
from agentkit.loaders.text import SOFT_HYPHEN, codec_name, decode, normalize
from agentkit.loaders.writer import MarkdownWriter

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "details", "dialog", "div", "dl",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "legend", "main", "ol", "p",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_LONGEST_VALUE = 300
"""Characters of what stands on a line with its term."""
_NOTE_LINKS = frozenset({"noteref", "doc-noteref"})
_RAISED = re.compile(r"[-+\u2212]?\d{1,4}|[*†‡§]")
_MOST_TAGS = 1_000_000
"""Of start and end; an element takes about a kilobyte and 20 microseconds."""
_DEEPEST = 150
"""Levels; deeper ones are taken as their bare text. Each costs two frames of Python's thousand."""


def load_html(path: Path) -> tuple[str, str, str]:
    """As `html_document`, of a file."""
    return html_document(path.read_bytes())


def html_document(data: bytes, *, declared: str = "") -> tuple[str, str, str]:
    """Readable text, title ("" where there is none) and encoding of a page.

    `declared` is the encoding that it was sent with, which counts more than what it says itself.

    Raises:
        DocumentError: binary, empty, too many tags, or no text in it.
    """
    source, encoding = decode(data, declared=codec_name(declared) or _declared_encoding(data))
    if (tags := source.count("<")) > _MOST_TAGS:
        raise DocumentError(f"{tags:,} HTML tags, over the limit of {_MOST_TAGS:,}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(source, "lxml")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    return html_text(soup), title, encoding


def html_text(soup: BeautifulSoup) -> str:
    """The readable text of a parsed page.

    Raises:
        DocumentError: no text in it.
    """
    text = _main_text(soup)
    if not text:
        raise DocumentError("no text in it")
    return text


def _declared_encoding(data: bytes) -> str:
    """What the page says."""
    found = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)", data[:2048], re.IGNORECASE)
    return found[1].decode("ascii", "replace") if found else ""


def _main_text(soup: BeautifulSoup) -> str:
    """The text of `main`; without one that of the body, or of its only article where that is most of it."""
    body = soup.body or soup
    for part in [*navigation_bars(body), *menus(body)]:
        part.decompose()
    marked = [element for element in body.descendants if isinstance(element, Tag) and _marks_content(element)]
    for main in (element for element in marked if element.name == "main" or element.get("role") == "main"):
        if text := _text(main):
            return _with_heading(text, main, marked)
    text = _text(body)
    articles = [element for element in marked if element.name == "article"]
    if len(articles) == 1 and len(article := _text(articles[0])) * 2 > len(text):
        return _with_heading(article, articles[0], marked)
    return text


def _marks_content(element: Tag) -> bool:
    return element.name in {"main", "article", "h1"} or element.get("role") == "main"


def _with_heading(text: str, root: Tag, marked: list[Tag]) -> str:
    """The page's `h1` may stand above its main part."""
    titles = [element for element in marked if element.name == "h1"]
    if not titles or any(parent is root for title in titles for parent in title.parents):
        return text
    above = titles[0]
    heading = "" if any(map(is_boilerplate, [above, *above.parents])) else _inline(above)
    return f"# {heading}\n\n{text}" if heading else text


def _text(root: Tag) -> str:
    writer = MarkdownWriter()
    _render_children(root, writer, 0, 0)
    return normalize(writer.text()).replace(SOFT_HYPHEN, "").strip()


def _render_children(element: Tag, writer: MarkdownWriter, depth: int, list_level: int) -> None:
    if depth > _DEEPEST:
        writer.write(element.get_text(" "))
        return
    for child in element.children:
        if isinstance(child, Tag):
            if not is_boilerplate(child):
                _render_element(child, writer, depth + 1, list_level)
        elif type(child) in (NavigableString, CData):  # its other kinds are comments, declarations and scripts
            writer.write(str(child))


def _render_element(element: Tag, writer: MarkdownWriter, depth: int, list_level: int) -> None:
    name = element.name
    if name in HEADINGS:
        mark = "" if is_in_admonition(element) else f"{'#' * HEADINGS[name]} "
        writer.block(f"{mark}{heading}" if (heading := _inline(element)) else "")
    elif name == "br":
        writer.end_line()
    elif name == "pre":
        writer.fenced(element.get_text())
    elif name == "table" and not _is_layout(element):
        writer.block("\n".join(_table_rows(element)))
    elif name in {"ol", "ul", "menu"}:
        _render_list(element, writer, depth, list_level)
    elif name == "li":
        _render_item(element, "- ", writer, depth, list_level)
    elif name in {"dt", "dd"}:
        _render_definition(element, writer, depth, list_level)
    elif name in {"a", "sup"} and (raised := _raised(element)):
        writer.write(raised)
    elif name in _BLOCKS:
        writer.end_block()
        _render_children(element, writer, depth, list_level)
        writer.end_block()
    else:
        _render_children(element, writer, depth, list_level)


def _raised(element: Tag) -> str:
    """What stands above the line and would be read with the number before it: `[2]` for a note, `^2` for a power."""
    text = "".join(islice(element.stripped_strings, 2))
    if not _RAISED.fullmatch(text) or element.previous_sibling is None:
        return ""
    link = element if element.name == "a" else element.find("a")
    if link is None:
        return f"^{text}"
    kinds = f"{link.get('epub:type')} {link.get('role')}".split()
    is_note = not _NOTE_LINKS.isdisjoint(kinds) or (link.sup or element.name == "sup")
    return f"[{text}]" if is_note and "#" in str(link.get("href")) else ""


def _render_definition(element: Tag, writer: MarkdownWriter, depth: int, list_level: int) -> None:
    """A term, or what it means: behind it on its line, or where that is long, below it and to the right."""
    before = getattr(element.find_previous_sibling(True), "name", "")
    if element.name == "dt":
        meaning = element.find_next_sibling("dd") if before == "dd" else None
        if meaning is not None and _is_long(meaning):
            writer.end_block()
        writer.begin_item("")
        _render_children(element, writer, depth, list_level)
    elif _is_long(element):
        with writer.indented():
            _render_children(element, writer, depth, list_level)
    else:
        if before == "dt":
            writer.begin_value(":")
        _render_children(element, writer, depth, list_level)
        writer.end_item()


def _is_long(element: Tag) -> bool:
    lengths = accumulate(len(text) for text in element.stripped_strings)
    return any(length > _LONGEST_VALUE for length in lengths)


def _render_list(element: Tag, writer: MarkdownWriter, depth: int, list_level: int) -> None:
    """Items of an `ol` keep their numbers: "the third step" is a fact."""
    if not list_level:
        writer.end_block()
    first = str(element.get("start") or "1")
    number = int(first) if first.isdecimal() and len(first) < 10 else 1
    indent = "  " * list_level
    for child in element.find_all(True, recursive=False):
        if is_boilerplate(child):
            continue
        if child.name == "li":
            marker = f"{number}. " if element.name == "ol" else "- "
            _render_item(child, indent + marker, writer, depth + 1, list_level + 1)
            number += 1
        else:
            _render_element(child, writer, depth + 1, list_level + 1)
    if not list_level:
        writer.end_block()


def _render_item(element: Tag, marker: str, writer: MarkdownWriter, depth: int, list_level: int) -> None:
    writer.begin_item(marker)
    _render_children(element, writer, depth, list_level)
    writer.end_item()


def _inline(element: Tag) -> str:
    """The element's text on one line, without white space where the page has none: `H<sub>2</sub>O` is one word."""
    writer = MarkdownWriter()
    _render_children(element, writer, 0, 0)
    return " ".join(writer.text().split())


def _is_layout(table: Tag) -> bool:
    """A table that holds headings or tables arranges a page, and one of code puts numbers beside its lines; it is read
    cell by cell.
    """
    names = {element.name for element in table.find_all(True)}
    is_page = table.get("role") in {"presentation", "none"} or not names.isdisjoint({"table", *HEADINGS})
    return is_page or ("pre" in names and "th" not in names)


def _table_rows(table: Tag) -> Iterator[str]:
    """`| a | b |` a row; a header row is followed by the line that makes it one in Markdown."""
    caption = table.find("caption")
    if isinstance(caption, Tag):
        yield _inline(caption) + "\n"
    found = ((row, row.find_all(["th", "td"], recursive=False)) for row in table.find_all("tr"))
    rows = [(row, cells) for row, cells in found if cells and not is_boilerplate(row)]
    texts = unmerged(((_inline(cell).replace("|", "\\|"), *_spans(cell)) for cell in cells) for _, cells in rows)
    is_first = True
    for (row, cells), shown in zip(rows, texts, strict=True):
        yield "| " + " | ".join(shown) + " |"
        if is_first and (all(cell.name == "th" for cell in cells) or row.find_parent("thead") is not None):
            yield "|" + " --- |" * len(shown)
        is_first = False


def _spans(cell: Tag) -> tuple[int, int]:
    """The columns and rows that it takes; 0 rows are all that follow, which is rare and means 1 here."""
    told = (str(cell.get(name) or "").strip() for name in ("colspan", "rowspan"))
    columns, rows = (whole_number(number, 1) for number in told)
    return max(1, columns), max(1, rows)
