"""Long tables: every row is found together with what its columns mean."""

import time

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from agentkit.chunkers import Chunk, ChunkLimits, chunk_document
from tests.unit.chunkers.test_chunker import check, words

ROWS = [f"| {1900 + number} | {number * 10} kg |" for number in range(60)]
TABLE = "\n".join(["| Year | Weight of the gate |", "|---|:---:|", *ROWS])


def chunks(text: str, form: str = "markdown") -> list[Chunk]:
    document = Document(page_content=text, metadata={"format": form, "title": "x"})
    return check(document, ChunkLimits(max_chars=300, overlap_chars=40, max_tokens=10_000), words)


def test_rows_after_the_first_have_the_header_among_their_headings() -> None:
    found = chunks(f"# Gates\n\nA list.\n\n{TABLE}\n\nThe end.")
    assert "| Year" in found[0].text
    for row in ROWS:
        holders = [chunk for chunk in found if row in chunk.text]
        assert all("Weight of the gate" in chunk.text + " ".join(chunk.heading_path) for chunk in holders)
    assert found[-1].heading_path == ("Gates",)
    assert found[-1].text == "The end."


def test_a_line_above_a_long_table_stands_with_its_first_rows() -> None:
    assert chunks(f"# Gates\n\nA list.\n\n{TABLE}")[0].text.startswith("# Gates\n\nA list.\n\n| Year")
    assert [chunk.text for chunk in chunks(f"{'word ' * 40}\n\n{TABLE}")][1].startswith("| Year")


def test_a_short_table_stays_whole() -> None:
    text = "Before.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter."
    assert [chunk.text for chunk in chunks(text)] == [text]


def test_what_follows_a_short_table_is_not_taken_for_its_rows() -> None:
    prose = "".join(f"Line {number} of what follows it.\n" for number in range(20))
    found = chunks(f"| a | b |\n|---|---|\n| 1 | 2 |\n\n{prose}")
    assert found[0].text.endswith("| 1 | 2 |")
    assert {chunk.heading_path for chunk in found} == {()}


@given(st.text(alphabet="|-: ab\n", max_size=400))
def test_any_table_is_covered(text: str) -> None:
    document = Document(page_content="x\n" + text, metadata={"format": "markdown", "title": "x"})
    check(document, ChunkLimits(max_chars=20, overlap_chars=5, max_tokens=10_000), words)


def test_what_is_nearly_a_table_takes_no_time() -> None:
    started = time.thread_time()
    for text in ("| a |\n" * 100_000, "| a |\n|--" * 50_000, "|" * 300_000, "| a |\n|" + "-" * 300_000):
        document = Document(page_content=text, metadata={"format": "markdown", "title": "x"})
        chunk_document(document, ChunkLimits(), words)
    assert time.thread_time() - started < 20
