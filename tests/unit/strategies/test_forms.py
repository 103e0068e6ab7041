"""What an answer looks like, and when two are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import StrategyError
from agentkit.strategies.forms import ChoiceForm, JsonForm, NumberForm, TextForm

_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("18", "18"),
        ("$1,250.50 in all.", "1250.5"),
        ("3 boxes of 4 are 12 pens.", "12"),
        ("-7.00", "-7"),
        ("-0", "0"),
        ("It falls to −3 degrees.", "-3"),
        ("Route B-52, so 10-12", "12"),
        ("She has -$4.20 left", "-4.2"),
        ("It is $.50, or .5 of it", "0.5"),
        ("x = -.25", "-0.25"),
        ("6.5e3 metres", "6500"),
        ("see 3.5.2", "2"),
        ("none", None),
        ("", None),
        ("100000000000000000000000", "100000000000000000000000"),
    ],
)
def test_the_last_number_of_a_text_is_the_answer(text: str, number: str | None) -> None:
    assert NumberForm().parse(text) == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_number_that_was_read_reads_as_itself(number: object) -> None:
    once = NumberForm().parse(f"{number:f}")
    assert once is not None
    assert NumberForm().parse(once) == once


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("Good", "good"),
        ("**not good**", "not good"),
        ("It is not good at all", "not good"),
        ("good or bad", None),
        ("goodness", None),
        ("", None),
    ],
)
def test_a_choice_is_the_only_option_that_a_text_names(text: str, option: str | None) -> None:
    assert ChoiceForm(("good", "not good", "bad")).parse(text) == option


def test_a_choice_of_one_is_refused() -> None:
    with pytest.raises(StrategyError, match="two different options"):
        ChoiceForm(("yes", "Yes"))


@pytest.mark.parametrize(
    ("one", "other"), [("3.5", "35"), ("-5", "5"), ("$1.50", "$150"), ("10-12", "1012"), ("-.5", ".5")]
)
def test_another_number_is_another_vote(one: str, other: str) -> None:
    assert TextForm().key(one) != TextForm().key(other)


def test_texts_are_the_same_vote_but_for_case_articles_and_punctuation() -> None:
    form = TextForm()
    assert form.key("The River Tay.") == form.key("river  tay")
    assert form.key("the tay") != form.key("the esk")
    assert form.key("?!") == "?!"


@pytest.mark.parametrize("text", ['{"a": 1}', 'Here:\n```json\n{"a":1}\n```\n'])
def test_json_is_read_also_out_of_a_fence(text: str) -> None:
    assert JsonForm(_SCHEMA).parse(text) == '{"a": 1}'


@pytest.mark.parametrize("text", ['{"a": "x"}', "{}", '{"a": 1', "1"])
def test_json_that_does_not_fit_the_schema_is_no_answer(text: str) -> None:
    assert JsonForm(_SCHEMA).parse(text) is None


def test_json_votes_ignore_the_order_of_keys() -> None:
    assert JsonForm({}).key('{"a": 1, "b": 2}') == JsonForm({}).key('{"b":2,"a":1}')


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(StrategyError, match="not one"):
        JsonForm({"type": "nonsense"})
