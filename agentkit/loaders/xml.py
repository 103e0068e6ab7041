"""XML of any vocabulary to text: `name: value` for what is data, paragraphs for what is prose.

An element that holds text beside elements is prose and becomes a paragraph; one that holds only text becomes
`name: value`, and so does an attribute. Records (children of the root that hold elements) have a blank line between
them. Code, and what says `xml:space="preserve"`, keeps its lines. No entity is expanded, its name is shown, and nothing
is fetched.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError
from agentkit.loaders.packages import local_name, parse_xml
from agentkit.loaders.text import damage, normalize

_SHORT_RECORD = 600
_APART = frozenset({
    "br", "cell", "div", "entry", "head", "item", "lb", "li", "line", "list", "list-item", "listitem", "p", "para",
    "row", "table", "td", "th", "title", "tr",
})  # fmt: skip
"""What stands on a line of its own in the vocabularies that are written: DocBook, JATS, TEI, HTML."""
_VERBATIM = frozenset({
    "codeblock", "eg", "literallayout", "pre", "preformat", "programlisting", "screen", "synopsis",
})  # fmt: skip
"""Whose line ends count in DITA, TEI, DocBook, HTML and JATS."""
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_BLANK_LINES = re.compile(r"\A\s*\n")
_MOST_TAGS = 2_000_000


def load_xml(path: Path) -> tuple[str, str]:
    """Text and title (that of the root's own `title`, "" where there is none).

    Raises:
        DocumentError: not well-formed, nested deeper than 256 levels, too many tags, or without text.
    """
    from lxml.etree import LxmlError

    data = path.read_bytes()
    if (tags := data.count(b"<")) > _MOST_TAGS:
        raise DocumentError(f"{tags:,} XML tags, over the limit of {_MOST_TAGS:,}")
    try:
        root = parse_xml(data)
    except (LxmlError, ValueError, LookupError) as error:
        raise damage("XML", error) from error
    text = normalize("\n\n".join(filter(None, _records(root))))
    if not text.strip():
        raise DocumentError("no text in it")
    title = next((_inline(child) for child in root if local_name(child) == "title"), "")
    return text, normalize(title)


def _records(root: Any) -> Iterator[str]:
    """Blocks of the root (lxml has no types for its elements)."""
    is_verbatim = _is_verbatim(root, above=False)
    if _is_prose(root) or not len(root):
        yield "\n".join(_values(root, "", is_verbatim=is_verbatim))
        return
    yield "; ".join(_attributes(root, ""))
    together: list[str] = []
    for child in root:
        lines = list(_values(child, "", is_verbatim=_is_verbatim(child, above=is_verbatim)))
        if len(child):
            yield "\n".join(together)
            together = []
            yield ("; " if _is_short_record(child, lines) else "\n").join(lines)
        else:
            together += lines
    yield "\n".join(together)


def _is_short_record(element: Any, lines: list[str]) -> bool:
    is_one_line = not _is_prose(element) and not any("\n" in line for line in lines)
    return is_one_line and sum(map(len, lines)) <= _SHORT_RECORD


def _values(element: Any, above: str, *, is_verbatim: bool) -> Iterator[str]:
    name = local_name(element)
    here = f"{above}.{name}" if above else name
    yield from _attributes(element, here)
    if _is_prose(element):
        yield _inline(element, is_verbatim=is_verbatim)
    elif len(element):
        inside = "" if not above else here
        for child in element:
            yield from _values(child, inside or name, is_verbatim=_is_verbatim(child, above=is_verbatim))
    elif text := _inline(element, is_verbatim=is_verbatim):
        space = "\n" if "\n" in text else " "
        yield f"{here}:{space}{text}"


def _attributes(element: Any, here: str) -> Iterator[str]:
    for key, value in element.attrib.items():
        if value.strip() and key != _SPACE and not key.startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
            yield f"{here}@{key.rpartition('}')[2]}: {' '.join(value.split())}".lstrip("@")


def _is_prose(element: Any) -> bool:
    return len(element) > 0 and any(
        text and text.strip() for text in (element.text, *(child.tail for child in element))
    )


def _is_verbatim(element: Any, *, above: bool) -> bool:
    """Whether its line ends count: it says so, or it is code, or so it is `above` it."""
    told = element.get(_SPACE)
    return told == "preserve" if told else above or local_name(element).lower() in _VERBATIM


def _inline(element: Any, *, is_verbatim: bool = False) -> str:
    """On one line, but for what is verbatim and has several: that stands on lines of its own."""
    parts = []
    for is_code, pieces in groupby(_pieces(element, is_verbatim=is_verbatim), key=itemgetter(0)):
        text = "".join(piece for _, piece in pieces)
        parts.append(_BLANK_LINES.sub("", text.rstrip()) if is_code else " ".join(text.split()))
    return "\n".join(filter(None, parts))


def _pieces(element: Any, *, is_verbatim: bool) -> Iterator[tuple[bool, str]]:
    """Whether a piece of text is lines of code, and the piece."""
    if is_verbatim and "\n" in (text := "".join(element.itertext())).strip():
        yield True, text
        return
    yield False, element.text or ""
    for child in element:
        space = " " if local_name(child).lower() in _APART else ""
        yield False, space
        yield from _pieces(child, is_verbatim=_is_verbatim(child, above=is_verbatim))
        yield False, space + (child.tail or "")
