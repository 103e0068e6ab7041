"""How a thought tree looks on a terminal: a Rich tree, the best path in bold, every thought with its value and fate."""

from typing import TextIO

from rich.text import Text
from rich.tree import Tree

from agentkit.cli._render import console_for
from agentkit.cli._terminal import is_terminal, neutralise_line
from agentkit.strategies.thought_tree import Fate, Thought, ThoughtTree

_NO_WIDTH = 1_000_000
"""Where no screen is, no thought is cut."""
_STYLES = {
    Fate.GOAL: "green",
    Fate.KEPT: "",
    Fate.OPEN: "dim",
    Fate.PRUNED: "dim",
    Fate.MERGED: "dim",
    Fate.INVALID: "red",
}


def print_tree(tree: ThoughtTree, stream: TextIO) -> None:
    """The whole tree, each thought in one line."""
    best = {thought.id for thought in tree.path(tree.best)}
    drawn: dict[int, Tree] = {}
    for thought in tree.walk():
        if thought.parent is None:
            drawn[thought.id] = Tree(Text(f"{len(tree.thoughts) - 1} thoughts, {tree.stop_reason.value}", style="bold"))
        else:
            drawn[thought.id] = drawn[thought.parent].add(_line(thought, is_best=thought.id in best))
    console = console_for(stream)
    if not is_terminal(stream):
        console.width = _NO_WIDTH
    console.print(drawn[0])


def _line(thought: Thought, *, is_best: bool) -> Text:
    value = "" if thought.value is None else f" {thought.value:.2f}"
    text = neutralise_line(" ".join(thought.text.split()))
    return Text.assemble(
        (text, f"bold {_STYLES[thought.fate]}" if is_best else _STYLES[thought.fate]),
        (f"  {thought.fate.value}{value}", "dim"),
    )
