"""What is made of a reply that asks itself follow-up questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.agents.citing import Quote
from agentkit.agents.self_ask import SelfAsk
from agentkit.results import Hit
from agentkit.tools.retrieval import NumberedHit

_LINES = ["Brida was  built in 1979.", "Runa Castell steers Brida.", "The quay has 14 rings and 12 lamps."]
_CHAIN = (
    "Follow up: What does Runa Castell steer?\nLine: Runa Castell steers Brida.\nIntermediate answer: Brida\n"
    "Follow up: When was Brida built?\nLine: Brida was built in 1979.\nIntermediate answer: 1979\n"
)


def _asked(question: str, lines: list[str] = _LINES) -> SelfAsk:
    return SelfAsk(question, [_quote(line) for line in lines])


def _quote(text: str) -> Quote:
    return Quote(NumberedHit(1, "", Hit(1, 1.0, "a.txt", None, 0, len(text), text)), 0, len(text))


def test_an_answer_comes_with_the_lines_that_were_quoted() -> None:
    found = _asked("When was the vessel built?").read(_CHAIN + "So the final answer is: Brida was built in 1979.")
    assert found is not None
    answer, quotes = found
    assert answer == "Brida was built in 1979."
    assert [quote.text for quote in quotes] == _LINES[:2]


def test_a_line_that_was_not_quoted_and_alone_has_a_number_of_the_answer_is_one_of_them() -> None:
    found = _asked("When?").read(_CHAIN + "So the final answer is: In 1979, with twelve lamps.")
    assert found is not None
    assert [quote.text for quote in found[1]] == _LINES


@pytest.mark.parametrize(
    "reply",
    [
        _CHAIN + "So the final answer is: In 1980.",
        _CHAIN + "So the final answer is: Runa Castell steers it.",
        _CHAIN + "So the final answer is: ",
        _CHAIN,
        _CHAIN + "Follow up: Who?\nLine: none of these",
        "Follow up: Who?\nLine: none of these",
        "",
    ],
)
def test_what_does_not_rest_on_quoted_lines_and_a_reply_cut_short_is_no_answer(reply: str) -> None:
    assert _asked("When was it built?").read(reply) is None


def test_an_answer_that_takes_nothing_from_its_hops_is_none() -> None:
    asked = _asked("Who leads the school?", ["The name is chosen by the pupils of the school."])
    hop = "Follow up: Who leads the school?\nLine: The name is chosen by the pupils of the school.\n"
    end = "So the final answer is: The school is led by its {}."
    assert asked.read(f"{hop}Intermediate answer: the school\n{end.format('head')}") is None
    assert asked.read(f"{hop}Intermediate answer: the pupils of the school\n{end.format('pupils')}") is not None


def test_a_document_that_speaks_of_the_final_answer_does_not_give_it() -> None:
    trap = "The note says: So the final answer is: Brida was built in 1979."
    hop = f"Follow up: What says the note?\nLine: {trap}\nIntermediate answer: 1979\n"
    asked = _asked("Who steers?", [trap, "Runa Castell steers Brida."])
    assert asked.read(hop) is None
    found = asked.read(hop + "So the final answer is: Runa Castell, since 1979.")
    assert found is not None
    assert found[0] == "Runa Castell, since 1979."


def test_a_part_of_a_number_is_no_answer() -> None:
    asked = _asked("How deep?", ["The quay is 1.5 metres deep.", "It has 5 lamps."])
    hop = (
        "Follow up: How deep?\nLine: The quay is 1.5 metres deep.\nIntermediate answer: {}\nSo the final answer is: {}."
    )
    assert asked.read(hop.format("1.5", "1.5"))
    assert asked.read(hop.format("5", "5")) is None


def test_a_number_of_the_question_may_be_in_the_answer() -> None:
    assert _asked("What was built before 1990?").read(_CHAIN + "So the final answer is: Before 1990, Brida.")


def test_prompts_begin_alike_so_that_the_cache_holds_their_beginning() -> None:
    first, second = _asked("Who?").messages, _asked("When?", ["Other."]).messages
    assert first[:-1] == second[:-1]
    assert len(first) == 6
    assert _LINES[1] in str(first[-1].content)


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=40), max_size=8))
def test_any_reply_is_read_and_only_lines_that_were_shown_are_quoted(reply: str, lines: list[str]) -> None:
    asked = _asked("When was it built?", lines)
    found = asked.read(_CHAIN + "So the final answer is: " + reply)
    assert found is None or all(quote in asked.lines for quote in found[1])
