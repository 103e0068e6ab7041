"""Self-consistency (Wang et al. 2022, arXiv:2203.11171): many reasonings, and the answer that most of them reach.

With a local model all samples are decoded in one batch; those still running are cancelled as soon as the vote cannot
change.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from langchain_core.language_models import BaseChatModel

from agentkit.results import Answer, StopReason
from agentkit.strategies.asking import PARALLEL_CALLS, Asker, Request
from agentkit.strategies.ballot import Ballot
from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.concluding import conclude, to_answer
from agentkit.strategies.forms import AnswerForm
from agentkit.strategies.problem import Problem, check_range


@dataclass(frozen=True, slots=True)
class SelfConsistency:
    """Samples `samples` chains of thought and takes a vote; `confidence` is the winner's share of the votes cast."""

    samples: int = 8
    chain: ChainOfThought = field(default_factory=lambda: ChainOfThought(temperature=0.7))
    """How each sample reasons. Its temperature must be above 0; sample n takes its seed plus n."""
    parallel_calls: int = PARALLEL_CALLS
    """Most calls at a time; 1 asks one after another."""

    def __post_init__(self) -> None:
        check_range("samples", self.samples, 1, 256)
        check_range("parallel_calls", self.parallel_calls, 1, 256)
        if self.samples > 1:
            check_range("temperature", self.chain.temperature, 0.01, 2)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = Asker(model, problem.opening, parallel_calls=self.parallel_calls)
        fitted = self.chain.prompt(problem, model)
        *_, ballot = self._votes(self.chain.requests(problem, fitted, self.samples), problem.form, asker)
        if not ballot.candidates:
            answer = to_answer(ballot.cast[0], asker, fitted.warnings)
            return replace(answer, stop_reason=StopReason.UNPARSED, confidence=0.0)
        winner = ballot.candidates[0]
        chosen = replace(ballot.representative(winner), answer=winner.answer)
        return replace(to_answer(chosen, asker, fitted.warnings), confidence=ballot.agreement)

    def votes(self, problem: Problem, model: BaseChatModel) -> Iterator[Ballot]:
        """The ballot after each vote, until it is complete or decided."""
        asker = Asker(model, problem.opening, parallel_calls=self.parallel_calls)
        requests = self.chain.requests(problem, self.chain.prompt(problem, model), self.samples)
        return self._votes(requests, problem.form, asker)

    def _votes(self, requests: list[Request], form: AnswerForm, asker: Asker) -> Iterator[Ballot]:
        ballot = Ballot(form, self.samples)
        with closing(asker.ask_each(requests)) as replies:
            for number, reply in replies:
                ballot = ballot.with_vote(conclude(asker, requests[number], reply, form))
                yield ballot
                if ballot.is_decided:
                    return
