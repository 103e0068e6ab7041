"""Neighbouring hits of a document as one passage, so that what was cut apart is read together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agentkit.results import Hit


def merged(hits: Sequence[Hit], document_text: Callable[[str], str], *, gap_chars: int = 20) -> list[Hit]:
    """Hits that overlap, or lie within `gap_chars` of each other, as one hit with the best one's rank and score.

    A merged hit is a span of its document like any other; its heading path is what its parts have in common. Ranks are
    given anew.
    """
    groups: list[list[Hit]] = []
    for hit in sorted(hits, key=lambda each: (each.path, each.start)):
        last = groups[-1] if groups else []
        if last and last[0].path == hit.path and hit.start <= max(each.end for each in last) + gap_chars:
            last.append(hit)
        else:
            groups.append([hit])
    joined = sorted((_joined(group, document_text) for group in groups), key=lambda hit: hit.rank)
    return [replace(hit, rank=rank) for rank, hit in enumerate(joined, start=1)]


def _joined(group: Sequence[Hit], document_text: Callable[[str], str]) -> Hit:
    best = min(group, key=lambda hit: hit.rank)
    start, end = min(hit.start for hit in group), max(hit.end for hit in group)
    headings = [tuple(hit.metadata.get("heading_path") or ()) for hit in group]
    common = next(
        (headings[0][:length] for length in range(len(headings[0]), -1, -1)
         if all(each[:length] == headings[0][:length] for each in headings)),
        (),
    )  # fmt: skip
    first = min(group, key=lambda hit: hit.start)
    return replace(
        best,
        start=start,
        end=end,
        page=first.page,
        text=document_text(best.path)[start:end],
        metadata={**best.metadata, "heading_path": common},
    )
