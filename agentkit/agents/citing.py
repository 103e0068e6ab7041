"""From the numbers that an answer cites to spans of files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from agentkit.chunkers import page_at
from agentkit.results import Citation
from agentkit.tools.retrieval import NumberedHit, PassageNumbering

_NUMBER = re.compile(r"\[(\d{1,4})\]")
_SENTENCE = re.compile(r"\S[^\n]*?(?:[.!?…](?=\s)|(?=\n)|\Z)")
_MARKER = re.compile(r"(?s:```.*?(?:```|\Z))|`[^`\n]+`|(?P<space>[ \t]?)\[(?P<number>\d{1,4})\]")
"""A citation; or code, in which there are none."""
_NAME_END = re.compile(r"[\w`]")
_TELLING_WORDS = 3
"""A sentence of fewer words, such as `Sources: [1], [2]`, does not tell what of a passage it means."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence or line of a passage that was read."""

    passage: NumberedHit
    start: int
    end: int
    """Within the passage, as `start` is."""

    @property
    def text(self) -> str:
        return self.passage.hit.text[self.start : self.end]

    @property
    def citation(self) -> Citation:
        """As a span of the file."""
        hit = self.passage.hit
        heading = " › ".join(hit.metadata.get("heading_path") or ())
        page = page_at(hit.metadata.get("page_offsets") or (), hit.start + self.start) or hit.page
        return Citation(hit.path, page, hit.start + self.start, hit.start + self.end, self.text, heading)


def cited(answer: str, numbering: PassageNumbering) -> tuple[str, list[Quote]]:
    """The answer with its numbers counted from 1, and a quote for each of them.

    It is the sentence or line of the passage that is most like what the answer says before the number. A number that no
    passage has is taken out, unless it stands right behind a name, as in `xs[0]`. Code is left as it is.
    """
    numbers = list(dict.fromkeys(int(marker["number"]) for marker in _MARKER.finditer(answer) if marker["number"]))
    numbers = [number for number in numbers if 1 <= number <= len(numbering)]
    places = {number: place for place, number in enumerate(numbers, start=1)}
    found = [_likest(" ".join(_said(answer, number)) or answer, numbering[number]) for number in numbers]

    def counted(marker: re.Match[str]) -> str:
        if marker["number"] is None:
            return marker[0]
        if place := places.get(int(marker["number"])):
            return f"{marker['space']}[{place}]"
        is_subscript = not marker["space"] and _NAME_END.match(answer, max(0, marker.start() - 1))
        return marker[0] if is_subscript else ""

    return _MARKER.sub(counted, answer), found


def quotes_of(passage: NumberedHit) -> list[Quote]:
    """The sentences and lines of a passage; at least one, the whole."""
    text = passage.hit.text
    spans = [found.span() for found in _SENTENCE.finditer(text)] or [(0, len(text))]
    return [Quote(passage, start, end) for start, end in spans]


def _said(answer: str, number: int) -> Iterator[str]:
    """The sentences that cite a passage, where they say something."""
    for sentence in _SENTENCE.findall(answer):
        words = _NUMBER.sub("", sentence).split()
        if f"[{number}]" in sentence and len(words) >= _TELLING_WORDS:
            yield " ".join(words)


def _likest(said: str, passage: NumberedHit) -> Quote:
    return max(quotes_of(passage), key=lambda quote: fuzz.token_set_ratio(quote.text, said))
