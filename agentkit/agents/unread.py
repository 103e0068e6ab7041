"""What an answer says that was nowhere read: reckoned by the model, or made up.

Only what is seldom said in other words is told: numbers of two digits or more, and names of two words or more.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from agentkit.facts import figures_of, numbers_of

_ITEM = re.compile(r"^\s*(?:[-*+>]+\s+|\(?\d{1,2}[.)]\s+)*")
"""What begins a line in Markdown."""
_MARKER = re.compile(r"[ \t]*\[\d+(?:, ?\d+)*\]|\*\*|`|\bsteps? \d+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def unread_facts(answer: str, read: str) -> list[str]:
    """The numbers and names of an answer that stand nowhere in what was read.

    >>> unread_facts("Tove Arnesen paid 1,250 crowns, 33.33 each.", "It cost Ada 1200 crowns: 33.3333 for each.")
    ['1250', 'Tove Arnesen']
    """
    lines = [_MARKER.sub("", _ITEM.sub("", line)) for line in answer.splitlines() if not line.lstrip().startswith("#")]
    known = numbers_of(read)
    numbers = [figure for line in lines for figure in sorted(figures_of(line)) if not _is_known(figure, known)]
    words = {word.casefold() for word in _WORD.findall(read)}
    names = [name for line in lines for name in _names(line) if not words & {*name.casefold().split()}]
    return list(dict.fromkeys([*numbers, *names]))


def _is_known(figure: str, known: set[str]) -> bool:
    """Whether it is one digit, or known, or what a known number is rounded to."""
    places = len(figure.partition(".")[2])
    return len(figure) < 2 or figure in known or any(round(float(each), places) == float(figure) for each in known)


def _names(line: str) -> Iterator[str]:
    """Runs of two or more capitalised words."""
    for is_name, run in groupby(_words(line), key=lambda word: word is not None and word[0].isupper()):
        name = [word for word in run if word]
        if is_name and len(name) > 1:
            yield " ".join(name)


def _words(line: str) -> Iterator[str | None]:
    """The words, and None where a sentence or a part of one ends."""
    end = 0
    for found in _WORD.finditer(line):
        if line[end : found.start()].strip() or not end:
            yield None
        yield found[0]
        end = found.end()
