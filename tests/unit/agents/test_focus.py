"""The lines of passages that are likely to matter to a question."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.agents.focus import focus, is_told_together
from agentkit.results import Hit
from agentkit.tools.retrieval import PassageNumbering

_TEXTS = {
    "vessels.csv": (
        "vessel: Brida; skipper: Runa Castell; berth: east quay\n"
        "vessel: Halcyon; skipper: Emeric Dahl; berth: south quay\n"
        "vessel: Cormorant; skipper: Wendel Hagg; berth: slipway"
    ),
    "survey.pdf": "The south quay is from 2004. The slipway is steep. The east quay, of dry granite, is from 1889.",
    "log.txt": "A walrus lay there. It left with the tide.\nThe lamp was lit. Nobody was hurt.",
}
_QUESTION = "From which year is the quay where Brida has her berth?"


def _passages(texts: dict[str, str]) -> PassageNumbering:
    numbering = PassageNumbering()
    for path, text in texts.items():
        numbering.number(Hit(1, 1.0, path, None, 0, len(text), text))
    return numbering


def test_what_is_meant_and_what_is_asked_of_it_come_first() -> None:
    first, second, *_ = focus(_QUESTION, _passages(_TEXTS))
    assert first.text.startswith("vessel: Brida")
    assert second.text == "The east quay, of dry granite, is from 1889."


def test_no_passage_takes_all_places() -> None:
    rows = "\n".join(f"vessel: Boat{n}; berth: quay {n}; year: {n}" for n in range(20))
    found = focus(_QUESTION, _passages({"rows.csv": rows, **_TEXTS}))
    assert [line.passage.hit.path for line in found].count("rows.csv") == 2
    assert "The east quay, of dry granite, is from 1889." in [line.text for line in found]


def test_a_row_that_shares_a_name_is_there_too_where_the_head_of_its_table_says_what_is_asked() -> None:
    rows = "".join(f"\n| Boat {n} | {n} metres |" for n in range(8))
    limits = f"| Vessel | No sailing above this wave height |{rows}\n| Petrel | 1.6 metres |"
    berths = "The Petrel has her berth at the pontoon of Marrick.\n" + "It rained. The sea was calm.\n" * 3
    found = focus(
        "Above which wave height does the ferry of the Marrick pontoon stay?", _passages({"a": limits, "b": berths})
    )
    assert "| Petrel | 1.6 metres |" in [line.text for line in found]


def test_headings_are_not_among_them() -> None:
    text = "# Berths\n\nThe east quay is from 1889."
    numbering = PassageNumbering()
    numbering.number(Hit(1, 1.0, "a.md", None, 0, len(text), text, {"heading_path": ["Berths"]}))
    assert [line.text for line in focus("Berths at the east quay?", numbering)] == ["The east quay is from 1889."]


def test_whether_one_passage_has_all_words_of_the_question() -> None:
    assert not is_told_together("How steep is the berth of Cormorant?", _passages(_TEXTS))
    assert is_told_together("Which vessel lies at the south quay?", _passages(_TEXTS))
    assert is_told_together("Who steers?", PassageNumbering()) is False


@given(st.text(max_size=60), st.lists(st.text(max_size=300), max_size=5), st.integers(1, 40))
def test_there_are_never_too_many_and_each_stands_in_its_passage(question: str, texts: list[str], times: int) -> None:
    found = focus(question, _passages(_TEXTS | {f"{n}.txt": text * times for n, text in enumerate(texts)}))
    assert len(found) <= 8
    assert sum(len(line.text) for line in found) <= 1500
    for line in found:
        assert line.passage.hit.text[line.start : line.end] == line.text
