"""`agentkit.tools.retrieval`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.tools import ToolRegistry, run_tool
from agentkit.tools.retrieval import PassageNumbering, read_document_tool, retrieval_tool


class Fixed(BaseRetriever):
    """Gives the same documents whatever it is asked."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return self.documents


def made_index(folder: Path, documents: dict[str, str]) -> Index:
    source = folder / "documents"
    for name, text in documents.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, "utf-8")
    index = Index.open(folder / folder.name, embedder=HashingEmbedder())
    index_folder(index, [source])
    return index


@pytest.fixture
def ferries(tmp_path: Path) -> Iterator[Index]:
    """An index called `ferries`."""
    texts = {
        "north.md": "# Ferries\n\n## North\n\nThe north ferry sails at six o'clock.\n",
        "deep/south.txt": "The south ferry sails at nine o'clock. " + "It is slow. " * 300,
    }
    with made_index(tmp_path / "ferries", texts) as index:
        yield index


@pytest.fixture
def mills(tmp_path: Path) -> Iterator[Index]:
    """An index called `mills`, with a file that `ferries` has too."""
    with made_index(tmp_path / "mills", {"north.md": "The north mill grinds oats."}) as index:
        yield index


def test_passages_have_a_number_a_path_and_their_span(ferries: Index) -> None:
    outcome = run_tool(retrieval_tool(ferries.as_retriever(k=2)), {"query": "north ferry"})
    first = outcome.artifact[0]
    assert outcome.content.startswith(f"[1] north.md, characters {first.hit.start}-{first.hit.end}, Ferries › North\n")
    assert "six o'clock" in outcome.content
    assert ferries.document_text("north.md")[first.hit.start : first.hit.end] == first.hit.text
    assert [passage.number for passage in outcome.artifact] == [1, 2]


def test_a_passage_keeps_its_number_and_new_ones_count_on(ferries: Index) -> None:
    numbering = PassageNumbering()
    tool = retrieval_tool(ferries.as_retriever(k=1), numbering)
    (north,) = run_tool(tool, {"query": "north six"}).artifact
    (south,) = run_tool(tool, {"query": "south nine"}).artifact
    (again,) = run_tool(tool, {"query": "north six"}).artifact
    assert (north.number, south.number, again) == (1, 2, north)
    assert numbering[2] is south
    assert len(numbering) == 2
    for number in (0, 3, -1):
        with pytest.raises(KeyError):
            numbering[number]


def test_several_indexes_are_searched_in_turns_and_named(ferries: Index, mills: Index) -> None:
    tool = retrieval_tool({"ferries": ferries.as_retriever(k=2), "mills": mills.as_retriever(k=2)})
    outcome = run_tool(tool, {"query": "north"})
    assert [passage.index for passage in outcome.artifact] == ["ferries", "mills", "ferries"]
    assert "[2] mills:north.md" in outcome.content


def test_nothing_found_and_an_empty_query_are_said(mills: Index) -> None:
    tool = retrieval_tool(Fixed(documents=[]))
    assert run_tool(tool, {"query": "x"}).content == "nothing was found: try other words"
    assert "write what to look for" in str(run_tool(tool, {"query": "  "}).error)


def test_passages_that_do_not_fit_are_left_out_whole_and_counted() -> None:
    documents = [Document(f"{number} " + "x" * 1498, metadata={"source": f"{number}.txt"}) for number in range(9)]
    outcome = run_tool(retrieval_tool(Fixed(documents=documents)), {"query": "x"})
    assert len(outcome.artifact) == 3
    assert outcome.content.endswith("(6 more passages are left out: ask for something narrower)")
    assert not outcome.is_cut


def test_one_passage_that_is_too_long_by_itself_is_cut_to_what_it_shows() -> None:
    document = Document("y" * 9000, metadata={"path": "long.txt", "start": 100, "end": 9100})
    outcome = run_tool(retrieval_tool(Fixed(documents=[document])), {"query": "y"})
    (passage,) = outcome.artifact
    assert (passage.hit.start, passage.hit.end - len(passage.hit.text)) == (100, 100)
    assert passage.hit.text in outcome.content
    assert 5800 < len(outcome.content) <= 6000
    assert not outcome.is_cut


def test_a_retriever_that_knows_no_paths_works() -> None:
    outcome = run_tool(retrieval_tool(Fixed(documents=[Document("first"), Document("second")])), {"query": "x"})
    assert outcome.content == "[1] a passage\nfirst\n\n[2] a passage\nsecond"


def test_a_document_is_read_in_parts_that_count_on(ferries: Index) -> None:
    text = ferries.document_text("deep/south.txt")
    tool = read_document_tool(ferries)
    read, start = "", 0
    while start < len(text):
        outcome = run_tool(tool, {"path": "deep/south.txt", "start": start, "length": 1000})
        (passage,) = outcome.artifact
        assert passage.hit.start == start
        assert passage.hit.text in outcome.content
        read += passage.hit.text
        start = passage.hit.end
        assert (f"start={start}" in outcome.content) is (start < len(text))
    assert read == text


def test_what_is_read_is_numbered_with_what_was_found(ferries: Index) -> None:
    numbering = PassageNumbering()
    run_tool(retrieval_tool(ferries.as_retriever(k=1), numbering), {"query": "north"})
    outcome = run_tool(read_document_tool(ferries, numbering), {"path": "deep/south.txt"})
    assert outcome.content.startswith("[2] deep/south.txt, characters 0-3000\n")


@pytest.mark.parametrize("path", ["deep/south.txt", "south.txt", "ferries:deep/south.txt"])
def test_a_path_may_be_written_in_several_ways(ferries: Index, mills: Index, path: str) -> None:
    outcome = run_tool(read_document_tool({"ferries": ferries, "mills": mills}), {"path": path})
    assert "[1] ferries:deep/south.txt" in outcome.content


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"path": "sowth.txt"}, "did you mean deep/south.txt?"),
        ({"path": "zzz"}, "use retrieval"),
        ({"path": "north.md"}, "could be ferries:north.md or mills:north.md: choose one"),
        ({"path": "south.txt", "start": 99999}, "give a start from 0 to"),
        ({"path": "south.txt", "start": -1}, "give a start from 0 to"),
        ({"path": "south.txt", "length": 0}, "give 1 to 6000"),
        ({"path": "../../etc/passwd"}, "there is no document"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(
    ferries: Index, mills: Index, arguments: dict[str, object], advice: str
) -> None:
    outcome = run_tool(read_document_tool({"ferries": ferries, "mills": mills}), arguments)
    assert advice in str(outcome.error)


def test_the_nearest_of_many_paths_that_are_much_alike_is_named(tmp_path: Path) -> None:
    texts = {f"report-{1900 + number}/minutes-{number}.md": "Said." for number in range(130)}
    with made_index(tmp_path / "reports", texts) as index:
        outcome = run_tool(read_document_tool(index), {"path": "reprot-2007/minute-107.md"})
    assert "did you mean report-2007/minutes-107.md?" in str(outcome.error)


def test_both_tools_are_described_in_full(ferries: Index) -> None:
    registry = ToolRegistry([retrieval_tool(ferries.as_retriever()), read_document_tool(ferries)])
    assert registry.names() == ["retrieval", "read_document"]
