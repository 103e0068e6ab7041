"""The chain of sentences that an answer rests on."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.agents.evidence import evidence
from agentkit.agents.terms import terms_of
from agentkit.results import Hit
from agentkit.tools.retrieval import PassageNumbering

_TEXTS = {
    "staff.tsv": "name: Caspar Lunde; post: mill keeper; telephone: 52\nname: Runa Castell; telephone: 45",
    "instruments.json": "tide gauge; maker: Sorrel; keeper: Caspar Lunde\nanemometer; keeper: Ottilie Brandram",
    "log.txt": "A walrus lay on the slipway. The keeper of the lighthouse waved.",
    "mill.md": "The mill was built in 1871. It grinds barley.",
}


def _passages(*paths: str) -> PassageNumbering:
    numbering = PassageNumbering()
    for path in paths or _TEXTS:
        numbering.number(Hit(1, 1.0, path, None, 0, len(_TEXTS[path]), _TEXTS[path]))
    return numbering


_QUESTION = "What is the telephone number of the keeper of the tide gauge?"


def test_an_answer_of_two_steps_has_both_as_its_evidence() -> None:
    found = evidence(_QUESTION, "It is 52.", _passages())
    assert [(quote.passage.hit.path, quote.text) for quote in found] == [
        ("staff.tsv", "name: Caspar Lunde; post: mill keeper; telephone: 52"),
        ("instruments.json", "tide gauge; maker: Sorrel; keeper: Caspar Lunde"),
    ]


def test_what_the_model_cites_is_where_the_chain_begins() -> None:
    instrument, *_ = evidence(_QUESTION, "Caspar Lunde keeps it.", _passages("instruments.json", "mill.md"))
    chain = evidence(_QUESTION, "It is 52.", _passages(), [instrument])
    assert [quote.passage.hit.path for quote in chain[:2]] == ["instruments.json", "staff.tsv"]


def test_an_answer_of_one_step_has_one() -> None:
    (quote,) = evidence("When was the mill built?", "In 1871.", _passages())
    assert quote.text == "The mill was built in 1871."


def test_an_answer_that_adds_nothing_that_a_passage_says_has_no_evidence() -> None:
    for answer in ("The documents do not tell.", "I do not know the telephone number of the keeper.", "It is 99.", ""):
        assert evidence(_QUESTION, answer, _passages()) == []
    assert evidence(_QUESTION, "It is 52.", PassageNumbering()) == []


def test_numbers_are_alike_however_they_are_written() -> None:
    assert terms_of("twelve ferries for 4,200 crowns") == terms_of("12 ferry for 4200 crown")


@given(st.text(max_size=60), st.text(max_size=60))
def test_every_quote_stands_in_its_passage(question: str, answer: str) -> None:
    for quote in evidence(question, answer, _passages()):
        assert quote.text in _TEXTS[quote.passage.hit.path]


def test_of_an_answer_that_tells_its_steps_the_last_line_counts() -> None:
    steps = "I look for the walrus on the slipway and for the lighthouse.\nThe keeper is Caspar Lunde.\n"
    found = evidence(_QUESTION, f"{steps}Therefore it is 52.", _passages())
    assert [quote.passage.hit.path for quote in found] == ["staff.tsv", "instruments.json"]
