"""The numbers that Word puts before paragraphs: they stand in no paragraph, and "clause 7.3" would not be found.

WordprocessingML (ISO/IEC 29500-1, 17.9): a paragraph or its style names a `num`, which points to an `abstractNum` of
up to nine levels, each with a format, a text such as `%1.%2` and a start. Left out: levels that pictures mark, and
formats that count in words, which are given in digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agentkit.loaders.packages import attribute, local_name, whole_number

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
NO_LIST = "0"
"""The `num` of a paragraph that is in no list, though its style is."""
_MOST_LETTERS = 260
_MOST_ROMAN = 3999
_LONGEST_LABEL = 50


@dataclass(slots=True)
class _Level:
    kind: str
    text: str
    start: int
    style: str


@dataclass(slots=True)
class _List:
    """An `abstractNum` and how far it has been counted, by level."""

    levels: dict[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the numbered paragraphs of a document, which must be told in their order."""

    def __init__(self, root: Any) -> None:
        """`root` is that of the package's `numbering.xml`, as an lxml element, or None where it has none."""
        parts = [] if root is None else list(root)
        abstract = [part for part in parts if local_name(part) == "abstractNum"]
        lists = {attribute(part, "abstractNumId"): _List(dict(_levels(part))) for part in abstract}
        linked = {_child(part, "styleLink"): lists[attribute(part, "abstractNumId")] for part in abstract}
        for part in abstract:
            if (name := _child(part, "numStyleLink")) and name in linked:
                lists[attribute(part, "abstractNumId")] = linked[name]
        nums = [part for part in parts if local_name(part) == "num"]
        found = {attribute(part, "numId"): (lists.get(_child(part, "abstractNumId")), part) for part in nums}
        self._lists = {number: (counted, part) for number, (counted, part) in found.items() if counted}
        self._begun: set[str] = set()

    def label(self, number: str, level: str, style: str) -> str:
        """What stands before the next paragraph of a `num`, such as `7.3`; "" for a bullet, or where nothing is told.

        Where its `level` is not said, it is the one that the `style` is bound to.
        """
        if number not in self._lists:
            return ""
        counted, part = self._lists[number]
        at = whole_number(level, -1)
        if at not in counted.levels:
            at = next((at for at, each in counted.levels.items() if style and each.style == style), 0)
        if at not in counted.levels:
            return ""
        if number not in self._begun:
            self._begun.add(number)
            counted.counts |= {at: start - 1 for at, start in _restarts(part)}
        count = counted.counts.get(at, counted.levels[at].start - 1) + 1
        counted.counts = {each: n for each, n in counted.counts.items() if each < at} | {at: count}
        return _label(counted, at)


def list_of(properties: Any) -> tuple[str, str]:
    """The `num` and level that the properties of a paragraph or a style name; "" for what they do not."""
    parts = [] if properties is None else [part for part in properties if local_name(part) == "numPr"]
    return (_child(parts[0], "numId"), _child(parts[0], "ilvl")) if parts else ("", "")


def _label(counted: _List, at: int) -> str:
    level = counted.levels[at]
    if level.kind == "bullet":
        return ""
    label = level.text
    for each, above in counted.levels.items():
        shown = numeral(counted.counts.get(each, above.start), above.kind)
        label = label.replace(f"%{each + 1}", shown)
    return " ".join(label.split())[:_LONGEST_LABEL]


def _levels(abstract: Any) -> Iterator[tuple[int, _Level]]:
    for part in abstract:
        if local_name(part) == "lvl":
            kind, text, style = (_child(part, name) for name in ("numFmt", "lvlText", "pStyle"))
            yield (
                whole_number(attribute(part, "ilvl"), 0),
                _Level(kind, text, whole_number(_child(part, "start"), 1), style),
            )


def _restarts(num: Any) -> Iterator[tuple[int, int]]:
    """Levels that this `num` begins anew, and where."""
    for part in num:
        if local_name(part) == "lvlOverride" and (start := _child(part, "startOverride")):
            yield whole_number(attribute(part, "ilvl"), 0), whole_number(start, 1)


def numeral(number: int, kind: str) -> str:
    """A number as a format of WordprocessingML writes it, such as `lowerRoman`."""
    match kind:
        case "lowerLetter" | "upperLetter" if 0 < number <= _MOST_LETTERS:
            shown = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        case "lowerRoman" | "upperRoman" if 0 < number <= _MOST_ROMAN:
            shown = _roman(number)
        case "decimalZero":
            shown = f"{number:02}"
        case "bullet" | "none":
            shown = ""
        case _:
            shown = str(number)
    return shown.upper() if kind.startswith("upper") else shown


def _roman(number: int) -> str:
    shown = ""
    for value, letters in _ROMAN:
        shown += letters * (number // value)
        number %= value
    return shown


def _child(element: Any, name: str) -> str:
    """The value of a child of that name; "" where there is none."""
    return next((attribute(child, "val") for child in element if local_name(child) == name), "")
