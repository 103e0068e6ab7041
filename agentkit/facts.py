"""Numbers, dates and names of a statement, to be compared exactly: where a small model is weakest, code is sure."""

import re

_FIGURE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
).split()
"""From two on: `one` is as often a pronoun."""
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_MONTHS = "January February March April May June July August September October November December".split()
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS, start=2)} | {
    word: str(number) for number, word in enumerate(_ORDINALS, start=1)
}
_MONTH_NUMBERS = {word: str(number) for number, word in enumerate(_MONTHS, start=1)}
"""Capitalised: `may` is more often a verb."""
_NAME = re.compile(r"(?<!^)(?<![.!?:;\"'“] )\b[A-Z][\w&-]+")
"""A capitalised word that does not begin a sentence."""


def missing_facts(statement: str, evidence: str) -> list[str]:
    """The statement's numbers and names that the evidence has nowhere, however it writes them.

    `December` is 12 and `fourteen` is 14 on both sides, so that `12 December 2023` is in `2023-12-12`.

    >>> missing_facts("It cost Ada 1,200 crowns on 3 May.", "2024-05-03: Ada paid 1250.")
    ['1200']
    """
    numbers = sorted(numbers_of(statement) - numbers_of(evidence))
    lower = evidence.lower()
    names = [name for name in dict.fromkeys(_NAME.findall(statement)) if not _is_in(name, lower)]
    return [*numbers, *names]


def figures_of(text: str) -> set[str]:
    """The numbers of a text, written alike: `4,500` is `4500`, `08` is `8`, `11.50` is `11.5`.

    >>> sorted(figures_of("On 2024-02-08 it cost 4,500.00 crowns."))
    ['2', '2024', '4500', '8']
    """
    plain = (figure.replace(",", "") for figure in _FIGURE.findall(text))
    return {(figure.rstrip("0").rstrip(".") if "." in figure else figure).lstrip("0") or "0" for figure in plain}


def numbers_of(text: str) -> set[str]:
    """Numbers in digits and words, ordinals and months, all written in digits."""
    words = re.findall(r"[A-Za-z]+", text)
    numbers = {_NUMBERS[word.lower()] for word in words if word.lower() in _NUMBERS}
    return figures_of(text) | numbers | {_MONTH_NUMBERS[word] for word in words if word in _MONTH_NUMBERS}


def _is_in(name: str, evidence: str) -> bool:
    plain = name.lower()
    return plain in _NUMBERS or name in _MONTH_NUMBERS or plain in evidence or plain.rstrip("s") in evidence
