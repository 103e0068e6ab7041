"""The numbers of an ODT's lists and headings, which stand in no paragraph: "step 3" would not be found.

OASIS OpenDocument 1.3, part 3, 16.33 to 16.36: a list names a style, whose levels have a format, what stands around the
number, how many levels are shown, and a start. Left out: lists inside of text boxes.
"""

from typing import Any

from agentkit.loaders.numbering import numeral
from agentkit.loaders.packages import attribute, local_name, whole_number

LABEL = "label"
"""The attribute that `number_lists` adds."""
_KINDS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_OUTLINE = ""
_MOST_LEVELS = 10

_Levels = dict[str, dict[int, Any]]
"""By the style's name, its numbered levels, from 1."""


def number_lists(body: Any, *styles: Any) -> None:
    """Gives list items and headings of a body (lxml has no types for its elements) the attribute `LABEL`.

    `styles` are the roots that may define styles of lists.
    """
    levels: _Levels = {}
    for root in styles:
        for style in root.iter():
            if local_name(style) in {"list-style", "outline-style"}:
                name = attribute(style, "name") if local_name(style) == "list-style" else _OUTLINE
                levels[name] = dict(_numbered(style))
    if any(levels.values()):
        _walk(body, levels, {}, "", 0)


def _numbered(style: Any) -> list[tuple[int, Any]]:
    parts = [part for part in style if local_name(part) in {"list-level-style-number", "outline-level-style"}]
    return [
        (whole_number(attribute(part, "level"), 1), part) for part in parts if attribute(part, "num-format") in _KINDS
    ]


def _walk(element: Any, levels: _Levels, counts: dict[str, dict[int, int]], style: str, level: int) -> None:
    for child in element:
        name = local_name(child)
        if name == "list":
            own = attribute(child, "style-name") or style
            if not level and attribute(child, "continue-numbering") != "true" and not attribute(child, "continue-list"):
                counts.pop(own, None)
            _walk(child, levels, counts, own, level + 1)
            continue
        if name == "list-item":
            _count(child, levels.get(style, {}), counts.setdefault(style, {}), level)
        elif name == "h" and attribute(child, "is-list-header") != "true":
            at = whole_number(attribute(child, "outline-level"), 1)
            _count(child, levels.get(_OUTLINE, {}), counts.setdefault(_OUTLINE, {}), at)
        if name not in {"p", "h"}:
            _walk(child, levels, counts, style, level)


def _count(element: Any, levels: dict[int, Any], counts: dict[int, int], at: int) -> None:
    start = attribute(element, "start-value")
    first = whole_number(attribute(levels[at], "start-value"), 1) if at in levels else 1
    counts[at] = whole_number(start, 1) if start else counts.get(at, first - 1) + 1
    for deeper in [each for each in counts if each > at]:
        del counts[deeper]
    if at in levels:
        element.set(LABEL, _label(levels, counts, at))


def _label(levels: dict[int, Any], counts: dict[int, int], at: int) -> str:
    shown = min(_MOST_LEVELS, whole_number(attribute(levels[at], "display-levels"), 1))
    parts = [
        numeral(counts.get(each, 1), _KINDS[attribute(levels[each], "num-format")])
        for each in range(max(1, at - shown + 1), at + 1)
        if each in levels
    ]
    around = (attribute(levels[at], name).strip() for name in ("num-prefix", "num-suffix"))
    return next(around) + ".".join(parts) + next(around)
