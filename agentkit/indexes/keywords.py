"""A question as keyword queries for SQLite's FTS5: any of its words, and what in it must be taken exactly.

Exact are phrases in double quotes, and identifiers and codes: `TG-210`, `read_file`, `getUserName`, `std::sort`,
`os.path`, `/etc/fstab`, `2.4.0`, `0x8007`. FTS5 cuts them at their signs as it cuts the text, so that each is looked
for as a phrase.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"\w+(?:(?:[.,:'@-]|::)\w+)*")
_QUOTED = re.compile(r'(?<!\w)["“„](?=\S)([^"“”„]+)(?<=\S)["“”](?!\w)')
_PATH = re.compile(r"(?<!\w)~?(?:/[\w.-]+){2,}")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDENTIFIER = re.compile(
    r"""
    \w*[^\W_]_[^\W_]\w* | _+[^\W_]\w*  # snake_case, _private
    | \w*[a-z][A-Z]\w*                 # camelCase
    | [^\W\d_][\w./:-]*\d[\w./:-]*     # a code: begins with a letter and has a digit
    | \d+(?:\.\d+)+ | 0[xX][0-9a-fA-F]+
    | (?!\w(?:\.\w)+$)[^\W\d_]\w*(?:(?:\.|::)[^\W\d_]\w*)+  # os.path, std::sort; not e.g.
    """,
    re.VERBOSE,
)
_FEW_WORDS = 1
"""Beside the names of a query, for it to be a search for these names."""
_MOST_DIGITS = 19
"""Nobody groups more, and Python refuses to convert thousands."""
STOP_WORDS = frozenset(
    """
    a about an and any are as at be been but by can could did do does for from had has have how i if in
    into is it its many may me much my no not of on one or our should so than that the their them then
    there these they this those to was we were what when where which who whom whose why will with would
    you your
    """.split()
)


@dataclass(frozen=True, slots=True)
class ExactTerm:
    """Something in a question that must be taken exactly."""

    query: str
    """For FTS5; of more than one form where it can be written in several ways."""
    is_wanted: bool
    """True where who asks wants passages that hold it: a phrase in quotes, or a query of hardly anything else."""


def keyword_query(question: str, added: Iterable[str] = ()) -> str:
    """An FTS5 query for any of the question's content words and quoted phrases; empty where it has none.

    Each word is quoted, so that nothing in a question is taken as FTS5's syntax. `TG-210` stays one phrase. With
    `added` words, the question's own stand twice: BM25 sums over phrases, so that they weigh twice as much.
    """
    words = [form for word in _content_words(question) for form in _forms(word)]
    own, more = list(dict.fromkeys((*words, *_phrases(question)))), list(added)
    return _any_of((*own, *(own if more else ()), *more))


def exact_terms(question: str) -> list[ExactTerm]:
    """The phrases in quotes and the identifiers of a question; the only word of a query is one too.

    >>> [term.query for term in exact_terms('What is a "tide mill" and TG-210?')]
    ['"tide mill"', '"tg-210"']
    """
    words, phrases = _content_words(question), _phrases(question)
    names = [" ".join(_WORD.findall(path)) for path in _PATH.findall(question)]
    names += filter(_IDENTIFIER.fullmatch, words)
    is_lookup = len(words) <= len(names) + _FEW_WORDS
    names = words if len(words) == 1 else names
    terms = {_any_of([phrase]): True for phrase in phrases} | {_any_of(_forms(name)): is_lookup for name in names}
    return [ExactTerm(query, is_wanted) for query, is_wanted in terms.items()]


def _content_words(question: str) -> list[str]:
    return [word for word in _WORD.findall(question) if word.lower() not in STOP_WORDS]


def _phrases(question: str) -> list[str]:
    """Of two words or more: a single word in quotes is mentioned, not asked for."""
    quoted = [_WORD.findall(phrase) for phrase in _QUOTED.findall(question)]
    return [" ".join(words).lower() for words in quoted if len(words) > 1]


def _any_of(forms: Iterable[str]) -> str:
    return " OR ".join(f'"{form}"' for form in forms)


def _forms(word: str) -> list[str]:
    """A word in lower case, and the other ways to write it: `4,500` is `4500`; `getName` is `get_name` and back."""
    plain = word.lower()
    if _GROUPED.fullmatch(word):
        return [plain, word.replace(",", "")]
    if word.isascii() and word.isdigit() and 3 < len(word) < _MOST_DIGITS and not word.startswith("0"):
        return [plain, f"{int(word):,}"]
    if re.search(r"[a-z][A-Z]", word) and word.isalnum() and word[0].isalpha():
        return [plain, " ".join(_CAMEL.findall(word)).lower()]
    if "_" in word.strip("_"):
        return [plain, plain.replace("_", "")]
    return [plain]
