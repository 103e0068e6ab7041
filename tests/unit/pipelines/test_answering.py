"""Answers from passages, over a scripted model: what is cited is true, and what is not stated is refused."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.retrievers import BaseRetriever

from agentkit import ScriptedModel, StopReason, answer_question, load_document
from agentkit.facts import figures_of
from agentkit.loaders import FileEntry, walk
from agentkit.reading.passages import Passage, fit_passages
from agentkit.reading.sentences import likeliest_sentences, sentences_of

_FOLDER = Path(__file__).parents[3] / "examples"
_EXAMPLES = [entry.path for entry in walk(_FOLDER, max_file_bytes=50_000_000) if isinstance(entry, FileEntry)]
_TEXT = "The mill was built in 1871 by Josiah Pell. The wheel has 40 paddles.\nFlour is ground on Fridays."


class _Fixed(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        return self.documents


def _retriever(text: str = _TEXT, start: int = 100) -> _Fixed:
    place = {"path": "mill.md", "page": 3, "start": start, "format": "markdown", "heading_path": ("The mill",)}
    return _Fixed(documents=[Document(page_content=text, metadata=place)])


def test_a_true_quote_is_cited_with_its_place() -> None:
    model = ScriptedModel(replies=['[1] "The wheel has 40 paddles."\nAnswer: It has 40 paddles.'])
    pieces: list[str] = []
    answer = answer_question("How many paddles?", _retriever(), model, on_token=pieces.append)
    (citation,) = answer.citations
    assert (citation.path, citation.page, citation.quote) == ("mill.md", 3, "The wheel has 40 paddles.")
    assert _TEXT[citation.start - 100 : citation.end - 100] == citation.quote
    assert answer.is_grounded
    assert "".join(pieces).strip() == answer.text == "It has 40 paddles."


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ('[1] "The wheel has 40 paddles."\n**Answer**: 40.', "40."),
        ('[1] "The wheel has 40 paddles."\n**Answer:** $40, *or so*.', "$40, *or so*."),
        ('[1] "The wheel has 40 paddles."\n\n- answer:\nAnswer: is a word.', "Answer: is a word."),
        ('[1] "The wheel has 40 paddles."', "The wheel has 40 paddles."),
        ('[1] "The wheel has 40 paddles."\nAnswer:', "The wheel has 40 paddles."),
    ],
)
def test_the_answer_begins_where_a_line_says_so_and_is_never_empty(reply: str, text: str) -> None:
    pieces: list[str] = []
    answer = answer_question("How many?", _retriever(), ScriptedModel(replies=[reply]), on_token=pieces.append)
    assert answer.is_grounded
    assert [citation.quote for citation in answer.citations] == ["The wheel has 40 paddles."]
    assert "".join(pieces).strip() == answer.text == text


def test_a_quote_that_holds_the_word_answer_is_not_cut() -> None:
    text = "Question: How long? Answer: It is 24 months."
    reply = f'[1] "{text}"\nAnswer: 24 months.'
    answer = answer_question("How long?", _retriever(text), ScriptedModel(replies=[reply]))
    assert ([citation.quote for citation in answer.citations], answer.text) == ([text], "24 months.")


@pytest.mark.parametrize("reply", ["NOT FOUND", '[1] "The wheel has 40 paddles."\nAnswer: 40.'])
def test_the_tokens_of_a_hosted_model_are_counted_once(reply: str) -> None:
    counted = UsageMetadata(input_tokens=90, output_tokens=9, total_tokens=99)
    model = FakeMessagesListChatModel(responses=[AIMessage(reply, usage_metadata=counted)])
    usage = answer_question("How many?", _retriever(), model).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (90, 9)


def test_a_nearly_true_quote_is_repaired_and_a_made_up_one_dropped() -> None:
    reply = '[1] "the mill was build in 1871 by Josiah Pell"\n[1] "The mill is painted blue all over"\nAnswer: 1871.'
    answer = answer_question("When?", _retriever(), ScriptedModel(replies=[reply]))
    assert [citation.quote for citation in answer.citations] == ["The mill was built in 1871 by Josiah Pell"]


@pytest.mark.parametrize(
    "reply",
    [
        "NOT FOUND",
        "",
        "It was built in 1871.",
        '[1] "made up from nothing"\nAnswer: 12',
        '[1] "The wheel has 40 paddles."\nAnswer: NOT FOUND',
        '[1] "The wheel has 40 paddles."\n**Answer:** NOT FOUND. Nobody is named.',
    ],
)
def test_a_reply_without_a_true_quote_is_a_refusal(reply: str) -> None:
    answer = answer_question("Who painted it?", _retriever(), ScriptedModel(replies=[reply]))
    assert not answer.is_grounded
    assert not answer.citations
    assert answer.stop_reason is StopReason.NOT_FOUND


@pytest.mark.parametrize(
    ("place", "path", "page"),
    [
        ({"source": "mill.pdf", "page": 0, "page_label": "1", "total_pages": 9}, "mill.pdf", 1),
        ({"source": "mill.pdf", "page": 4}, "mill.pdf", 4),
        ({"source": "mill.srt", "start": "00:01:10"}, "mill.srt", None),
        ({"start": None}, "passage 1", None),
    ],
)
def test_a_document_of_another_retriever_is_cited_in_its_own_text(
    place: dict[str, object], path: str, page: int | None
) -> None:
    reply = '[1] "The wheel has 40 paddles."\nAnswer: 40.'
    documents = [Document(page_content=_TEXT, metadata=place)]
    answer = answer_question("How many?", _Fixed(documents=documents), ScriptedModel(replies=[reply]))
    (citation,) = answer.citations
    assert (citation.path, citation.page, _TEXT[citation.start : citation.end]) == (path, page, citation.quote)


def test_no_passages_ask_no_model() -> None:
    model = ScriptedModel(replies=[])
    answer = answer_question("Anything?", _Fixed(documents=[]), model)
    assert answer.stop_reason is StopReason.NOT_FOUND
    assert model.calls == []


@given(st.text(max_size=200))
def test_whatever_the_model_writes_every_citation_is_true(reply: str) -> None:
    answer = answer_question("What?", _retriever(), ScriptedModel(replies=[reply + '\n[1] "Flour is"\nAnswer: x']))
    for citation in answer.citations:
        assert _TEXT[citation.start - 100 : citation.end - 100] == citation.quote


@given(st.lists(st.integers(1, 400), max_size=8), st.integers(0, 900))
def test_passages_that_fit_and_those_left_out_add_up(sizes: list[int], room: int) -> None:
    passages = [Passage(number, "a", None, 0, "x" * size) for number, size in enumerate(sizes, start=1)]
    included, uses = fit_passages(passages, room, len)
    assert len(uses) == len(passages)
    assert sum(use.tokens for use in uses if use.is_included) <= room
    assert len(included) == sum(use.is_included for use in uses)


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.name)
def test_sentences_are_spans_of_their_passage(path: Path) -> None:
    document = load_document(path)
    passage = Passage.of(1, document)
    sentences = list(sentences_of(passage))
    assert sentences
    for sentence in sentences:
        citation = passage.cite(sentence.text)
        assert citation is not None
        assert document.page_content[citation.start : citation.end] == sentence.text


def test_the_sentence_that_shares_most_with_draft_and_question_is_likeliest() -> None:
    sentences = list(sentences_of(Passage(1, "a", None, 0, _TEXT)))
    best = likeliest_sentences(sentences, "It has 40 paddles.", "How many paddles has the wheel?")
    assert [sentence.text for sentence in best] == ["The wheel has 40 paddles."]


@given(st.integers(0, 10**9))
def test_a_number_is_the_same_figure_however_it_is_grouped(number: int) -> None:
    assert figures_of(f"{number:,}") == figures_of(str(number)) == {str(number)}


def test_a_wrapped_sentence_is_one_and_a_table_row_is_one() -> None:
    wrapped = "This line of prose is long enough to have been broken at the margin\nand goes on. Next."
    texts = [sentence.text for sentence in sentences_of(Passage(1, "a", None, 0, wrapped, is_wrapped=True))]
    assert texts == [wrapped.removesuffix(" Next."), "Next."]
    assert not any(re.search("\n", s.text) for s in sentences_of(Passage(1, "a", None, 0, "| a | b |\n| 1 | 2 |")))
