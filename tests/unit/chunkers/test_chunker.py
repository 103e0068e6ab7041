"""What holds for every chunk of every text (design.md, invariant 1), on generated texts and on every example file."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from agentkit.chunkers import Chunk, ChunkLimits, chunk_document
from agentkit.chunkers.context import context_of
from agentkit.errors import DocumentError
from agentkit.indexes.records import searched_text
from agentkit.loaders import FileEntry, load_document, walk

EXAMPLES = Path(__file__).parents[3] / "examples"


def words(text: str) -> int:
    """A token a word, and the two that frame a text."""
    return len(text.split()) + 2


def bytes_of(text: str) -> int:
    """A token a byte: the least that any embedder's vocabulary does."""
    return len(text.encode()) + 2


def check(document: Document, limits: ChunkLimits, count: Callable[[str], int]) -> list[Chunk]:
    """Chunks of a document, after asserting all that is promised of them."""
    text = document.page_content
    chunks = chunk_document(document, limits, count)
    covered: set[int] = set()
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert len(chunk.text) <= limits.max_chars
        assert count(chunk.text) <= limits.max_tokens or len(chunk.text) == 1
        covered.update(range(chunk.start, chunk.end))
    assert all(position in covered for position, character in enumerate(text) if not character.isspace())
    for one, two in pairwise(chunks):
        assert one.start < two.start
        assert one.end < two.end
        assert one.end - two.start <= limits.overlap_chars
    assert chunk_document(document, limits, count) == chunks
    return chunks


METADATA: list[dict[str, Any]] = [
    {"format": "text"},
    {"format": "markdown"},
    {"format": "code", "language": "python"},
    {"format": "code", "language": "go"},
    {"format": "rst"},
    {"format": "asciidoc"},
    {"format": "latex"},
    {"format": "notebook"},
    {"format": "pdf", "outline": [(0, 1, "One"), (3, 2, "Two"), (9, 1, "Three")]},
    {
        "format": "archive",
        "parts": [
            {"name": "a.md", "offset": 0, "format": "markdown"},
            {"name": "b.py", "offset": 7, "format": "code", "language": "python"},
        ],
    },
]
PIECES = st.sampled_from([
    "# Head\n", "## Sub ##\n", "Set\n===\n", "```\n", "~~~\n", "- a\n", "class A:\n",
    "def f(x):\n    return x\n", "    y = 1\n", "\n\n", "\n", "\t", " ", "word ", "A sentence. ",
    "。終わり。", "\u2028", "\x0c", "\x85", "👩‍👩‍👧", "é", "x" * 50, "}\n", "---\n", "a: b\n",
    "== Title\n", "----\n", "\\section{A}\n", "Head\n====\n", "====\nOver\n====\n", "Sub\n~~~\n",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=40).map("".join)
LIMITS = st.builds(
    ChunkLimits,
    max_chars=st.integers(1, 120),
    overlap_chars=st.integers(0, 80),
    max_tokens=st.integers(6, 60),
)


@given(TEXTS, LIMITS, st.sampled_from(METADATA), st.sampled_from([words, bytes_of]))
@settings(max_examples=400)
def test_chunks_are_spans_within_the_limits_that_cover_any_text(
    text: str, limits: ChunkLimits, metadata: dict[str, Any], count: Callable[[str], int]
) -> None:
    check(Document(text, metadata=metadata), limits, count)


@pytest.mark.parametrize("metadata", METADATA)
@pytest.mark.parametrize("text", ["x" * 50_000, "word " * 10_000, "\n" * 50_000 + "x", "# " * 25_000, "é\n" * 20_000])
def test_large_texts_of_one_kind_are_cut_with_few_counts(text: str, metadata: dict[str, Any]) -> None:
    counts = 0

    def count(span: str) -> int:
        nonlocal counts
        counts += 1
        assert len(span) <= 1000 + 240 + 2  # with what the chunk is about before it
        return len(span) // 2 + 2

    chunks = chunk_document(Document(text, metadata=metadata), ChunkLimits(), count)
    assert "".join(text.split()) == "".join("".join(chunk.text.split()) for chunk in chunks) or len(chunks) > 1
    assert counts <= 4 * len(chunks) + 4


def test_a_text_of_white_space_has_no_chunks() -> None:
    assert chunk_document(Document(" \n\t", metadata={"format": "text"}), ChunkLimits(), words) == []
    assert chunk_document(Document(""), ChunkLimits(), words) == []


@pytest.mark.parametrize("wrong", [{"max_chars": 0}, {"max_tokens": 0}, {"overlap_chars": -1}])
def test_limits_that_nothing_can_keep_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        ChunkLimits(**wrong)


def examples() -> list[FileEntry]:
    return [entry for entry in walk(EXAMPLES, max_file_bytes=50_000_000) if isinstance(entry, FileEntry)]


def test_there_are_examples_of_every_format() -> None:
    assert len(examples()) >= 12
    formats = {load_document(entry.path).metadata["format"] for entry in examples()}
    assert formats >= {"markdown", "html", "pdf", "docx", "csv", "json", "text", "code"}


@pytest.mark.parametrize("entry", examples(), ids=lambda entry: entry.relative)
@pytest.mark.parametrize("limits", [ChunkLimits(), ChunkLimits(max_chars=200, overlap_chars=50, max_tokens=30)])
def test_every_example_is_cut_into_true_spans(entry: FileEntry, limits: ChunkLimits) -> None:
    try:
        document = load_document(entry.path)
    except DocumentError as error:  # pragma: no cover
        pytest.fail(f"{entry.relative}: {error}")
    assert check(document, limits, words)
    assert document.metadata["title"]


HANGUL = st.integers(0, 200).map(lambda length: ("강남닭락 봄빛 " * 30)[:length])


def letters(text: str) -> int:
    """A token a letter, as all-MiniLM's vocabulary cuts Hangul."""
    return len(unicodedata.normalize("NFD", text)) + 2


@given(HANGUL, HANGUL, HANGUL, st.sampled_from(["text", "markdown"]))
@settings(max_examples=50)
def test_titles_leads_and_headings_leave_room_for_the_chunk(title: str, lead: str, heading: str, form: str) -> None:
    body = "가나다라마바사 아자차카타파하. " * 100
    text = f"{lead}.\n\n# {heading}\n\n{body}"
    metadata = {"format": form, "title": title}
    chunks = check(Document(page_content=text, metadata=metadata), ChunkLimits(), letters)
    assert max(letters(searched_text(metadata, text, chunk)) for chunk in chunks) <= ChunkLimits().max_tokens
    assert len(chunks) < len(text) / 10


def test_the_context_of_english_prose_is_not_cut() -> None:
    title = "The tide mill at Gannet Gut (1871), its wheel, and the carpenter who built it"
    headings = (
        "Part two: the wheel",
        "How often it turns, and why it stops at the ebb",
        "What was paid for it in 1903",
    )
    context = context_of({"format": "markdown", "title": title}, "", 0, headings)
    assert context == " › ".join((title, *headings))
