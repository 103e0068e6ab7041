"""A thought tree as one HTML file: an inline SVG, no scripts, nothing loaded from elsewhere.

The root is at the left and each level a column; the full text of a thought shows where the pointer rests on it.
"""

from html import escape

from agentkit.strategies.thought_tree import Fate, Thought, ThoughtTree

_COLUMN, _ROW, _WIDTH, _HEIGHT, _MARGIN = 300, 34, 250, 26, 16  # pixels
_SHOWN_CHARS = 32
_COLOURS = {
    Fate.OPEN: "#e8e8e8",
    Fate.KEPT: "#cfe5ff",
    Fate.PRUNED: "#f4f4f4",
    Fate.MERGED: "#f0e6ff",
    Fate.INVALID: "#ffdede",
    Fate.GOAL: "#b9f0c0",
}
_STYLE = (
    "body{font:13px sans-serif;margin:1em}rect{stroke:#888}path{fill:none;stroke:#bbb}"
    ".best rect,path.best{stroke:#0a58ca;stroke-width:2}"
)


def to_html(tree: ThoughtTree, title: str = "Tree of thought") -> str:
    """The whole page."""
    rows = _rows(tree)
    best = {thought.id for thought in tree.path(tree.best)} | {0}
    edges = [_edge(thought, rows, is_best=thought.id in best) for thought in tree.thoughts[1:]]
    boxes = [_box(thought, rows, is_best=thought.id in best) for thought in tree.thoughts]
    width = (max(thought.depth for thought in tree.thoughts) + 1) * _COLUMN + _MARGIN
    height = (max(rows) + 1) * _ROW + 2 * _MARGIN
    summary = f"{len(tree.thoughts) - 1} thoughts, {tree.stop_reason.value}, {tree.usage.seconds:.1f} s"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        f"<p>{escape(summary)}</p>\n<p>{_legend()}</p>\n"
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}">\n'
        + "\n".join([*edges, *boxes])
        + "\n</svg></body></html>\n"
    )


def _rows(tree: ThoughtTree) -> list[float]:
    """The row of each thought: leaves one below the other, a parent in the middle of its children."""
    rows = [0.0] * len(tree.thoughts)
    next_leaf = 0
    for thought in tree.walk():
        if not tree.children(thought):
            rows[thought.id] = next_leaf
            next_leaf += 1
    for thought in reversed(list(tree.walk())):  # children come before their parents
        if children := tree.children(thought):
            rows[thought.id] = (rows[children[0].id] + rows[children[-1].id]) / 2
    return rows


def _corner(thought: Thought, rows: list[float]) -> tuple[float, float]:
    return _MARGIN + thought.depth * _COLUMN, _MARGIN + rows[thought.id] * _ROW


def _edge(thought: Thought, rows: list[float], *, is_best: bool) -> str:
    assert thought.parent is not None
    x, y = _corner(thought, rows)
    start = x - _COLUMN + _WIDTH
    above = _MARGIN + rows[thought.parent] * _ROW
    middle = (start + x) / 2
    half = _HEIGHT / 2
    mark = ' class="best"' if is_best else ""
    return f'<path{mark} d="M{start} {above + half} C{middle} {above + half} {middle} {y + half} {x} {y + half}"/>'


def _box(thought: Thought, rows: list[float], *, is_best: bool) -> str:
    x, y = _corner(thought, rows)
    value = "" if thought.value is None else f" ({thought.value:.2f})"
    text = " ".join((thought.text or "start").split())
    shown = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
    mark = ' class="best"' if is_best else ""
    tip = f"{thought.fate.value}{value}\n{thought.text}\n{thought.state}"
    return (
        f"<g{mark}><title>{escape(_printable(tip))}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="{_COLOURS[thought.fate]}"/>'
        f'<text x="{x + 6}" y="{y + 17}">{escape(_printable(shown + value))}</text></g>'
    )


def _legend() -> str:
    return " ".join(
        f'<span style="background:{colour}">&nbsp;{fate.value}&nbsp;</span>' for fate, colour in _COLOURS.items()
    )


def _printable(text: str) -> str:
    """Without the characters that no HTML may hold."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
