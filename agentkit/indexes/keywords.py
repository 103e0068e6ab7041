"""A question as a keyword query for SQLite's FTS5, and the fusion of two rankings into one."""

import re
from collections.abc import Iterable, Sequence

_RRF_CONSTANT = 60
"""As in the paper; it keeps the first ranks from deciding alone."""
_WORD = re.compile(r"[\w]+(?:[.,:'-][\w]+)*")
_STOP_WORDS = frozenset(
    """
    a about an and any are as at be been but by can could did do does for from had has have how i if in
    into is it its many may me much my no not of on one or our should so than that the their them then
    there these they this those to was we were what when where which who whom whose why will with would
    you your
    """.split()
)


def keyword_query(question: str) -> str:
    """An FTS5 query for any of the question's content words; empty where it has none.

    Each word is quoted, so that nothing in a question is taken as FTS5's syntax. `TG-210` stays one phrase.
    """
    words = [word for word in _WORD.findall(question.lower()) if word not in _STOP_WORDS]
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(words))


def fuse(rankings: Iterable[Sequence[str]]) -> list[tuple[str, float]]:
    """Ids with their scores, best first and equal ones by their id: reciprocal rank fusion (Cormack et al. 2009)."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, identifier in enumerate(ranking, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1.0 / (_RRF_CONSTANT + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
