"""Filters: what a condition on a file or a passage lets through, and what is no condition."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import ConditionError
from agentkit.indexes.conditions import parse_condition
from agentkit.results import SearchMode
from tests.unit.loaders.test_pdf import pdf

FILES = {
    "mill.md": "---\ntitle: The mill\nauthor: Severine Coyle\ntags: [water, Grain]\nyear: 2023\ndate: 2024-03-28\n"
    "draft: true\nrating: 4.5\nLead Author: \u00c9lan\n"
    "---\n\n# Flour\n\nThe mill grinds flour.\n\n# Gate\n\nThe gate holds the flour water.\n",
    "ferry.md": "---\ntags: water\nyear: 1999\ndate: 2023-12-31\ndraft: false\n---\n\n# Boats\n\nA ferry of flour.\n",
    "large.txt": "flour and more flour. " * 100,
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("documents")
    for number, (name, text) in enumerate(FILES.items()):
        (folder / name).write_text(text)
        moment = datetime(2022 + number, 6, 15, 12).astimezone().timestamp()
        os.utime(folder / name, (moment, moment))
    with Index.open(tmp_path_factory.mktemp("index"), embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        yield index


def found(index: Index, *where: str, mode: SearchMode = SearchMode.HYBRID) -> str:
    """The first letters of the files that are found."""
    return "".join(sorted({hit.path[0] for hit in index.search("flour", k=50, mode=mode, where=where)}))


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        ("size>1kB", "l"), ("size<1kB", "fm"), ("size<=2200", "flm"), ("size=2200B", "l"), ("size!=2200", "fm"),
        ("modified=2022", "m"), ("modified<=2023", "fm"), ("modified>2023", "l"), ("modified>=2023-06-15", "fl"),
        ("modified<2023-06-15", "m"), ("modified!=2023-06", "lm"), ("modified>=2023-06-15T13:00", "l"),
        ("modified<2300", "flm"), ("modified>1500", "flm"),
        ("path=ferry.md", "f"), ("path~ERR", "f"), ("path!=ferry.md", "lm"), ("title=the mill", "m"),
        ("format=text", "l"), ("format!=text", "fm"), ("encoding=utf-8", "flm"), ("language=python", ""),
        ("author=severine coyle", "m"), ("author~coyle", "m"), ("author!=Severine Coyle", "fl"),
        ("tags=water", "fm"), ("tags=grain", "m"), ("tags!=grain", "fl"), ("tags~rai", "m"),
        ("year=2023", "m"), ("year>=1999", "fm"), ("year<2000", "f"), ("rating>4", "m"), ("rating=4.5", "m"),
        ("date=2024", "m"), ("date<=2023-12", "f"), ("date>2023", "m"), ("date>=2023-12-31", "fm"),
        ("draft=true", "m"), ("draft!=true", "fl"), ("heading=gate", "m"), ("heading~oat", "f"), ("nothing=x", ""),
        ("Size>1kB", "l"), ("Modified=2022", "m"), ("TAGS=grain", "m"), ("Format=TEXT", "l"),
        ("lead author=\u00e9lan", "m"), ("Lead Author~\u00c9LAN", "m"), ("lead author>=\u00e9", "m"), ("title~<b>", ""),
    ],
)  # fmt: skip
def test_a_condition_lets_through_what_it_holds_for(index: Index, condition: str, files: str) -> None:
    assert found(index, condition) == files
    assert found(index, condition, mode=SearchMode.KEYWORD) == files


def test_a_heading_keeps_to_the_passages_below_it(index: Index) -> None:
    assert {hit.metadata["heading_path"] for hit in index.search("flour", k=9, where=["heading=gate"])} == {("Gate",)}


def test_all_conditions_must_hold_also_with_path_and_format(index: Index) -> None:
    assert found(index, "tags=water", "year>2000") == "m"
    assert index.search("flour", path="f*", where=["year>2000"]) == []
    assert [hit.path for hit in index.search("flour", path="m*", format="markdown", where=["heading=Flour"])] == [
        "mill.md"
    ]


def test_of_a_pattern_for_paths_only_stars_and_question_marks_are_no_letters(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "draft [2024].md").write_text("flour")
    (tmp_path / "docs" / "draft 2.md").write_text("flour")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [tmp_path / "docs"])
        for pattern in ("draft [2024].md", "draft [2024]*", "draft ?2024].md", "*[*"):
            assert [hit.path for hit in index.search("flour", path=pattern)] == ["draft [2024].md"]


def test_pages_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "book.pdf").write_bytes(pdf([f"Flour of page {number}. " * 40 for number in (1, 2, 3)]))
    (tmp_path / "docs" / "plain.txt").write_text("flour")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [tmp_path / "docs"])
        assert {hit.path for hit in index.search("flour", k=9, where=["page>=1"])} == {"book.pdf"}
        assert {hit.page for hit in index.search("flour", k=9, where=["page=2"])} == {2}
        assert {hit.page for hit in index.search("flour", k=9, where=["page!=2"])} == {1, 3}
        assert index.search("flour", k=9, where=["page>3"]) == []


def test_the_case_of_a_format_and_a_condition_alone_are_taken_as_meant(index: Index) -> None:
    assert {hit.path for hit in index.search("flour", k=9, format="Markdown")} == {"mill.md", "ferry.md"}
    assert {hit.path for hit in index.search("flour", k=9, where="tags=grain")} == {"mill.md"}
    assert {each.metadata["path"] for each in index.as_retriever(where="tags=grain").invoke("flour")} == {"mill.md"}


def test_a_retriever_keeps_to_the_conditions(index: Index) -> None:
    assert {each.metadata["path"] for each in index.as_retriever(where=["tags=grain"]).invoke("flour")} == {"mill.md"}


@pytest.mark.parametrize(
    "text", ["", "size", "size>", ">5", "size>big", "size~5", "modified>yesterday", "modified=2024-13", "page=two",
             "modified=0000", "modified=2024-3", "tags==water", "year=>2000", "year= <2000"],
)  # fmt: skip
def test_what_is_no_condition_says_so(index: Index, text: str) -> None:
    with pytest.raises(ConditionError):
        index.search("flour", where=[text])


@given(st.text(alphabet="sizeagmodtn_.-=!<>~'\";() 0129%?*", max_size=30))
def test_whatever_is_written_is_a_condition_or_said_to_be_none(index: Index, text: str) -> None:
    try:
        parse_condition(text)
    except ConditionError:
        return
    index.search("flour", where=[text])


@pytest.mark.parametrize("mode", list(SearchMode))
def test_a_mode_may_be_given_by_its_name(index: Index, mode: SearchMode) -> None:
    assert index.search("ferry flour", mode=mode.value, k=3) == index.search("ferry flour", mode=mode, k=3)
    with pytest.raises(ValueError, match="nonsense"):
        index.search("flour", mode="nonsense")
