"""Claims of an answer against documents."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import HashingEmbedder, Index, ScriptedModel, Usage, index_folder
from agentkit.facts import missing_facts, numbers_of
from agentkit.reading.grounding import check_answer, split_claims, unsupported_claims
from agentkit.reading.passages import Passage
from agentkit.results import Verdict


class Judge:
    """Says what it was told to."""

    least_log_odds = 0.0

    def __init__(self, proves: float, refutes: float = -1.0) -> None:
        self.usage = Usage()
        self._proves, self._refutes = proves, refutes
        self.evidence: list[str] = []

    def proves(self, evidence: str, statement: str) -> float:
        self.evidence.append(evidence)
        return self._proves

    def refutes(self, evidence: str, statement: str) -> float:
        return self._refutes


class CountingJudge(Judge):
    """Proves everything, at a cost."""

    def __init__(self) -> None:
        super().__init__(2.0)

    def proves(self, evidence: str, statement: str) -> float:
        self.usage += Usage(prompt_tokens=10, seconds=0.5)
        return super().proves(evidence, statement)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "ferry.md").write_text("# Ferry\n\nBrida was built in 1979. It is green. The horn is loud.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        yield index


@pytest.mark.parametrize(
    ("judge", "answer", "verdict"),
    [
        (Judge(2.0), "Brida was built in 1979.", Verdict.SUPPORTED),
        (Judge(-3.0), "Brida was built in 1979.", Verdict.NOT_FOUND),
        (Judge(-3.0, 1.0), "Brida was built in 1979.", Verdict.CONTRADICTED),
        (Judge(2.0), "Brida was built in 1980.", Verdict.NOT_FOUND),
        (Judge(2.0, 1.0), "Brida was built in 1980.", Verdict.CONTRADICTED),
    ],
)
def test_a_claim_is_what_facts_and_judge_say(index: Index, judge: Judge, answer: str, verdict: Verdict) -> None:
    report = check_answer(answer, index.as_retriever(), ScriptedModel(replies=[]), judge=judge)
    (claim,) = report.claims
    assert claim.verdict is verdict
    assert report.is_grounded == (verdict is Verdict.SUPPORTED)
    assert claim.citation is not None
    span = index.document_text(claim.citation.path)[claim.citation.start : claim.citation.end]
    assert span == claim.citation.quote == "Brida was built in 1979."
    assert "It is green" in judge.evidence[0]


def test_another_model_is_asked_for_a_word(index: Index) -> None:
    model = ScriptedModel(replies=["Yes, it does.", "No.", "Yes."])
    report = check_answer("Brida was built in 1979. It is red.", index.as_retriever(), model)
    assert [claim.verdict for claim in report.claims] == [Verdict.SUPPORTED, Verdict.CONTRADICTED]
    assert not report.is_grounded


def test_an_empty_index_supports_nothing(tmp_path: Path) -> None:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        report = check_answer("It is so.", index.as_retriever(), ScriptedModel(replies=[]))
    assert [claim.verdict for claim in report.claims] == [Verdict.NOT_FOUND]


@given(st.text(max_size=200))
def test_claims_are_spans_that_hold_every_letter_of_the_answer(answer: str) -> None:
    claims = split_claims(answer)
    covered = set()
    for text, start, end in claims:
        assert answer[start:end] == text
        covered |= set(range(start, end))
    assert all(at in covered for at, character in enumerate(answer) if character.isalnum())


@pytest.mark.parametrize(
    ("statement", "evidence", "missing"),
    [
        ("It costs 4,500 crowns.", "price: 4500", []),
        ("On 12 December 2023.", "date: 2023-12-12", []),
        ("On 12 November 2023.", "date: 2023-12-12", ["11"]),
        ("It takes fourteen weeks.", "14 weeks", []),
        ("The second Friday.", "on the first Friday", ["2"]),
        ("It was built by Anselm Quill.", "built by Josiah Pell", ["Anselm", "Quill"]),
        ("Nobody may sail.", "no sailing", []),
        ("Brida is green.", "the ferry is green", []),
        ("No more than one share.", "every household can buy a share", []),
    ],
)
def test_numbers_and_names_are_compared_exactly(statement: str, evidence: str, missing: list[str]) -> None:
    assert missing_facts(statement, evidence) == missing


@given(st.text(max_size=80))
def test_a_text_misses_nothing_of_itself(text: str) -> None:
    assert missing_facts(text, text) == []
    assert numbers_of(text) == numbers_of(text)


_PASSAGE = Passage(1, "ferry.md", None, 0, "Brida was built in 1979. It is green.")


def test_sentences_with_a_number_or_name_that_no_passage_has_are_told() -> None:
    answer = "Brida was built in 1979. Ada Pell paid 300 crowns. It is green."
    claims, usage = unsupported_claims(answer, "When was it built?", [_PASSAGE], ScriptedModel(replies=[]))
    assert [claim.text for claim in claims] == ["Ada Pell paid 300 crowns."]
    assert claims[0].missing == ("300", "Pell")
    assert answer[claims[0].start : claims[0].end] == claims[0].text
    assert usage == Usage()


def test_what_the_question_says_may_be_repeated() -> None:
    claims, _ = unsupported_claims(
        "By 2030 it is green.", "Is it green by 2030?", [_PASSAGE], ScriptedModel(replies=[])
    )
    assert claims == []


def test_a_judge_of_the_users_judges_every_sentence() -> None:
    claims, _ = unsupported_claims("It is green.", "?", [_PASSAGE], ScriptedModel(replies=[]), Judge(-1.0, 1.0))
    assert [claim.verdict for claim in claims] == [Verdict.CONTRADICTED]


def test_a_judge_that_is_used_again_is_not_counted_again(index: Index) -> None:
    judge = CountingJudge()
    counted = [check_answer("It is green.", index.as_retriever(), None, judge=judge).usage for _ in range(2)]
    model = ScriptedModel(replies=[])
    counted += [unsupported_claims("It is green.", "?", [_PASSAGE], model, judge)[1] for _ in range(2)]
    assert counted == [Usage(prompt_tokens=10, seconds=0.5)] * 4


def test_without_a_model_and_a_judge_nothing_can_be_checked(index: Index) -> None:
    with pytest.raises(ValueError, match="a model or a judge"):
        check_answer("It is so.", index.as_retriever(), None)
