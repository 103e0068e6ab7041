"""XML of any vocabulary to text: `name: value` for what is data, paragraphs for what is prose.

An element that holds text beside elements is prose and becomes a paragraph; one that holds only text becomes
`name: value`, and so does an attribute. Records (children of the root that hold elements) have a blank line between
them. No entity is expanded, its name is shown, and nothing is fetched.
"""

from collections.abc import Iterator
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
    if _is_prose(root) or not len(root):
        yield "\n".join(_values(root, ""))
        return
    yield "; ".join(_attributes(root, ""))
    together: list[str] = []
    for child in root:
        lines = list(_values(child, ""))
        if len(child):
            yield "\n".join(together)
            together = []
            is_short = not _is_prose(child) and sum(map(len, lines)) <= _SHORT_RECORD
            yield ("; " if is_short else "\n").join(lines)
        else:
            together += lines
    yield "\n".join(together)


def _values(element: Any, above: str) -> Iterator[str]:
    name = local_name(element)
    here = f"{above}.{name}" if above else name
    yield from _attributes(element, here)
    if _is_prose(element):
        yield _inline(element)
    elif len(element):
        inside = "" if not above else here
        for child in element:
            yield from _values(child, inside or name)
    elif text := " ".join((element.text or "").split()):
        yield f"{here}: {text}"


def _attributes(element: Any, here: str) -> Iterator[str]:
    for key, value in element.attrib.items():
        if value.strip() and not key.startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
            yield f"{here}@{key.rpartition('}')[2]}: {' '.join(value.split())}".lstrip("@")


def _is_prose(element: Any) -> bool:
    return len(element) > 0 and any(
        text and text.strip() for text in (element.text, *(child.tail for child in element))
    )


def _inline(element: Any) -> str:
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        space = " " if local_name(child).lower() in _APART else ""
        yield space
        yield from _pieces(child)
        yield space + (child.tail or "")
