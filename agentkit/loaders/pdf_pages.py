"""Pages as a printer laid them out to text as it was written: rows of cells, words that lines break, running lines.

A running line, such as the title of the chapter and the number of the page, stands at the same end of several pages; it
is kept where it stands first. A hyphen at the end of a line is taken out where the document itself tells that its words
are broken. Left out: words that a page breaks.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

_CELL_GAP = "  "
"""Between the cells of a row. One that stands on several pages is the head of a table, and each page needs it."""
_FEWEST_PAGES = 3
_SHARE = 0.25
"""Of the pages that have a running line; slides of one title follow each other, too."""
_SHARE_COUNTED = 0.05
"""Where it has the page's number: a chapter's pages."""
_MOST_LINES = 3
"""Running lines at one end of a page."""
_LONGEST_RUNNING = 120
_NUMBER = re.compile(r"\d{1,9}")
_LABEL = re.compile(r"(?!(?:pagin?a?|página|page|p|seite|s|sid[ae]|strona)\b)[^\W\d_]+\.? #", re.IGNORECASE)
"""`Question 3` is a heading and `Page 3` is none."""
_LETTERS = re.compile(r"[^\W\d_]{3}")
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_BROKEN = re.compile(r"(?<![\w-])([^\W\d_]{2,})[-\u2010]\n([^\W\d_]{2,})(?!\w)")


def page_text(page: Any) -> str:
    """The text of a page of pypdf (which has no types for what it tells of pieces), the cells of a row on one line.

    Some programs, such as ReportLab, end a line behind each cell.
    """
    pieces: list[str] = []
    row = (0.0, 0.0)

    def take(text: str, page_matrix: Sequence[float], text_matrix: Sequence[float], *_: object) -> None:
        nonlocal row
        here = _position(text_matrix, page_matrix)
        if text.strip():
            if abs(here[1] - row[1]) < 1 and here[0] > row[0]:
                _end_cell(pieces)
            row = here
        pieces.append(text)

    whole = page.extract_text(visitor_text=take)
    rows = "".join(pieces)
    return rows if "".join(rows.split()) == "".join(whole.split()) else str(whole)


def _end_cell(pieces: list[str]) -> None:
    """The last piece goes on on its line, if that was ended."""
    last = next((number for number in reversed(range(len(pieces))) if pieces[number].strip()), None)
    if last is not None and "\n" in "".join(pieces[last:])[len(pieces[last].rstrip()) :]:
        pieces[last:] = [pieces[last].rstrip() + _CELL_GAP]


def _position(text: Sequence[float], page: Sequence[float]) -> tuple[float, float]:
    """Where a piece begins, by the two matrices that PDF multiplies."""
    x, y = text[4], text[5]
    return x * page[0] + y * page[2] + page[4], x * page[1] + y * page[3] + page[5]


def without_running_lines(pages: Sequence[str]) -> list[str]:
    """The pages without what stands at the same end of several, beyond its first time; numbers of pages never stand."""
    lines = [page.split("\n") for page in pages]
    for is_foot in (False, True):
        ends = [_end(page, is_foot=is_foot) for page in lines]
        running = _running(ends)
        seen: set[str] = set()
        for number, (page, end) in enumerate(zip(lines, ends, strict=True)):
            for at in end:
                key = _NUMBER.sub("#", page[at].strip())
                if (number, key) not in running:
                    break
                if key in seen or not _LETTERS.search(key):
                    page[at] = ""
                seen.add(key)
    return ["\n".join(page).strip() for page in lines]


def _end(page: list[str], *, is_foot: bool) -> dict[int, str]:
    """The outermost lines at one end of a page, by their number."""
    numbers = [number for number, line in enumerate(page) if line.strip()]
    outer = numbers[-1 : -1 - _MOST_LINES : -1] if is_foot else numbers[:_MOST_LINES]
    return {number: page[number].strip() for number in outer}


def _running(ends: Sequence[dict[int, str]]) -> set[tuple[int, str]]:
    """Pages and forms of lines that several pages have at this end: with the same numbers, or with the page's."""
    forms: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for number, end in enumerate(ends):
        for line in end.values():
            if len(line) <= _LONGEST_RUNNING:
                forms[_NUMBER.sub("#", line)][number] = [int(found) for found in _NUMBER.findall(line)]
    return {(number, form) for form, found in forms.items() for number in _alike(form, found, len(ends))}


def _alike(form: str, found: Mapping[int, Sequence[int]], pages: int) -> list[int]:
    """The pages whose numbers in a form of line are what they are on most, or as far from the page's number; none where
    the line is no running one.
    """
    places = range(form.count("#") if found else 0)
    values = [Counter(numbers[place] for numbers in found.values()).most_common(1)[0] for place in places]
    steps = [Counter(numbers[place] - page for page, numbers in found.items()).most_common(1)[0] for place in places]
    is_counted = any(step[1] >= _FEWEST_PAGES and step[1] > value[1] for step, value in zip(steps, values, strict=True))
    if is_counted and _LABEL.match(form) and steps[0][1] > values[0][1]:
        return []
    fewest = max(_FEWEST_PAGES, pages * (_SHARE_COUNTED if is_counted else _SHARE))
    alike = [
        page
        for page, numbers in found.items()
        if all(
            number == value[0] or number - page == step[0]
            for number, value, step in zip(numbers, values, steps, strict=True)
        )
    ]
    is_running = is_counted or (_CELL_GAP not in form and _LETTERS.search(form))
    return alike if len(alike) >= fewest and is_running else []


def with_whole_words(pages: Sequence[str]) -> list[str]:
    """The pages without hyphens that only break a word at the end of a line.

    `wave-` above `length` is one word if the document has `wavelength` elsewhere, and two if it has `wave-length` or
    both; else it is what most of those are of which that can be told.
    """
    known = Counter(word.lower() for page in pages for word in _WORD.findall(_BROKEN.sub(" ", page)))
    told = Counter(_is_one_word(found, known) for page in pages for found in _BROKEN.finditer(page))
    is_broken = told[True] > told[False]

    def mended(found: re.Match[str]) -> str:
        is_one = _is_one_word(found, known)
        return f"{found[1]}{found[2]}" if (is_broken if is_one is None else is_one) else found[0]

    return [_BROKEN.sub(mended, page) for page in pages]


def _is_one_word(found: re.Match[str], known: Mapping[str, int]) -> bool | None:
    """None where the document does not tell."""
    first, second = found[1].lower(), found[2].lower()
    if found[2] != second or known.get(f"{first}-{second}"):
        return False
    if known.get(first + second):
        return True
    return False if known.get(first) and known.get(second) else None
