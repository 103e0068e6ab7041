"""Answers that a strategy reasons: the quotes are true, and have what the reasoning rests on."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from agentkit import ScriptedModel, StopReason, answer_question
from agentkit.pipelines.reasoned import supporting_sentences
from agentkit.reading.passages import Passage
from agentkit.results import Usage
from agentkit.strategies import ChainOfThought, SelfConsistency

_TEXT = "Brida carries 60 people. She makes 4 crossings on an ordinary day. The mill was built in 1871 by Josiah Pell."
_QUESTION = "How many people can Brida carry in a day?"


class _Fixed(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        return [Document(page_content=_TEXT, metadata={"path": "ferries.md", "start": 100})]


class _Doubter:
    usage = Usage()
    least_log_odds = 0.0
    asked = 0

    def proves(self, evidence: str, statement: str) -> float:
        self.asked += bool(evidence and statement)
        return -5.0

    def refutes(self, evidence: str, statement: str) -> float:
        return self.proves(evidence, statement)


def test_every_number_of_the_reasoning_is_quoted_from_where_it_stands() -> None:
    passages = [Passage(1, "ferries.md", None, 0, _TEXT)]
    reasoning = "1. She carries 60 people [1].\n2. She makes 4 crossings.\nStep 3: 60 * 4 = 240."
    quotes = supporting_sentences(reasoning, "240 people", _QUESTION, passages)
    assert [quote.text for quote in quotes] == [
        "Brida carries 60 people.",
        "She makes 4 crossings on an ordinary day.",
    ]


def test_no_passage_supports_nothing() -> None:
    assert supporting_sentences("60", "60", _QUESTION, []) == []


def test_a_vote_over_passages_keeps_its_confidence_and_its_answer_is_told() -> None:
    votes = ["60 * 4 = 240\nAnswer: 240", "Answer: 64", "60 * 4 = 240\nAnswer: 240"]
    pieces: list[str] = []
    model = ScriptedModel(replies=[*votes, "Yes"])
    answer = answer_question(_QUESTION, _Fixed(), model, strategy=SelfConsistency(samples=3), on_token=pieces.append)
    assert (answer.text, round(answer.confidence or 0, 2)) == ("240", 0.67)
    assert pieces == ["240"]
    assert answer.is_grounded
    assert answer.warnings == ("240: in no passage, reckoned by the model",)
    assert [use.is_included for use in answer.passages] == [True]


def test_a_judge_of_the_program_s_own_decides_what_is_proved() -> None:
    judge = _Doubter()
    answer = answer_question(
        _QUESTION, _Fixed(), ScriptedModel(replies=["Answer: 60"]), strategy=ChainOfThought(), judge=judge
    )
    assert not answer.is_grounded
    assert judge.asked


@given(st.text(max_size=200), st.sampled_from(["Yes", "No", "", "yes."]))
def test_whatever_is_reasoned_every_citation_is_true(said: str, verdict: str) -> None:
    model = ScriptedModel(replies=[f"{said}\nAnswer: {said[:40]}", verdict, verdict])
    answer = answer_question(_QUESTION, _Fixed(), model, strategy=ChainOfThought())
    for citation in answer.citations:
        assert _TEXT[citation.start - 100 : citation.end - 100] == citation.quote
    assert answer.is_grounded == bool(answer.citations) == (answer.stop_reason is not StopReason.NOT_FOUND)
