"""`agentkit indexes`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def indexed(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)


def test_the_list_has_every_index(cli: Cli, docs: Path) -> None:
    cli.json("index", docs, "--name", "second")
    shape = cli.json("indexes", "list")
    assert [index["name"] for index in shape] == ["docs", "second"]
    assert {"files": 2, "chunks": 2, "embedder": "hashing", "state": "ready"}.items() <= shape[0].items()


def test_the_plain_list_is_a_table(cli: Cli) -> None:
    heading, row = cli("indexes", "list").stdout.splitlines()
    assert heading.split() == ["index", "files", "chunks", "size", "state"]
    assert row.split()[:3] == ["docs", "2", "2"]
    assert row.endswith("ready")


def test_show_tells_where_the_documents_are(cli: Cli, docs: Path) -> None:
    assert cli.json("indexes", "show", "docs")["sources"] == [str(docs)]
    assert str(docs) in cli("indexes", "show").stdout


def test_show_tells_what_is_in_it_and_what_has_changed_since(cli: Cli, docs: Path) -> None:
    (docs / "long.txt").write_text("word " * 500)
    cli.json("index", docs, "--exclude", "*.pdf")
    (docs / "lamp.md").write_text("changed")
    (docs / "whale.txt").unlink()
    shape = cli.json("indexes", "show", "docs")
    assert shape["formats"] == [
        {"format": "text", "files": 2, "bytes": 2549, "chunks": shape["chunks"] - 1},
        {"format": "markdown", "files": 1, "bytes": 68, "chunks": 1},
    ]
    assert [file["path"] for file in shape["largest"]] == ["long.txt", "lamp.md", "whale.txt"]
    assert shape["stale"] == [{"path": "lamp.md", "reason": "changed"}, {"path": "whale.txt", "reason": "gone"}]
    assert sum(bar["chunks"] for bar in shape["chunk_lengths"]) == shape["chunks"]
    assert all(bar["below"] - bar["least"] == 100 for bar in shape["chunk_lengths"])
    assert shape["patterns"] == {str(docs): {"include": [], "exclude": ["*.pdf"]}}
    text = cli("indexes", "show").stdout
    assert "█" in text
    assert "whale.txt  gone" in text
    assert f"*.pdf of {docs}" in text


def test_a_file_that_is_an_index_of_its_own_is_not_stale(cli: Cli, docs: Path) -> None:
    cli.json("index", docs / "lamp.md", docs / "whale.txt", "--name", "two")
    assert cli.json("indexes", "show", "two")["stale"] == []


def test_a_misspelt_name_gets_the_nearest(cli: Cli) -> None:
    for command in ("show", "remove"):
        assert "did you mean 'docs'" in cli.error("indexes", command, "doc")


def test_remove_does_nothing_without_a_yes(cli: Cli) -> None:
    assert "--yes" in cli.error("indexes", "remove", "docs", code=2)
    assert cli.json("indexes", "list")


def test_remove_takes_the_index_and_leaves_the_documents(cli: Cli, docs: Path) -> None:
    assert cli("indexes", "remove", "docs", "--yes").exit_code == 0
    assert cli.json("indexes", "list") == []
    assert (docs / "lamp.md").is_file()


def test_an_index_that_is_being_written_is_not_removed(cli: Cli, workspace: Path) -> None:
    from agentkit.indexes.lock import writer_lock

    with writer_lock(workspace / "indexes" / "docs"):
        assert "being written" in cli.error("indexes", "remove", "docs", "--yes")
    assert cli.json("search", "whale")


def test_a_damaged_index_is_listed_as_such_and_can_be_removed(cli: Cli, workspace: Path) -> None:
    for file in (workspace / "indexes" / "docs").glob("catalog.sqlite*"):
        file.write_bytes(b"garbage" * 1000)
    assert "damaged" in cli.json("indexes", "list")[0]["state"]
    assert cli("indexes", "remove", "docs", "--yes").exit_code == 0
    assert cli.json("indexes", "list") == []
