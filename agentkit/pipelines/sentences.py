"""The sentences and lines of passages: what may be quoted, and which of it is likeliest to state an answer."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentkit.pipelines.passages import Passage

_SENTENCE = re.compile(r"[^\n]+?(?:[.!?…。！？][\"')\]»”]*(?=\s)|$)(?:[ \t]+|$)", re.MULTILINE)
_MARKUP = re.compile(r"^(?:[#>*+\-|]+[ \t]+|[ \t]*\d+[.)][ \t]+)?")
_WORD = re.compile(r"[\w.,:%-]*[\w%]")
_SHORTEST = 3
_LONGEST_CHARS = 400
"""A longer run without a sentence's end is offered in parts."""

_FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "by",
        "for",
        "and",
        "or",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "with",
        "from",
        "how",
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "does",
        "do",
        "did",
        "much",
        "many",
        "has",
        "have",
        "had",
        "not",
        "no",
        "as",
        "can",
        "may",
        "will",
        "would",
        "there",
    ]
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A run of a passage's text, verbatim."""

    passage: Passage
    text: str


def sentences_of(passage: Passage) -> Iterator[Sentence]:
    """The sentences, list items, table rows and lines of a passage in order, without white space around them."""
    for found in _SENTENCE.finditer(passage.text):
        text = _MARKUP.sub("", found[0].strip(), count=1).strip()
        if len(text) >= _SHORTEST and any(character.isalnum() for character in text):
            for at in range(0, len(text), _LONGEST_CHARS):
                if part := text[at : at + _LONGEST_CHARS].strip():
                    yield Sentence(passage, part)


def rank_sentences(sentences: Sequence[Sentence], draft: str, question: str) -> list[Sentence]:
    """The sentences by the words that they share with a draft of the answer (counted twice) and with the question.

    A word weighs the more, the fewer of the sentences have it. Equal ones keep their order.
    """
    words = [set(words_of(sentence.text)) for sentence in sentences]
    frequency = Counter(word for each in words for word in each)
    wanted = Counter(dict.fromkeys(words_of(question), 1)) + Counter(dict.fromkeys(words_of(draft), 2))

    def weight(number: int) -> float:
        shared = words[number] & wanted.keys()
        return sum(wanted[word] * math.log(1 + len(sentences) / (1 + frequency[word])) for word in shared)

    return [sentences[number] for number in sorted(range(len(sentences)), key=weight, reverse=True)]


def words_of(text: str) -> list[str]:
    """Lower-cased content words and numbers; function words are left out."""
    return [word for word in _WORD.findall(text.lower()) if word not in _FUNCTION_WORDS]
