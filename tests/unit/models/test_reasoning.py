"""`<think>` blocks, whole, broken and missing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.models.reasoning import ReasoningText, without_reasoning


def _split(pieces: list[str], *, is_open: bool = False, may_lack_tag: bool = False) -> tuple[str, str]:
    text = ReasoningText(is_open=is_open, may_lack_tag=may_lack_tag)
    parts = [*(text.add(piece) for piece in pieces), text.add("", is_last=True)]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(
    ("reply", "is_open", "may_lack_tag", "expected"),
    [
        ("Paris.", False, False, ("", "Paris.")),
        ("<think>\nHm.\n</think>\n\nParis.", False, False, ("Hm.", "Paris.")),
        ("Hm.\n</think>\n\nParis.", True, False, ("Hm.", "Paris.")),
        ("Hm.\n</think>\n\nParis.", False, True, ("Hm.", "Paris.")),
        ("Paris.", False, True, ("", "Paris.")),
        ("<think>Hm. Paris.", False, False, ("Hm. Paris.", "")),
        ("Hm. Paris.", True, False, ("Hm. Paris.", "")),
        ("<think></think>Paris.", False, True, ("", "Paris.")),
        ("<thin air", False, False, ("", "<thin air")),
        ("a < b </think", False, False, ("", "a < b </think")),
    ],
)
@given(cuts=st.lists(st.integers(1, 6), max_size=30))
def test_reasoning_and_answer_are_told_apart_however_the_text_is_cut(
    reply: str, is_open: bool, may_lack_tag: bool, expected: tuple[str, str], cuts: list[int]
) -> None:
    pieces, at = [], 0
    for size in [*cuts, len(reply)]:
        pieces.append(reply[at : at + size])
        at += size
    assert _split(pieces, is_open=is_open, may_lack_tag=may_lack_tag) == expected


def test_an_answer_is_streamed_as_it_comes() -> None:
    text = ReasoningText(is_open=False, may_lack_tag=False)
    assert text.add("Par") == ("", "Par")
    assert text.add("is.") == ("", "is.")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<think>x</think>\n\nParis.", "Paris."),
        ("\n<think>x <think> y</think> Paris.", "Paris."),
        ("<think>never closed", ""),
        ("Write <b>bold</b>.", "Write <b>bold</b>."),
        ("The tag <think> opens a thought.", "The tag <think> opens a thought."),
        ("Between <think> and </think> it thinks.", "Between <think> and </think> it thinks."),
        (" " * 20_000, " " * 20_000),
        ("<think>" * 20_000 + "x", ""),
        (" " * 20_000 + "<thin", " " * 20_000 + "<thin"),
    ],
)
@pytest.mark.parametrize("may_lack_tag", [False, True])
def test_reasoning_is_left_out_of_the_history(text: str, kept: str, may_lack_tag: bool) -> None:
    started = time.process_time()
    assert without_reasoning(text, may_lack_tag=may_lack_tag) == kept
    assert time.process_time() - started < 0.5


def test_an_opening_tag_may_be_missing_where_the_model_reasons() -> None:
    text = "In HTML, write </think> after the thought. The password is 7."
    assert without_reasoning(text, may_lack_tag=False) == text
    assert without_reasoning("x</think>Paris.", may_lack_tag=True) == "Paris."
    assert without_reasoning(" " * 20_000 + "x</think> Paris.", may_lack_tag=True) == "Paris."
