"""What holds for every search, whatever is proposed and however it is valued."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage, HumanMessage

from agentkit import ScriptedModel, StopReason
from agentkit.strategies import Budget, Fate, Problem, Search, ThoughtRules, ThoughtTree, TreeOfThought
from agentkit.strategies.asking import Asker

_PROBLEM = Problem("Reach the goal.")


@dataclass(frozen=True)
class _Table:
    """Proposes steps and values states by tables, without a model."""

    steps: dict[str, list[str]]
    values: dict[str, float]
    max_tokens: int = 1

    @property
    def prompt(self) -> "_Table":
        return self

    def __call__(self, problem: Problem, state: str) -> tuple[BaseMessage, ...]:
        return (HumanMessage(state),)

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        return [self.steps.get(state, []) for state in states]

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        return [self.values.get(state, 0.0) for state in states]


_STATES = st.sampled_from("abcdefgh")
_TABLES = st.builds(
    _Table,
    st.dictionaries(_STATES, st.lists(_STATES, max_size=4)),
    st.dictionaries(_STATES, st.floats(0, 1)),
)


def _search(table: _Table, **options: object) -> list[ThoughtTree]:
    rules = ThoughtRules(start=lambda _: "a", advance=lambda _, thought: thought, is_goal=lambda state: state == "h")
    strategy = TreeOfThought(proposer=table, evaluator=table, rules=rules, **options)  # type: ignore[arg-type]
    return list(strategy.grow(_PROBLEM, ScriptedModel(replies=[])))


@given(_TABLES, st.sampled_from(list(Search)), st.integers(1, 5), st.integers(1, 3))
def test_no_state_is_there_twice_and_no_path_is_too_long(table: _Table, search: Search, depth: int, beam: int) -> None:
    tree = _search(table, search=search, depth=depth, beam=beam)[-1]
    states = [thought.state for thought in tree.thoughts if thought.fate is not Fate.MERGED]
    assert len(set(states)) == len(states)
    assert max(thought.depth for thought in tree.thoughts) <= depth
    kept = [thought for thought in tree.thoughts[1:] if thought.fate is Fate.KEPT]
    group = (lambda thought: thought.parent) if search is Search.DEPTH_FIRST else (lambda thought: thought.depth)
    assert all(count <= beam for count in Counter(map(group, kept)).values())
    assert (tree.stop_reason is StopReason.COMPLETED) == (tree.best.state == "h")


@given(_TABLES, st.sampled_from(list(Search)), st.integers(1, 6))
def test_a_budget_of_nodes_is_never_exceeded(table: _Table, search: Search, nodes: int) -> None:
    for tree in _search(table, search=search, depth=4, budget=Budget(nodes=nodes)):
        assert len(tree.thoughts) - 1 <= nodes


@given(_TABLES)
def test_depth_first_without_a_threshold_finds_a_goal_that_breadth_first_finds_when_all_is_kept(table: _Table) -> None:
    """Merging keeps the first way to a state, so a depth-first search is given more depth than there are states."""
    wide = _search(table, search=Search.BREADTH_FIRST, depth=9, beam=9)[-1]
    deep = _search(table, search=Search.DEPTH_FIRST, depth=9, beam=9)[-1]
    assert wide.is_solved == deep.is_solved


@given(_TABLES, st.sampled_from(list(Search)))
def test_a_tree_only_grows(table: _Table, search: Search) -> None:
    trees = _search(table, search=search)
    for earlier, later in pairwise(trees):
        same = [(thought.text, thought.parent) for thought in later.thoughts[: len(earlier.thoughts)]]
        assert same == [(thought.text, thought.parent) for thought in earlier.thoughts]
