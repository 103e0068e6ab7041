"""The vote: counted exactly, ended early, tied by log-probability."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ScriptedModel, StopReason
from agentkit.errors import StrategyError
from agentkit.strategies.ballot import Ballot, Candidate
from agentkit.strategies.concluding import Conclusion
from agentkit.strategies.forms import NumberForm, TextForm
from agentkit.strategies.problem import Problem
from agentkit.strategies.self_consistency import SelfConsistency

_PENS = Problem("How many pens?", form=NumberForm())


def _vote(answer: str | None, logprob: float | None = None) -> Conclusion:
    return Conclusion(answer, f"because {answer}", f"Answer: {answer}", logprob, StopReason.COMPLETED)


def test_the_most_frequent_answer_wins_with_its_share_as_confidence() -> None:
    replies = ["One.\nAnswer: 12", "Two.\nAnswer: 7", "Three.\nAnswer: 12.0", "Four.\nAnswer: 9", "Five.\nAnswer: 12"]
    answer = SelfConsistency(samples=5).solve(_PENS, ScriptedModel(replies=replies))
    assert (answer.text, answer.reasoning, answer.confidence) == ("12", "One.", 0.6)


def test_the_vote_ends_as_soon_as_it_cannot_change() -> None:
    model = ScriptedModel(replies=["Answer: 1", "Answer: 2", "Answer: 1", "Answer: 1"])
    ballots = list(SelfConsistency(samples=5).votes(_PENS, model))
    assert [ballot.is_decided for ballot in ballots] == [False, False, False, True]
    assert len(model.calls) == 4
    assert ballots[-1].candidates == [Candidate("1", 3, float("-inf")), Candidate("2", 1, float("-inf"))]


def test_a_tie_goes_to_the_likelier_replies() -> None:
    ballot = Ballot(TextForm(), 4)
    for vote in (_vote("esk", -0.9), _vote("The Tay", -0.1), _vote("tay.", -0.3), _vote("esk", -0.2)):
        ballot = ballot.with_vote(vote)
    assert [candidate.answer for candidate in ballot.candidates] == ["The Tay", "esk"]
    assert ballot.representative(ballot.candidates[0]).logprob == -0.1
    assert not ballot.is_decided


def test_a_sample_without_an_answer_counts_against_the_agreement() -> None:
    model = ScriptedModel(replies=["Answer: 4", "hm", "hm", "Answer: 4"])
    answer = SelfConsistency(samples=3).solve(_PENS, model)
    assert answer.text == "4"
    assert answer.confidence == pytest.approx(2 / 3)


def test_no_answer_at_all_is_said_to_be_so() -> None:
    answer = SelfConsistency(samples=2).solve(_PENS, ScriptedModel(replies=["a", "b", "c", "d"]))
    assert (answer.stop_reason, answer.confidence) == (StopReason.UNPARSED, 0.0)


@given(st.lists(st.sampled_from([None, "1", "2", "3"]), min_size=1, max_size=9))
def test_a_decided_vote_has_the_winner_that_all_votes_would_have_given(votes: list[str | None]) -> None:
    ballot = Ballot(NumberForm(), len(votes))
    early = None
    for vote in votes:
        ballot = ballot.with_vote(_vote(vote))
        if early is None and ballot.is_decided:
            early = ballot.candidates[0].answer
    counts = Counter(vote for vote in votes if vote)
    if early is not None:
        assert early == counts.most_common(1)[0][0]
    assert [candidate.votes for candidate in ballot.candidates] == [count for _, count in counts.most_common()]


@pytest.mark.parametrize("samples", [0, -1, 1000])
def test_a_number_of_samples_out_of_range_is_refused(samples: int) -> None:
    with pytest.raises(StrategyError, match=f"samples is {samples}: give a value from 1 to 256"):
        SelfConsistency(samples=samples)
