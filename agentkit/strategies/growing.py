"""How a tree of thought grows: one batch of thoughts at a time, duplicates merged, invalid ones kept for the record."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agentkit.results import StopReason
from agentkit.strategies.asking import Asker
from agentkit.strategies.evaluating import Evaluator
from agentkit.strategies.problem import Problem
from agentkit.strategies.proposing import Proposer
from agentkit.strategies.thought_rules import Budget, ThoughtRules
from agentkit.strategies.thought_tree import Fate, Thought, ThoughtTree


class Growth:
    """A tree that is growing: `generate`, `evaluate` and `select` are the paper's three steps."""

    def __init__(
        self,
        problem: Problem,
        rules: ThoughtRules,
        proposer: Proposer,
        evaluator: Evaluator,
        budget: Budget,
        asker: Asker,
        seed: int,
        least_value: float,
    ) -> None:
        self._problem = problem
        self._rules = rules
        self._proposer = proposer
        self._evaluator = evaluator
        self._budget = budget
        self._asker = asker
        self._seed = seed
        self._least_value = least_value
        state = rules.start(problem)
        self._thoughts = [Thought(0, None, 0, "", state)]
        self._keys = {rules.key(state)}
        is_solved = rules.is_goal is not None and rules.is_goal(state)
        self.decide(0, Fate.GOAL if is_solved else Fate.KEPT)

    @property
    def has_goal(self) -> bool:
        """There is something to look for, so that the full depth alone is no success."""
        return self._rules.is_goal is not None

    @property
    def goal(self) -> Thought | None:
        """The first goal reached."""
        return next((thought for thought in self._thoughts if thought.fate is Fate.GOAL), None)

    @property
    def is_spent(self) -> bool:
        return self._budget.is_spent(self._asker, len(self._thoughts) - 1)

    def generate(self, parents: Sequence[int]) -> list[int]:
        """Propose thoughts from every parent in one batch; the ids of those that are valid, new and no goal."""
        states = [self._thoughts[parent].state for parent in parents]
        rows = self._proposer.propose(self._problem, states, self._rules, self._asker, self._seed)
        pairs = [(parent, text) for parent, row in zip(parents, rows, strict=True) for text in row]
        if self._budget.nodes is not None:
            pairs = pairs[: self._budget.nodes - len(self._thoughts) + 1]
        added = [self._add(parent, text) for parent, text in pairs]
        return [number for number in added if self._thoughts[number].fate is Fate.OPEN]

    def evaluate(self, numbers: Sequence[int]) -> None:
        """Value the states of these thoughts in one batch."""
        if not numbers:
            return
        states = [self._thoughts[number].state for number in numbers]
        values = self._evaluator.evaluate(self._problem, states, self._asker, self._seed)
        for number, value in zip(numbers, values, strict=True):
            self._thoughts[number] = replace(self._thoughts[number], value=value)

    def select(self, numbers: Sequence[int], beam: int) -> list[int]:
        """The best `beam` of them, the best first, the earlier of equals; the others are pruned."""
        ranked = sorted(numbers, key=lambda number: (-self._value(number), number))
        good = [number for number in ranked if self._value(number) >= self._least_value][:beam]
        for number in numbers:
            self.decide(number, Fate.KEPT if number in good else Fate.PRUNED)
        return good

    def decide(self, number: int, fate: Fate) -> None:
        """Say what became of a thought."""
        self._thoughts[number] = replace(self._thoughts[number], fate=fate)

    def depth(self, number: int) -> int:
        """How many steps led to a thought."""
        return self._thoughts[number].depth

    def tree(self, reason: StopReason) -> ThoughtTree:
        """The tree as it is now."""
        return ThoughtTree(tuple(self._thoughts), reason, self._asker.usage)

    def _value(self, number: int) -> float:
        value = self._thoughts[number].value
        return float("-inf") if value is None else value

    def _add(self, parent: int, text: str) -> int:
        above = self._thoughts[parent]
        thought = Thought(len(self._thoughts), parent, above.depth + 1, text, above.state)
        if not self._rules.is_valid(above.state, text):
            thought = replace(thought, fate=Fate.INVALID)
        else:
            state = self._rules.advance(above.state, text)
            thought = replace(thought, state=state)
            key = self._rules.key(state)
            if key in self._keys:
                thought = replace(thought, fate=Fate.MERGED)
            elif self._rules.is_goal and self._rules.is_goal(state):
                thought = replace(thought, fate=Fate.GOAL, value=1.0)
            self._keys.add(key)
        self._thoughts.append(thought)
        return thought.id


def breadth_first(growth: Growth, *, depth: int, beam: int) -> Iterator[ThoughtTree]:
    """Level by level: the tree after each."""
    frontier = [0]
    reason = StopReason.COMPLETED
    for level in range(depth):
        if growth.goal:
            break
        if growth.is_spent:
            reason = StopReason.BUDGET
            break
        found = growth.generate(frontier)
        is_last = level == depth - 1 and growth.has_goal
        if growth.goal or is_last:  # nothing is left to be chosen
            continue
        if growth.is_spent:
            reason = StopReason.BUDGET
            break
        growth.evaluate(found)
        frontier = growth.select(found, beam)
        yield growth.tree(StopReason.COMPLETED)
        if not frontier:
            reason = StopReason.EXHAUSTED
            break
    yield growth.tree(_outcome(growth, reason))


def depth_first(growth: Growth, *, depth: int, beam: int) -> Iterator[ThoughtTree]:
    """The most promising thought first, with back-tracking: the tree after each expansion.

    Without a goal to look for, the first thought at full depth ends the search.
    """
    waiting = [0]
    reason = StopReason.COMPLETED
    while waiting and not growth.goal:
        number = waiting.pop()
        if growth.depth(number) == depth:
            if growth.has_goal:
                continue
            break
        if growth.is_spent:
            reason = StopReason.BUDGET
            break
        found = growth.generate([number])
        if growth.goal:
            break
        growth.evaluate(found)
        waiting += reversed(growth.select(found, beam))
        yield growth.tree(StopReason.COMPLETED)
    else:
        reason = StopReason.EXHAUSTED
    yield growth.tree(_outcome(growth, reason))


def _outcome(growth: Growth, reason: StopReason) -> StopReason:
    if growth.goal:
        return StopReason.COMPLETED
    if reason is StopReason.COMPLETED and growth.has_goal:
        return StopReason.BUDGET if growth.is_spent else StopReason.EXHAUSTED
    return reason
