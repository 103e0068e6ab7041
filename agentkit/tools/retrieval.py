"""`retrieval` and `read_document`: passages of indexes, each with a number that the final answer cites.

A passage keeps its number for as long as the numbering lives, also when another call finds it again, so that `[3]` in
an answer means one span of one file.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import accumulate, chain, zip_longest

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from rapidfuzz import fuzz, process

from agentkit.chunkers import page_at
from agentkit.errors import ToolError
from agentkit.indexes import Index
from agentkit.results import Hit
from agentkit.tools.flags import tool

RETRIEVAL = "retrieval"
"""The name of the tool that searches."""
READ_DOCUMENT = "read_document"
"""The name of the tool that reads a span of a file."""
RESULT_CHARS = 6000
"""The longest text of `retrieval`, by default."""
_READ_CHARS = 3000
_MOST_READ_CHARS = 6000
_MOST_ALIKE = 100
"""Paths that are compared closely with one that is not there."""
_NOTE_CHARS = 80
"""Room for what is said behind the passages."""


@dataclass(frozen=True, slots=True)
class NumberedHit:
    """A passage that the model has seen."""

    number: int
    """From 1; what an answer cites, as `[1]`."""
    index: str
    """The name of the index; empty where there is only one."""
    hit: Hit


class PassageNumbering:
    """The passages that were seen, in the order of their numbers. Several threads may use it."""

    def __init__(self) -> None:
        self._passages: dict[tuple[str, str, int, int, str], NumberedHit] = {}
        self._lock = threading.Lock()

    def number(self, hit: Hit, index: str = "") -> NumberedHit:
        """The passage with its number: the one that it has, or the next."""
        key = (index, hit.path, hit.start, hit.end, "" if hit.end else hit.text)
        with self._lock:
            return self._passages.setdefault(key, NumberedHit(len(self._passages) + 1, index, hit))

    def __getitem__(self, number: int) -> NumberedHit:
        """Raises KeyError where no passage has the number."""
        with self._lock:
            passages = list(self._passages.values())
        if not 1 <= number <= len(passages):
            raise KeyError(number)
        return passages[number - 1]

    def __iter__(self) -> Iterator[NumberedHit]:
        """In the order of their numbers."""
        with self._lock:
            return iter(list(self._passages.values()))

    def __len__(self) -> int:
        return len(self._passages)


def retrieval_tool(
    retrievers: BaseRetriever | Mapping[str, BaseRetriever],
    numbering: PassageNumbering | None = None,
    *,
    max_chars: int = RESULT_CHARS,
) -> BaseTool:
    """The tool `retrieval`: search one index, or several by name, whose passages are taken in turns.

    Its artifact is the list of `NumberedHit`s that the text shows. Those that would make it too long are left out
    whole, without a number, and that is said.

    Args:
        retrievers: LangChain retrievers; those of an `Index` know path, page and span.
        numbering: Shared with other tools of the same run; by default its own.
        max_chars: The longest text, headings and all.
    """
    named = {"": retrievers} if isinstance(retrievers, BaseRetriever) else dict(retrievers)
    names = {name: name if len(named) > 1 else "" for name in named}
    passages = PassageNumbering() if numbering is None else numbering  # an empty one is false

    @tool(parallel=True, timeout_s=60, max_result_chars=max_chars, response_format="content_and_artifact")
    def retrieval(query: str) -> tuple[str, list[NumberedHit]]:
        """Search the user's documents. Gives numbered passages with the file and page that they are from.

        Args:
            query: What to look for, in a few words.
        """
        if not query.strip():
            raise ToolError("the query is empty: write what to look for")
        found = {names[name]: [_hit(each) for each in one.invoke(query)] for name, one in named.items()}
        in_turns = [(name, hit) for name, hit in _in_turns(found) if hit.text.strip()]
        if not in_turns:
            return "nothing was found: try other words", []
        shown = _fitting(in_turns, max_chars)
        numbered = [passages.number(hit, name) for name, hit in shown]
        text = "\n\n".join(f"{_heading(passage)}\n{passage.hit.text.strip()}" for passage in numbered)
        left_out = len(in_turns) - len(shown)
        more = f"\n\n({left_out} more passages are left out: ask for something narrower)" if left_out else ""
        return text + more, numbered

    return retrieval


def read_document_tool(
    indexes: Index | Mapping[str, Index],
    numbering: PassageNumbering | None = None,
    *,
    max_chars: int = 2 * _MOST_READ_CHARS,
) -> BaseTool:
    """The tool `read_document`: a span of an indexed file, as the index holds it.

    Its artifact is a list of one `NumberedHit`.

    Args:
        indexes: One, or several by name.
        numbering: Shared with `retrieval`; by default its own.
        max_chars: The longest text, heading and all; of a longer span the beginning is shown, and where it goes on.
    """
    named = {indexes.name: indexes} if isinstance(indexes, Index) else dict(indexes)
    passages = PassageNumbering() if numbering is None else numbering  # an empty one is false

    @tool(parallel=True, max_result_chars=max_chars, response_format="content_and_artifact")
    def read_document(path: str, start: int = 0, length: int = _READ_CHARS) -> tuple[str, list[NumberedHit]]:
        """Read a part of one of the user's documents, for more of it than a passage shows.

        Args:
            path: The file, as retrieval names it.
            start: The character to begin at.
            length: How many characters, at most 6000.
        """
        name, known = _located(path, named)
        text = named[name].document_text(known)
        if not 0 <= start < max(1, len(text)):
            raise ToolError(f"{path} has {len(text)} characters: give a start from 0 to {max(0, len(text) - 1)}")
        if not 1 <= length <= _MOST_READ_CHARS:
            raise ToolError(f"length is {length}: give 1 to {_MOST_READ_CHARS}")
        end = min(start + length, len(text))
        offsets = named[name].catalog.metadata(known).get("page_offsets") or []
        hit = Hit(
            rank=1,
            score=1.0,
            path=known,
            page=page_at(offsets, start),
            start=start,
            end=end,
            text=text[start:end],
            metadata={"page_offsets": offsets},
        )
        shown = name if len(named) > 1 else ""
        hit = _beginning(shown, hit, max_chars)
        end, passage = hit.end, passages.number(hit, shown)
        more = f"\n\n(it goes on: start={end}, of {len(text)} characters)" if end < len(text) else "\n\n(the end)"
        return f"{_heading(passage)}\n{hit.text}{more}", [passage]

    return read_document


def _in_turns(found: Mapping[str, Sequence[Hit]]) -> Iterator[tuple[str, Hit]]:
    """The best of each index, then the second of each, and so on."""
    rows = zip_longest(*([(name, hit) for hit in hits] for name, hits in found.items()))
    return (each for each in chain.from_iterable(rows) if each is not None)


def _fitting(hits: Sequence[tuple[str, Hit]], max_chars: int) -> Sequence[tuple[str, Hit]]:
    """Those that fit in the text; the first always, cut where it is too long by itself."""
    lengths = list(accumulate(_heading_chars(*each) + len(each[1].text) + len("\n\n") for each in hits))
    if lengths[-1] <= max_chars:
        return hits
    name, first = hits[0]
    count = sum(length <= max_chars - _NOTE_CHARS for length in lengths)
    return hits[:count] or [(name, _beginning(name, first, max_chars))]


def _beginning(index: str, hit: Hit, max_chars: int) -> Hit:
    """What of a passage fits in a text of its own; at least a character."""
    room = max(1, max_chars - _NOTE_CHARS - _heading_chars(index, hit))
    return replace(hit, text=hit.text[:room], end=min(hit.end, hit.start + room)) if len(hit.text) > room else hit


def _heading_chars(index: str, hit: Hit) -> int:
    """With its line end, and a number of any length."""
    return len(_heading(NumberedHit(9999, index, hit))) + 1


def _heading(passage: NumberedHit) -> str:
    """`[2] notes:guide.pdf, page 3, characters 120-980, Installation › Power`."""
    hit = passage.hit
    parts = [f"[{passage.number}] {f'{passage.index}:' if passage.index else ''}{hit.path or 'a passage'}"]
    if hit.page:
        parts.append(f"page {hit.page}")
    if hit.end:
        parts.append(f"characters {hit.start}-{hit.end}")
    if headings := hit.metadata.get("heading_path"):
        parts.append(" › ".join(map(str, headings)))
    return ", ".join(parts)


def _hit(document: Document) -> Hit:
    """A retriever's document; one that is not an index's may know neither path nor span."""
    known = document.metadata
    start, end = known.get("start"), known.get("end")
    is_span = isinstance(start, int) and isinstance(end, int)
    score, page = known.get("score"), known.get("page")
    return Hit(
        rank=0,
        score=float(score) if isinstance(score, int | float) else 0.0,
        path=str(known.get("path") or known.get("source") or ""),
        page=page if isinstance(page, int) else None,
        start=start if is_span and isinstance(start, int) else 0,
        end=end if is_span and isinstance(end, int) else 0,
        text=document.page_content,
        metadata=known,
    )


def _located(path: str, indexes: Mapping[str, Index]) -> tuple[str, str]:
    """The index and the path in it that a model means: `notes:a.md`, `a.md`, or the end of a path."""
    known = [(name, each) for name, index in indexes.items() for each in index.paths()]
    exact = [(name, each) for name, each in known if path in (each, f"{name}:{each}")]
    found = exact or [(name, each) for name, each in known if each.endswith(f"/{path}")]
    if len(found) > 1:
        raise ToolError(f"{path} could be {' or '.join(f'{name}:{each}' for name, each in found[:5])}: choose one")
    if found:
        return found[0]
    near = _nearest(path, [each for _, each in known])
    hint = f"did you mean {near}?" if near else "use retrieval to find the right one"
    raise ToolError(f"there is no document {path[:200]!r}: {hint}")


def _nearest(path: str, known: Sequence[str]) -> str | None:
    """As difflib finds it; among 100,000 paths that are much alike it takes a minute, so it looks at a few of them."""
    few = process.extract(path, known, scorer=fuzz.ratio, limit=_MOST_ALIKE)
    return next(iter(get_close_matches(path, [each for each, _, _ in few], n=1, cutoff=0.4)), None)
