"""From the numbers that an answer cites to spans of files."""

import re
from collections.abc import Iterator

from rapidfuzz import fuzz

from agentkit.results import Citation
from agentkit.tools.retrieval import Passage, PassageNumbering

_NUMBER = re.compile(r"\[(\d{1,4})\]")
_SENTENCE = re.compile(r"\S[^\n]*?(?:[.!?…](?=\s)|(?=\n)|\Z)")
_MARKER = re.compile(r"[ \t]?\[(\d{1,4})\]")
_TELLING_WORDS = 3
"""A sentence of fewer words, such as `Sources: [1], [2]`, does not tell what of a passage it means."""


def cited_numbers(answer: str) -> list[int]:
    """The numbers in square brackets, each once, in their order."""
    return list(dict.fromkeys(int(number) for number in _NUMBER.findall(answer)))


def cited(answer: str, numbering: PassageNumbering) -> tuple[str, tuple[Citation, ...]]:
    """The answer with its numbers counted from 1, and for each of them a true span of a file.

    The span is the sentence or line of the passage that is most like what the answer says before the number. A number
    that no passage has is taken out.
    """
    numbers = [number for number in cited_numbers(answer) if 1 <= number <= len(numbering)]
    places = {number: place for place, number in enumerate(numbers, start=1)}
    found = tuple(_citation(" ".join(_said(answer, number)) or answer, numbering[number]) for number in numbers)

    def counted(marker: re.Match[str]) -> str:
        place = places.get(int(marker[1]))
        return "" if place is None else f"{marker[0][: marker[0].index('[')]}[{place}]"

    return _MARKER.sub(counted, answer), found


def _said(answer: str, number: int) -> Iterator[str]:
    """The sentences that cite a passage, where they say something."""
    for sentence in _SENTENCE.findall(answer):
        words = _NUMBER.sub("", sentence).split()
        if f"[{number}]" in sentence and len(words) >= _TELLING_WORDS:
            yield " ".join(words)


def _citation(said: str, passage: Passage) -> Citation:
    hit = passage.hit
    spans = [found.span() for found in _SENTENCE.finditer(hit.text)] or [(0, len(hit.text))]
    start, end = max(spans, key=lambda span: fuzz.token_set_ratio(hit.text[slice(*span)], said))
    heading = " › ".join(hit.metadata.get("heading_path") or ())
    return Citation(hit.path, hit.page, hit.start + start, hit.start + end, hit.text[start:end], heading)
