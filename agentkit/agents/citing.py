"""From the numbers that an answer cites to spans of files."""

import re

from rapidfuzz import fuzz

from agentkit.results import Citation
from agentkit.tools.retrieval import Passage, PassageNumbering

_NUMBER = re.compile(r"\[(\d{1,4})\]")
_SENTENCE = re.compile(r"\S[^\n]*?(?:[.!?…](?=\s)|(?=\n)|\Z)")


def cited_numbers(answer: str) -> list[int]:
    """The numbers in square brackets, each once, in their order."""
    return list(dict.fromkeys(int(number) for number in _NUMBER.findall(answer)))


def citations(answer: str, numbering: PassageNumbering) -> tuple[Citation, ...]:
    """A true span for each passage that the answer cites; a number that no passage has is left out."""
    return tuple(_citation(answer, numbering[number]) for number in cited_numbers(answer) if _has(numbering, number))


def _has(numbering: PassageNumbering, number: int) -> bool:
    return 1 <= number <= len(numbering)


def _citation(answer: str, passage: Passage) -> Citation:
    """The sentence or line of the passage that shares most words with the answer."""
    hit = passage.hit
    spans = [found.span() for found in _SENTENCE.finditer(hit.text)] or [(0, len(hit.text))]
    start, end = max(spans, key=lambda span: fuzz.token_set_ratio(hit.text[slice(*span)], answer))
    heading = " › ".join(hit.metadata.get("heading_path") or ())
    return Citation(hit.path, hit.page, hit.start + start, hit.start + end, hit.text[start:end], heading)
