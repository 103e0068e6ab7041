"""How an answer is reasoned: the strategy that a command line names, and what is shown and kept of its reasoning."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TextIO

from rich.text import Text

from agentkit.cli._invocation import UsageError, check_folder_of
from agentkit.cli._render import console_for
from agentkit.cli._terminal import neutralise
from agentkit.cli._tree import print_tree
from agentkit.results import Answer
from agentkit.strategies import Strategy, ThoughtTree, TreeOfThought, to_html
from agentkit.workspace import Workspace


@dataclass
class Reasoning:
    """A strategy and, where it searches a tree, the tree as it is now."""

    strategy: Strategy
    tree_file: Path | None = None
    tree: ThoughtTree | None = None

    @classmethod
    def of(cls, workspace: Workspace, name: str, options: Mapping[str, str], *, tree_file: Path | None) -> Self:
        """The strategy that is named, with its options as they were written.

        Raises:
            StrategyError: an unknown strategy or option, or a value out of its range.
            UsageError: a file for a tree that is of no known kind, cannot be written, or that no tree will come for.
        """
        reasoning = cls(workspace.strategy(name, options), tree_file)
        if isinstance(reasoning.strategy, TreeOfThought):
            reasoning.strategy = replace(reasoning.strategy, watch=reasoning._watch)
        elif tree_file:
            raise UsageError(f"--save-tree is for the strategy tot: {name} grows no tree")
        if tree_file and tree_file.suffix not in {".html", ".json"}:
            raise UsageError(f"--save-tree {tree_file}: give a name that ends in .html or .json")
        if tree_file:
            check_folder_of(tree_file)
        return reasoning

    def as_json(self, answer: Answer, *, is_explained: bool) -> dict[str, Any]:  # Any: whatever JSON holds
        """What a reasoned answer has beside the others."""
        shape: dict[str, Any] = {"reasoning": answer.reasoning, "confidence": answer.confidence}
        return {**shape, "tree": json.loads(self.tree.to_json())} if self.tree and is_explained else shape

    def explain(self, answer: Answer, stream: TextIO) -> None:
        """The reasoning, or the tree that it was searched in."""
        console = console_for(stream)
        console.print(Text("Reasoning", style="bold"))
        if self.tree:
            print_tree(self.tree, stream)
        else:
            console.print(Text(neutralise(answer.reasoning) or "(none)"))
        if answer.confidence is not None:
            console.print(Text(f"confidence {answer.confidence:.2f}", style="dim"))

    def save_tree(self) -> None:
        """Write the tree where it is wanted."""
        if self.tree_file and self.tree:
            text = to_html(self.tree) if self.tree_file.suffix == ".html" else self.tree.to_json()
            self.tree_file.write_text(text, encoding="utf-8")

    def _watch(self, tree: ThoughtTree) -> None:
        self.tree = tree
