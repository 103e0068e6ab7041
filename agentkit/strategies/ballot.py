"""Counting votes: answers that mean the same are one candidate; the most votes win."""

from dataclasses import dataclass, field

from agentkit.strategies.concluding import Conclusion
from agentkit.strategies.forms import AnswerForm


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer and who voted for it."""

    answer: str
    """As its first voter spelled it."""
    votes: int
    logprob: float
    """Mean over its voters of their replies' mean token log-probability; minus infinity where none is known."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes so far, in the order in which they came; a sample without an answer is a vote for nobody."""

    form: AnswerForm
    samples: int
    """How many votes there will be."""
    cast: tuple[Conclusion, ...] = field(default=())

    def with_vote(self, conclusion: Conclusion) -> "Ballot":
        """This ballot with one vote more."""
        return Ballot(self.form, self.samples, (*self.cast, conclusion))

    @property
    def candidates(self) -> list[Candidate]:
        """The winner first: by votes, then by log-probability, then by who came first."""
        groups: dict[str, list[Conclusion]] = {}
        for conclusion in self.cast:
            if conclusion.answer is not None:
                groups.setdefault(self.form.key(conclusion.answer), []).append(conclusion)
        found = [Candidate(str(group[0].answer), len(group), _mean_logprob(group)) for group in groups.values()]
        return sorted(found, key=lambda candidate: (-candidate.votes, -candidate.logprob))

    @property
    def is_decided(self) -> bool:
        """The votes still to come cannot change the winner."""
        candidates = self.candidates
        first, second = ([candidate.votes for candidate in candidates] + [0, 0])[:2]
        return first > second + self.samples - len(self.cast)

    @property
    def agreement(self) -> float:
        """The winner's share of the votes cast, from 0 to 1. A vote for nobody counts against it."""
        candidates = self.candidates
        return candidates[0].votes / len(self.cast) if candidates else 0.0

    def representative(self, candidate: Candidate) -> Conclusion:
        """The candidate's voter whose reply was likeliest; the first where that is not known."""
        key = self.form.key(candidate.answer)
        voters = [vote for vote in self.cast if vote.answer is not None and self.form.key(vote.answer) == key]
        return max(voters, key=lambda vote: float("-inf") if vote.logprob is None else vote.logprob)


def _mean_logprob(group: list[Conclusion]) -> float:
    known = [conclusion.logprob for conclusion in group if conclusion.logprob is not None]
    return sum(known) / len(known) if known else float("-inf")
