"""A question as a keyword query for SQLite's FTS5."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[\w]+(?:[.,:'-][\w]+)*")
STOP_WORDS = frozenset(
    """
    a about an and any are as at be been but by can could did do does for from had has have how i if in
    into is it its many may me much my no not of on one or our should so than that the their them then
    there these they this those to was we were what when where which who whom whose why will with would
    you your
    """.split()
)


def keyword_query(question: str, added: Iterable[str] = ()) -> str:
    """An FTS5 query for any of the question's content words; empty where it has none.

    Each word is quoted, so that nothing in a question is taken as FTS5's syntax. `TG-210` stays one phrase. With
    `added` words, the question's own stand twice: BM25 sums over phrases, so that they weigh twice as much.
    """
    words = [word for word in _WORD.findall(question.lower()) if word not in STOP_WORDS]
    own, more = list(dict.fromkeys(words)), list(added)
    return " OR ".join(f'"{word}"' for word in (*own, *(own if more else ()), *more))
