"""A thought tree on a terminal."""

import io

from agentkit.cli._tree import print_tree
from agentkit.results import StopReason, Usage
from agentkit.strategies import Fate, Thought, ThoughtTree


def test_every_thought_is_a_line_below_its_parent() -> None:
    tree = ThoughtTree(
        (
            Thought(0, None, 0, "", "4 6"),
            Thought(1, 0, 1, "add\n[red]\x1b[2J", "10", 0.05, Fate.PRUNED),
            Thought(2, 0, 1, "multiply", "24", 1.0, Fate.GOAL),
            Thought(3, 1, 2, "again", "10", None, Fate.MERGED),
        ),
        StopReason.COMPLETED,
        Usage(),
    )
    stream = io.StringIO()
    print_tree(tree, stream)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "3 thoughts, completed"
    assert lines[1].startswith("├── add [red]")
    assert lines[1].endswith("pruned 0.05")
    assert lines[2] == "│   └── again  merged"
    assert lines[3] == "└── multiply  goal 1.00"
    assert "\x1b" not in stream.getvalue()


def test_no_thought_is_cut_where_there_is_no_screen() -> None:
    thoughts = (Thought(0, None, 0, "", ""), Thought(1, 0, 1, "word " * 200, "", 0.5, Fate.KEPT))
    stream = io.StringIO()
    print_tree(ThoughtTree(thoughts, StopReason.COMPLETED, Usage()), stream)
    assert stream.getvalue().endswith("word  kept 0.50\n")
