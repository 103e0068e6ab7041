"""What of an HTML page does not belong to its text: menus, side bars, links that turn pages, signs beside headings.

It is told by HTML's own elements, ARIA roles and marks of links, not guessed by density: nothing that the page's author
marked as content is lost.
"""

from collections.abc import Callable, Iterator

from bs4 import Tag

HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DROPPED = frozenset({
    "audio", "button", "canvas", "datalist", "head", "iframe", "input", "nav", "noscript", "script", "select", "style",
    "svg", "template", "textarea", "video",
})  # fmt: skip
_DROPPED_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "doc-pagebreak"})
_ADMONITIONS = frozenset({
    "admonition", "callout", "caution", "danger", "hint", "important", "note", "tip", "warning",
})  # fmt: skip
_NOTES = _ADMONITIONS | {"footnote", "footnote-list", "topic"}
_PERMALINKS = frozenset({"¶", "#", "§", "🔗"})
_PAGE_KEYS = frozenset("hnpu")
"""Access keys of links to the home page, the next, the previous, the one above, in DocBook, Publican and Texinfo."""
_PAGE_RELATIONS = frozenset({"next", "prev", "previous", "up"})
_PAGE_ENDS = frozenset({"banner", "footer"})
"""What older programs call those of the page, in ids and classes, that HTML and ARIA have words for since."""
_NO_BARS = frozenset({"[document]", "article", "body", "html", "main", "section"})
_LONGEST_BAR = 500
"""Characters: it holds the titles of two pages."""


def is_boilerplate(element: Tag) -> bool:
    """Whether an element is no part of the page's text."""
    name, role = element.name, str(element.get("role") or "")
    if name in _DROPPED or role in _DROPPED_ROLES or element.get("aria-hidden") == "true":
        return True
    if element.get("hidden", "until-found") != "until-found" or element.get("epub:type") == "pagebreak":
        return True
    judge = _JUDGES.get(name)
    return judge is not None and judge(element)


def is_in_admonition(heading: Tag) -> bool:
    """Whether it is the heading of a note in the text, which ends before the section does."""
    return heading.parent is not None and not _ADMONITIONS.isdisjoint(heading.parent.get("class") or ())


def _is_side_bar(aside: Tag) -> bool:
    """Unless it is a note to the text."""
    role, kind, classes = str(aside.get("role") or ""), aside.get("epub:type"), aside.get("class") or []
    return not (role == "note" or role.startswith("doc-") or kind or _NOTES.intersection(classes))


def _is_permalink(link: Tag) -> bool:
    """Beside a heading, to point at it."""
    return str(link.get("href") or "").startswith("#") and link.get_text(strip=True) in _PERMALINKS


def _is_footer_of_page(footer: Tag) -> bool:
    """That of an article or a quotation says who wrote it."""
    return footer.find_parent(["article", "blockquote", "figure"]) is None


def _is_end_of_page(part: Tag) -> bool:
    names = {part.get("id"), *(part.get("class") or [])}
    if _PAGE_ENDS.isdisjoint(names) or part.parent is None or part.parent.name != "body":
        return False
    return part.find([*HEADINGS, "main"]) is None


def _is_closed(dialog: Tag) -> bool:
    return not dialog.has_attr("open")


_JUDGES: dict[str, Callable[[Tag], bool]] = {
    "a": _is_permalink,
    "aside": _is_side_bar,
    "dialog": _is_closed,
    "div": _is_end_of_page,
    "footer": _is_footer_of_page,
}


def navigation_bars(body: Tag) -> Iterator[Tag]:
    """Parts with links that turn pages, as large as they are without holding anything else. A link alone has an access
    key: one that is only said to be the next may stand in a sentence.
    """
    links = [link for link in body.find_all("a") if _turns_page(link)]
    while links:
        bar = links[0]
        while bar.parent is not None and _can_be_bar(bar.parent):
            bar = bar.parent
        inside = [link for link in links if link is bar or any(parent is bar for parent in link.parents)]
        if len(inside) > 1 or inside[0].has_attr("accesskey"):
            yield bar
        links = links[len(inside) :]


def _turns_page(link: Tag) -> bool:
    keys = {key.lower() for key in link.get("accesskey") or ()}
    return not _PAGE_KEYS.isdisjoint(keys) or not _PAGE_RELATIONS.isdisjoint(link.get("rel") or ())


def _can_be_bar(element: Tag) -> bool:
    if element.name in _NO_BARS or element.find([*HEADINGS, "pre"]) is not None:
        return False
    return sum(map(len, element.stripped_strings)) <= _LONGEST_BAR
