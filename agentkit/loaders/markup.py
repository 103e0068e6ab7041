"""HTML to Markdown-flavoured text: headings, lists and tables keep their shape; navigation and scripts go.

What counts as boilerplate is told by HTML's own elements and ARIA roles, not guessed by density: nothing that the
page's author marked as content is lost.
"""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Comment, NavigableString, Tag, XMLParsedAsHTMLWarning

from agentkit.errors import DocumentError
from agentkit.loaders.text import decode, normalize

_DROPPED = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "aside",
    "form",
    "iframe",
    "svg",
    "button",
    "head",
]
_DROPPED_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary"}
_BLOCKS = {
    "address", "article", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "tfoot", "thead", "tr", "ul",
}  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MOST_ELEMENTS = 500_000
_DEEPEST = 400
"""Levels; deeper ones are taken as their bare text."""


def load_html(path: Path) -> tuple[str, str]:
    """Readable text and title ("" where there is none) of an HTML file.

    Raises:
        DocumentError: binary, empty, or no text in it.
    """
    data = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(_declared(data), "lxml")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    return html_text(soup), title


def html_text(soup: BeautifulSoup) -> str:
    """The readable text of a parsed page. The tree is changed.

    Raises:
        DocumentError: too many elements, or no text.
    """
    elements = soup.find_all(True)
    if len(elements) > _MOST_ELEMENTS:
        raise DocumentError(f"{len(elements):,} HTML elements, over the limit of {_MOST_ELEMENTS:,}")
    for element in elements:
        if not element.decomposed and _is_boilerplate(element):
            element.decompose()
    root = soup.find("main") or soup.find(attrs={"role": "main"}) or soup.find("article") or soup.body or soup
    if isinstance(root, Tag) and root.name == "article" and len(soup.find_all("article")) > 1:
        root = soup.body or soup
    lines = "".join(_render(root, 0)) if isinstance(root, Tag) else ""
    text = normalize(re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", lines)).strip())
    if not text:
        raise DocumentError("no text in it")
    return text


def _declared(data: bytes) -> bytes | str:
    """Bytes whose encoding the page declares go to the parser as they are; others are decoded here."""
    if re.search(rb"charset\s*=|encoding\s*=", data[:2048], re.IGNORECASE):
        if data[:5].startswith((b"\x7fELF", b"PK\x03\x04", b"%PDF")):
            raise DocumentError("binary file")
        return data
    return decode(data)[0]


def _is_boilerplate(element: Tag) -> bool:
    return (
        element.name in _DROPPED
        or element.get("role") in _DROPPED_ROLES
        or element.get("aria-hidden") == "true"
        or element.has_attr("hidden")
        or (
            element.name == "header"
            and element.find_parent(["main", "article", "section"]) is None
            and element.find("nav") is not None
        )
    )


def _render(element: Tag, depth: int) -> Iterator[str]:
    """The element's content as text; a block begins and ends on a line of its own."""
    if depth > _DEEPEST:
        yield element.get_text(" ", strip=True)
        return
    for child in element.children:
        if isinstance(child, NavigableString):
            if not isinstance(child, Comment):
                yield re.sub(r"\s+", " ", str(child))
        elif isinstance(child, Tag):
            yield from _render_element(child, depth)


def _render_element(element: Tag, depth: int) -> Iterator[str]:
    name = element.name
    if name in _HEADINGS:
        yield f"\n\n{'#' * _HEADINGS[name]} {_inline(element)}\n\n"
    elif name == "br":
        yield "\n"
    elif name == "pre":
        yield f"\n\n```\n{element.get_text()}\n```\n\n"
    elif name == "table":
        yield "\n\n" + "\n".join(_table_rows(element)) + "\n\n"
    elif name == "li":
        yield "\n- " + "".join(_render(element, depth + 1)).strip()
    elif name == "dt":
        yield f"\n\n{_inline(element)}:"
    elif name == "dd":
        yield " " + "".join(_render(element, depth + 1)).strip()
    elif name in _BLOCKS:
        yield "\n\n" + "".join(_render(element, depth + 1)).strip() + "\n\n"
    else:
        yield from _render(element, depth + 1)


def _inline(element: Tag) -> str:
    return " ".join(element.get_text(" ").split())


def _table_rows(table: Tag) -> Iterator[str]:
    """`| a | b |` a row; a header row is followed by the line that makes it one in Markdown."""
    caption = table.find("caption")
    if isinstance(caption, Tag):
        yield _inline(caption) + "\n"
    for number, row in enumerate(table.find_all("tr")):
        cells = row.find_all(["th", "td"], recursive=False)
        if not cells:
            continue
        yield "| " + " | ".join(_inline(cell).replace("|", "\\|") for cell in cells) + " |"
        if number == 0 and all(cell.name == "th" for cell in cells):
            yield "|" + " --- |" * len(cells)
