"""The tree that a search leaves behind: to be walked, compared, and kept as JSON. `tree_picture.py` draws it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property

from agentkit.errors import StrategyError
from agentkit.results import StopReason, Usage

_FORMAT = "agentkit thought tree 1"


class Fate(StrEnum):
    """What became of a thought."""

    OPEN = "open"
    """Generated, and the search ended before anything was decided."""
    KEPT = "kept"
    """Selected: the search went on from it, or would have."""
    PRUNED = "pruned"
    """Others were better."""
    MERGED = "merged"
    """It led to a state that was there already."""
    INVALID = "invalid"
    """`is_valid` refused it."""
    GOAL = "goal"
    """`is_goal` accepted its state."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A node of the tree: one step and the state that it leads to."""

    id: int
    """Its place in `ThoughtTree.thoughts`: the order of generation, 0 for the root."""
    parent: int | None
    """None for the root alone."""
    depth: int
    text: str
    """Empty for the root."""
    state: str
    value: float | None = None
    """What the evaluation gave, by default from 0 to 1; None where it was not evaluated."""
    fate: Fate = Fate.OPEN


@dataclass(frozen=True)  # without slots: what was computed is kept in the object's dict
class ThoughtTree:
    """Every thought of a search, the refused ones included."""

    thoughts: tuple[Thought, ...]
    stop_reason: StopReason
    usage: Usage

    @property
    def best(self) -> Thought:
        """The goal; without one the deepest thought, among equals the most valued, then the earliest."""
        candidates = [thought for thought in self.thoughts if thought.fate not in {Fate.MERGED, Fate.INVALID}]
        return max(candidates, key=_worth)

    @property
    def is_solved(self) -> bool:
        """A goal was reached."""
        return self.best.fate is Fate.GOAL

    def path(self, thought: Thought) -> list[Thought]:
        """From the first step to `thought`; empty for the root."""
        steps = []
        while thought.parent is not None:
            steps.append(thought)
            thought = self.thoughts[thought.parent]
        return steps[::-1]

    def children(self, thought: Thought) -> list[Thought]:
        """The steps that were proposed from `thought`, in the order of generation."""
        return self._children[thought.id]

    def walk(self) -> Iterator[Thought]:
        """Every thought, each before its children."""
        waiting = [self.thoughts[0]]
        while waiting:
            thought = waiting.pop()
            yield thought
            waiting += reversed(self.children(thought))

    def to_json(self) -> str:
        """The whole tree as JSON, for `from_json`."""
        thoughts = [asdict(thought) for thought in self.thoughts]
        record = {
            "format": _FORMAT,
            "stop_reason": self.stop_reason,
            "usage": asdict(self.usage),
            "best": self.best.id,
            "thoughts": thoughts,
        }
        return json.dumps(record, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "ThoughtTree":
        """The tree that `to_json` wrote.

        Raises:
            StrategyError: it did not.
        """
        try:
            record = json.loads(text)
            if record["format"] != _FORMAT:
                raise StrategyError(f"the tree's format is {record['format']!r}, and this version reads {_FORMAT!r}")
            thoughts = [Thought(**{**entry, "fate": Fate(entry["fate"])}) for entry in record["thoughts"]]
            tree = cls(tuple(thoughts), StopReason(record["stop_reason"]), Usage(**record["usage"]))
        except (ValueError, KeyError, TypeError) as error:
            raise StrategyError(f"this is not a tree's JSON: {type(error).__name__}: {error}") from error
        for number, thought in enumerate(tree.thoughts):
            is_root = number == 0 and thought.parent is None
            if thought.id != number or not (is_root or (thought.parent is not None and 0 <= thought.parent < number)):
                raise StrategyError(f"this is not a tree: thought {number} has no place in it")
        if not tree.thoughts:
            raise StrategyError("this is not a tree: it has no thoughts")
        return tree

    @cached_property
    def _children(self) -> list[list[Thought]]:
        children: list[list[Thought]] = [[] for _ in self.thoughts]
        for thought in self.thoughts:
            if thought.parent is not None:
                children[thought.parent].append(thought)
        return children


def _worth(thought: Thought) -> tuple[bool, int, float, int]:
    value = float("-inf") if thought.value is None else thought.value
    return thought.fate is Fate.GOAL, thought.depth, value, -thought.id
