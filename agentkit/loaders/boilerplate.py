"""What of an HTML page does not belong to its text: menus, side bars, links that turn pages, signs beside headings.

It is told by HTML's own elements, ARIA roles and marks of links, not guessed by density: nothing that the page's author
marked as content is lost. A class or an id alone, such as `sidebar`, is believed where the part holds links only, or,
of a table of contents, where the page says it all again.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain

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
_NAMED = frozenset({"div", "dl", "ol", "table", "td", "ul"})
_MENUS = frozenset({
    "mainmenu", "mainnav", "menu", "menubar", "nav", "navbar", "navigation", "navmenu", "sidebar", "sidenav", "sitenav",
    "submenu", "topnav",
})  # fmt: skip
_CONTENTS = frozenset({"menu", "tableofcontents", "toc"})
"""Texinfo calls those of a chapter a menu, and they are tables."""
_HINT = re.compile("menu|nav|sidebar|contents|toc", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+|[A-Z][a-z]*")
_FEWEST_LINKS = 3
_LEAST_LINKED = 0.8
"""Of a menu's text."""
_LONGEST_LINK = 40
"""Characters, on average: longer ones, such as headlines, say something themselves."""
_LEAST_LEFT = 200
"""Characters that are no link, beside the menus: a page with less is a list of links itself."""


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


def menus(body: Tag) -> Iterator[Tag]:
    """Parts that only a class or an id calls a menu or a table of contents: menus that hold nothing but links, on pages
    that are more than such a list, and tables of contents that the page says again.
    """
    named = [element for element in body.descendants if isinstance(element, Tag) and _may_be_named(element)]
    found = [element for element in named if _is_menu(element)]
    if found and _chars_beside_links(body) >= _LEAST_LEFT:
        yield from found
    contents = [element for element in named if not _CONTENTS.isdisjoint(_names_of(element))]
    said = " ".join(body.get_text(" ").split()) if contents else ""
    yield from (element for element in contents if _is_said_again(element, said))


def _may_be_named(element: Tag) -> bool:
    names = element.attrs
    return bool(names) and element.name in _NAMED and bool(_HINT.search(f"{names.get('class')} {names.get('id')}"))


def _names_of(element: Tag) -> set[str]:
    """Its id and its classes, and the words of these: `main-nav` is `mainnav`, `main` and `nav`. An id may be a heading
    in other letters, and goes by the whole of it.
    """
    words = [_WORD.findall(name) for name in element.get("class") or ()]
    whole = ["".join(each) for each in (*words, _WORD.findall(str(element.get("id") or "")))]
    return {name.lower() for name in (*whole, *chain.from_iterable(words))}


def _is_menu(element: Tag) -> bool:
    names = _names_of(element) - {"menu"} if element.name == "table" else _names_of(element)
    if names.isdisjoint(_MENUS) or element.find(["h1", "pre", "main", "article"]) is not None:
        return False
    text, count = _chars(element), len(element.find_all("a"))
    linked = text - _chars_beside_links(element)
    return count >= _FEWEST_LINKS and linked >= _LEAST_LINKED * text and linked <= _LONGEST_LINK * count


def _is_said_again(contents: Tag, said: str) -> bool:
    """Whether all links lead to places of the same page, whose text has their words once more."""
    links = contents.find_all("a")
    texts = [" ".join(link.get_text(" ").split()) for link in links]
    is_within = all(str(link.get("href") or "").startswith("#") for link in links)
    return len(links) >= _FEWEST_LINKS and is_within and all(said.count(text) > 1 for text in texts)


def _chars_beside_links(element: Tag) -> int:
    return _chars(element) - sum(_chars(link) for link in element.find_all("a"))


def _chars(element: Tag) -> int:
    return sum(map(len, element.stripped_strings))
