"""The sentences and lines of passages: what may be quoted, and which of it is likeliest to state an answer."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentkit.reading.passages import Passage

_SENTENCE = re.compile(r".+?(?:[.!?…。！？][\"')\]»”]*(?=\s)|\Z)", re.DOTALL)
_WRAPPED_LINE = re.compile(r"(?<=[^\n]{60})(?<![.!?:|])\n(?=[^\s\-*#|>])")
"""A line's end inside a sentence: after a long line that ends no sentence, before one that begins no block."""
_MARKUP = re.compile(r"^(?:[#>*+\-|]+[ \t]+|[ \t]*\d+[.)][ \t]+)?")
_WORD = re.compile(r"[\w.,:%-]*[\w%]")
_SHORTEST = 3
_NEAR = 0.8
_LONGEST_CHARS = 400
"""A longer run without a sentence's end is offered in parts."""

_FUNCTION_WORDS = frozenset(
    """
    a an the of in on at to is are was were be been by for and or it its this that these those with from
    how what which who whom whose when where why does do did much many has have had not no as can may
    will would there
    """.split()
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A run of a passage's text, verbatim."""

    passage: Passage
    text: str


def sentences_of(passage: Passage) -> Iterator[Sentence]:
    """The sentences, list items, table rows and lines of a passage in order, without white space around them."""
    for line in _logical_lines(passage):
        for found in _SENTENCE.finditer(line):
            text = _MARKUP.sub("", found[0].strip(), count=1).strip()
            if len(text) >= _SHORTEST and any(character.isalnum() for character in text):
                for at in range(0, len(text), _LONGEST_CHARS):
                    if part := text[at : at + _LONGEST_CHARS].strip():
                        yield Sentence(passage, part)


def likeliest_sentences(sentences: Sequence[Sentence], draft: str, question: str) -> list[Sentence]:
    """The sentences that share most with a draft of the answer (counted twice) and with the question, best first.

    A word weighs the more, the fewer of the sentences have it. Those within a fifth of the best are given.
    """
    words = [set(words_of(sentence.text)) for sentence in sentences]
    frequency = Counter(word for each in words for word in each)
    wanted = Counter(dict.fromkeys(words_of(question), 1)) + Counter(dict.fromkeys(words_of(draft), 2))

    def weight(number: int) -> float:
        shared = words[number] & wanted.keys()
        return sum(wanted[word] * math.log(1 + len(sentences) / (1 + frequency[word])) for word in shared)

    weights = [weight(number) for number in range(len(sentences))]
    ranked = sorted(range(len(sentences)), key=lambda number: -weights[number])
    return [sentences[number] for number in ranked if weights[number] >= _NEAR * max(weights)]


def _logical_lines(passage: Passage) -> list[str]:
    """The passage's lines; in wrapped prose, those that a sentence runs over are one."""
    if not passage.is_wrapped:
        return passage.text.split("\n")
    ends = {found.start() for found in _WRAPPED_LINE.finditer(passage.text)}
    lines, start = [], 0
    for at, character in enumerate(passage.text):
        if character == "\n" and at not in ends:
            lines.append(passage.text[start:at])
            start = at + 1
    return [*lines, passage.text[start:]]


def words_of(text: str) -> list[str]:
    """Lower-cased content words and numbers; function words are left out."""
    return [word for word in _WORD.findall(text.lower()) if word not in _FUNCTION_WORDS]
