"""What a chunk is about beyond its own words: the document's title or beginning, and the headings above.

It is put before the chunk in what is embedded and searched by words, never in what is cited. On Cranfield it is worth
one point of nDCG@10 (docs/retrieval.md); "contextual chunk headers" elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST_LEAD = 160
_LONGEST_CONTEXT = 240
_UNTITLED_FORMATS = frozenset({"text", "pdf"})
"""Formats whose title is a file's name, or whatever a program wrote: their first sentence tells more."""
_LEAD = re.compile(rf"\s*(.{{3,{_LONGEST_LEAD}}}?)(?:[ \t]*\n|[.!?…](?=\s)|\Z)", re.DOTALL)


def context_of(metadata: Mapping[str, Any], text: str, start: int, heading_path: Sequence[str]) -> str:
    """What to put before the chunk that begins at `start` of a document's `text`; empty where it says it all itself."""
    above = lead_of(text) if metadata.get("format") in _UNTITLED_FORMATS else str(metadata.get("title") or "")
    beginning = text[start : start + _LONGEST_CONTEXT]
    parts = [part for part in dict.fromkeys((above, *heading_path)) if part and part not in beginning]
    return " › ".join(parts)[:_LONGEST_CONTEXT]


def with_context(context: str, text: str) -> str:
    """The text that is embedded and searched for a chunk."""
    return f"{context}\n\n{text}" if context else text


def lead_of(text: str) -> str:
    """The first line or sentence of a text, or its first words where that is long."""
    found = _LEAD.match(text)
    if found:
        return " ".join(found[1].split())
    return text[:_LONGEST_LEAD].strip().rpartition(" ")[0]
