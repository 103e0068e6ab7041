"""Any file to a document: the loader by suffix, the title, and what is refused before it is opened."""

import json
import os
from pathlib import Path

import pytest

from agentkit.errors import DocumentError
from agentkit.loaders import load_document, supported_suffixes
from tests.unit.loaders.conftest import Load, Refusal


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.md", "x", "markdown"),
        ("A.MD", "x", "markdown"),
        ("a.html", "x", "html"),
        ("a.csv", "x", "csv"),
        ("a.tsv", "x", "csv"),
        ("a.json", '"x"', "json"),
        ("a.jsonl", '"x"', "json"),
        ("a.txt", "x", "text"),
        ("README", "x", "text"),
        ("a.unknown", "x", "text"),
        ("a.py", "x", "code"),
        ("a.rs", "x", "code"),
    ],
)
def test_the_suffix_chooses_the_loader(load: Load, name: str, content: str, form: str) -> None:
    document = load(name, content)
    assert document.page_content == "x"
    assert document.metadata["format"] == form


def test_code_says_its_language(load: Load) -> None:
    assert load("a.py", "x = 1").metadata == {
        "title": "a.py", "format": "code", "encoding": "utf-8", "language": "python"
    }  # fmt: skip


def test_suffixes_that_have_a_loader_are_known() -> None:
    assert {".md", ".html", ".pdf", ".docx", ".csv", ".tsv", ".json", ".jsonl", ".txt", ".py"} <= supported_suffixes()


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("---\ntitle: 'My lamp'\ntags: [a]\n---\n# Power\n", "My lamp"),
        ("---\ntags: [a]\n---\n\n# Power #\n", "Power"),
        ("```sh\n# install\n```\n\nReal title\n==========\n", "Real title"),
        ("---\n\n# A rule above\n\ntext\n\n---\n\nmore\n", "A rule above"),
        ("#\n\n## Second\n", "Second"),
        ("no heading", "note"),
        (f"# {'x' * 1_000_000}", "x" * 200),
    ],
)
def test_the_title_of_markdown_is_its_front_matters_or_its_first_heading(load: Load, content: str, title: str) -> None:
    document = load("note.md", content)
    assert document.metadata["title"] == title
    assert document.page_content == content


def test_a_title_is_never_empty_and_can_be_stored(load: Load) -> None:
    assert load(" .txt", "x").metadata["title"] == "untitled"
    assert load("a.html", "<title>lamp &#xD800;\n shop</title>x").metadata["title"].encode("utf-8")
    assert load("b.md", "---\ntitle: ' '\n---\nx").metadata["title"] == "b"


@pytest.mark.parametrize("suffix", sorted(supported_suffixes()))
def test_a_file_of_no_bytes_is_called_empty_in_every_format(refusal: Refusal, suffix: str) -> None:
    assert refusal(f"a{suffix}", b"") == "empty file"


@pytest.mark.parametrize("suffix", sorted(supported_suffixes()))
def test_binary_is_refused_in_every_format(refusal: Refusal, suffix: str) -> None:
    assert refusal(f"a{suffix}", bytes(range(256)) * 30)


def test_a_file_on_one_line_is_read_where_its_text_has_more(load: Load, refusal: Refusal) -> None:
    values = ["x" * 2_000_000] * 3
    assert len(load("a.json", json.dumps([{"id": value} for value in values])).page_content) > 6_000_000
    assert len(load("a.html", "".join(f"<p>{value}</p>" for value in values)).page_content) > 6_000_000
    for name, content in (("a.txt", "".join(values)), ("a.json", json.dumps("".join(values)))):
        assert refusal(name, content) == "a line of 6,000,000 characters: data rather than text"


def test_a_pipe_or_a_folder_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(DocumentError, match="not a regular file"):
        load_document(tmp_path / "pipe.txt")
    with pytest.raises(DocumentError, match="not a regular file"):
        load_document(tmp_path)


def test_a_missing_file_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"^cannot be read: No such file or directory$"):
        load_document(tmp_path / "gone.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(DocumentError, match="cannot be read: Permission denied"):
        load_document(path)
