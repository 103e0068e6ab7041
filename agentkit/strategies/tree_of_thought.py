"""Tree of thought (Yao et al. 2023, arXiv:2305.10601): generate, evaluate, select; breadth first or depth first.

The parts are next door: `proposing.py` generates, `evaluating.py` evaluates, `thought_rules.py` has what the caller
knows, `growing.py` grows the tree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import monotonic

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from agentkit.errors import StrategyError
from agentkit.models.context import prompt_tokens
from agentkit.results import Answer, StopReason
from agentkit.strategies.asking import PARALLEL_CALLS, Asker, Request
from agentkit.strategies.concluding import ask_plainly, to_answer
from agentkit.strategies.direct import plain_question
from agentkit.strategies.evaluating import DefaultVerdicts, Evaluator
from agentkit.strategies.growing import Growth, breadth_first, depth_first
from agentkit.strategies.problem import Problem, check_range
from agentkit.strategies.proposing import Proposer, SampledProposals
from agentkit.strategies.thought_rules import Budget, ThoughtRules
from agentkit.strategies.thought_tree import ThoughtTree


class Search(StrEnum):
    """The order in which states are expanded."""

    BREADTH_FIRST = "breadth-first"
    """Level by level, each one batch; the best `beam` states of a level go on."""
    DEPTH_FIRST = "depth-first"
    """The most promising child first, and back where it leads nowhere; the best `beam` children are tried."""


@dataclass(frozen=True, slots=True)
class TreeOfThought:
    """Searches a tree of thoughts; `confidence` is the value of the thought that the answer rests on.

    Where a budget ends the search or it is exhausted, the answer is the best so far and `stop_reason` says so.
    """

    search: Search = Search.BREADTH_FIRST
    depth: int = 3
    beam: int = 3
    proposer: Proposer = field(default_factory=SampledProposals)
    evaluator: Evaluator = field(default_factory=DefaultVerdicts)
    rules: ThoughtRules = field(default_factory=ThoughtRules)
    budget: Budget = field(default_factory=Budget)
    least_value: float = 0.0
    """States below it are pruned, however few there are."""
    seed: int = 0
    max_tokens: int = 512
    """Longest answer, where the model is asked for it."""
    parallel_calls: int = PARALLEL_CALLS
    """Most calls at a time; 1 asks one after another."""
    watch: Callable[[ThoughtTree], None] | None = None
    """Called by `solve` with the tree after each batch of thoughts; the last is the result."""

    def __post_init__(self) -> None:
        check_range("depth", self.depth, 1, 64)
        check_range("beam", self.beam, 1, 256)
        check_range("parallel_calls", self.parallel_calls, 1, 256)
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = self._asker(problem, model)
        for tree in self._grow(problem, asker):
            if self.watch:
                self.watch(tree)
        steps = [thought.text for thought in tree.path(tree.best)]
        if self.rules.conclude:
            answer = Answer(self.rules.conclude(problem, steps), usage=asker.usage)
        else:
            answer = self._ask_for_answer(problem, steps, Asker(model, problem.opening), tree)
        reason = answer.stop_reason if tree.stop_reason is StopReason.COMPLETED else tree.stop_reason
        warnings = answer.warnings if tree.stop_reason is StopReason.COMPLETED else (*answer.warnings, _warning(tree))
        return replace(
            answer, stop_reason=reason, reasoning="\n".join(steps), confidence=tree.best.value, warnings=warnings
        )

    def grow(self, problem: Problem, model: BaseChatModel) -> Iterator[ThoughtTree]:
        """The tree after each batch of thoughts; the last one is the result.

        Raises:
            StrategyError: the budget is too small for one thought.
            ModelError: the model failed.
        """
        return self._grow(problem, self._asker(problem, model))

    def _asker(self, problem: Problem, model: BaseChatModel) -> Asker:
        seconds = self.budget.seconds
        deadline = None if seconds is None else monotonic() + seconds
        return Asker(model, problem.opening, parallel_calls=self.parallel_calls, deadline=deadline)

    def _grow(self, problem: Problem, asker: Asker) -> Iterator[ThoughtTree]:
        self._check_budget(problem, asker.model)
        growth = Growth(
            problem, self.rules, self.proposer, self.evaluator, self.budget, asker, self.seed, self.least_value
        )
        grow = breadth_first if self.search is Search.BREADTH_FIRST else depth_first
        return grow(growth, depth=self.depth, beam=self.beam)

    def _check_budget(self, problem: Problem, model: BaseChatModel) -> None:
        if self.budget.tokens is None:
            return
        prompt = (*problem.opening, *self.proposer.prompt(problem, self.rules.start(problem)))
        needed = prompt_tokens(model, prompt) + self.proposer.max_tokens
        if self.budget.tokens < needed:
            raise StrategyError(
                f"the budget of {self.budget.tokens} tokens is too small for one thought: give {needed} or more"
            )

    def _ask_for_answer(self, problem: Problem, steps: list[str], asker: Asker, tree: ThoughtTree) -> Answer:
        """What the model concludes from the steps; asked for also when the budget is spent."""
        shown = "\n".join(steps)
        text = f"{problem.text}\n\nThese steps were taken:\n{shown}" if steps else problem.text
        request = Request((HumanMessage(plain_question(text, problem.form)),), self.max_tokens)
        answer = to_answer(ask_plainly(asker, request, problem.form), asker)
        return replace(answer, usage=tree.usage + answer.usage)


def _warning(tree: ThoughtTree) -> str:
    why = "its budget was spent" if tree.stop_reason is StopReason.BUDGET else "no goal was reached"
    return f"the search ended with its best thought so far: {why} after {len(tree.thoughts) - 1} thoughts"
