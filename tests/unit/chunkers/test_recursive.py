"""Where a text is cut, and what the next chunk repeats."""

from itertools import pairwise

from agentkit.chunkers.chunk import ChunkLimits, Section
from agentkit.chunkers.recursive import cut_sections


def cut(text: str, max_chars: int, overlap_chars: int = 0, max_tokens: int = 10_000) -> list[str]:
    limits = ChunkLimits(max_chars, overlap_chars, max_tokens)
    chunks = cut_sections(text, [Section(0, len(text))], limits, lambda span: len(span.split()))
    return [chunk.text for chunk in chunks]


def test_a_short_text_is_one_chunk() -> None:
    assert cut("  one. two\n\nthree ", 100) == ["one. two\n\nthree"]


def test_the_coarsest_boundary_of_the_later_half_is_taken() -> None:
    assert cut("one two three\n\nfour. five six", 22) == ["one two three", "four. five six"]
    assert cut("one two. three\nfour. five six", 22) == ["one two. three", "four. five six"]
    assert cut("One two three. Four five six", 20) == ["One two three.", "Four five six"]
    assert cut("onetwo three four", 12) == ["onetwo", "three four"]
    assert cut("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert cut("これは文です。次の文です。", 8) == ["これは文です。", "次の文です。"]


def test_a_boundary_of_the_first_half_would_make_chunks_too_short() -> None:
    assert cut("a\n\nbcde fgh ijkl", 12) == ["a\n\nbcde fgh", "ijkl"]


def test_the_next_chunk_repeats_whole_words_of_the_overlap() -> None:
    assert cut("one two three four five six seven", 18, overlap_chars=9) == [
        "one two three",
        "three four five",
        "five six seven",
    ]


def test_a_text_without_spaces_is_not_repeated() -> None:
    assert "".join(cut("abcdefghijklmnop", 5, overlap_chars=2)) == "abcdefghijklmnop"


def test_a_chunk_of_too_many_tokens_is_made_shorter() -> None:
    assert all(len(chunk.split()) <= 3 for chunk in cut("a b c d e f g h", 100, max_tokens=3))


def test_no_chunk_lies_inside_of_the_one_before() -> None:
    text = "light words stand here in a row and then " + "x " * 300
    limits = ChunkLimits(100, 50, 30)
    chunks = cut_sections(text, [Section(0, len(text))], limits, lambda span: 5 * span.count("x") + 1)
    assert all(one.end < two.end for one, two in pairwise(chunks))
