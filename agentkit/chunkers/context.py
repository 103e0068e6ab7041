"""What a chunk is about beyond its own words: the document's title or beginning, and the headings above.

It is put before the chunk in what is embedded and searched by words, never in what is cited. On Cranfield it is worth
one point of nDCG@10 (docs/retrieval.md); "contextual chunk headers" elsewhere.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

_LONGEST_LEAD = 160
_LONGEST_CONTEXT = 240
_MOST_TOKENS = 80
"""By estimate: an index tells what was searched for a chunk from its text alone, without a tokenizer."""
_UNTITLED_FORMATS = frozenset({"text", "pdf"})
"""Formats whose title is a file's name, or whatever a program wrote: their first sentence tells more."""
_LEAD = re.compile(rf"\s*(.{{3,{_LONGEST_LEAD}}}?)(?:[ \t]*\n|[.!?…](?=\s)|\Z)", re.DOTALL)


def context_of(metadata: Mapping[str, Any], text: str, start: int, heading_path: Sequence[str]) -> str:
    """What to put before the chunk that begins at `start` of a document's `text`; empty where it says it all itself."""
    above = lead_of(text) if metadata.get("format") in _UNTITLED_FORMATS else str(metadata.get("title") or "")
    beginning = text[start : start + _LONGEST_CONTEXT]
    parts = [part for part in dict.fromkeys((above, *heading_path)) if part and part not in beginning]
    return _bounded(" › ".join(parts)[:_LONGEST_CONTEXT])


def with_context(context: str, text: str) -> str:
    """The text that is embedded and searched for a chunk."""
    return f"{context}\n\n{text}" if context else text


def lead_of(text: str) -> str:
    """The first line or sentence of a text, or its first words where that is long."""
    found = _LEAD.match(text)
    if found:
        return " ".join(found[1].split())
    return text[:_LONGEST_LEAD].strip().rpartition(" ")[0]


@lru_cache(maxsize=1024)  # a document's chunks share it
def _bounded(context: str) -> str:
    """As much of it as leaves most of an embedder's window to the chunk; English prose is never cut."""
    lengths = accumulate(map(_tokens, context))
    return context[: sum(length <= _MOST_TOKENS for length in lengths)]


def _tokens(character: str) -> float:
    """About how many of an English WordPiece vocabulary, which cuts a Hangul syllable into its letters."""
    if not character.isascii():
        return len(unicodedata.normalize("NFD", character))
    return 0.25 if character.isalpha() or character.isspace() else 1
