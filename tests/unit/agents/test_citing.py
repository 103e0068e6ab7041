"""From numbers in an answer to spans of files."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.agents.citing import cited
from agentkit.results import Hit
from agentkit.tools.retrieval import PassageNumbering

_TEXTS = {
    "mill.md": "The mill was built in 1871. It has a wheel of larch.",
    "staff.tsv": "name: Caspar Lunde; telephone: 52\nname: Ines Morrow; telephone: 53",
    "log.txt": "A walrus lay on the slipway.",
}


def _numbering() -> PassageNumbering:
    numbering = PassageNumbering()
    for path, text in _TEXTS.items():
        numbering.number(Hit(1, 1.0, path, None, 100, 100 + len(text), text))
    return numbering


def test_the_span_is_what_the_sentence_with_the_number_says() -> None:
    text, found = cited("Caspar Lunde has the telephone 52 [2]. The wheel is of larch [1].", _numbering())
    assert text == "Caspar Lunde has the telephone 52 [1]. The wheel is of larch [2]."
    assert [quote.text for quote in found] == ["name: Caspar Lunde; telephone: 52", "It has a wheel of larch."]
    assert found[0].citation.start == 100


def test_numbers_that_no_passage_has_are_taken_out() -> None:
    text, found = cited("A walrus lay there [3][9]. Nobody knows more [77].", _numbering())
    assert text == "A walrus lay there [1]. Nobody knows more."
    assert [quote.citation.path for quote in found] == ["log.txt"]


def test_a_number_in_code_or_behind_a_name_is_not_taken_out() -> None:
    code = "```\nys = [1] + xs[2]\n```"
    text, found = cited(f"Use `xs[1]`, `xs`[7] or xs[0] for the walrus[3], not [8].\n\n{code}", _numbering())
    assert text == f"Use `xs[1]`, `xs`[7] or xs[0] for the walrus[1], not.\n\n{code}"
    assert [quote.citation.path for quote in found] == ["log.txt"]


def test_a_quote_is_on_its_own_page_and_not_on_that_where_its_passage_begins() -> None:
    numbering = PassageNumbering()
    text = "The first page ends here. The second begins."
    numbering.number(Hit(1, 1.0, "a.pdf", 1, 50, 50 + len(text), text, metadata={"page_offsets": [0, 76]}))
    _, found = cited("The second begins [1].", numbering)
    assert found[0].citation.page == 2
    _, found = cited("The first page ends here [1].", numbering)
    assert found[0].citation.page == 1


def test_a_bare_list_of_sources_means_the_whole_answer() -> None:
    text, found = cited("Ines Morrow has the telephone 53.\n\nSources: [2], [1]", _numbering())
    assert text.endswith("Sources: [1], [2]")
    assert found[0].text == "name: Ines Morrow; telephone: 53"


@given(st.lists(st.sampled_from(["[1]", "[2]", "[3]", "[8]", "[0]", "a word", ". ", "\n", "mill"]), max_size=12))
def test_every_citation_is_a_span_and_every_number_has_one(parts: list[str]) -> None:
    text, found = cited(" ".join(parts), _numbering())
    for citation in (quote.citation for quote in found):
        assert _TEXTS[citation.path][citation.start - 100 : citation.end - 100] == citation.quote
    assert {part for part in parts if part in {"[1]", "[2]", "[3]"}} == set() or found
    for number in range(1, 9):
        assert (f"[{number}]" in text) == (number <= len(found))
