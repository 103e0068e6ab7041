"""`agentkit indexes`."""

import json
import shutil
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
    assert cli.json("indexes", "remove", "docs", "--yes") == {"removed": "docs"}
    assert cli.json("indexes", "list") == []
    assert (docs / "lamp.md").is_file()


def test_an_index_that_is_a_link_is_removed_with_what_it_leads_to(cli: Cli, workspace: Path) -> None:
    elsewhere = workspace.parent / "other disk"
    (workspace / "indexes" / "docs").rename(elsewhere)
    (workspace / "indexes" / "docs").symlink_to(elsewhere)
    assert cli.json("search", "lamp")
    assert cli("indexes", "remove", "docs", "--yes").exit_code == 0
    assert not (workspace / "indexes" / "docs").is_symlink()
    assert not elsewhere.exists()


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


def test_a_sound_index_is_said_to_be_so(cli: Cli) -> None:
    assert cli("indexes", "verify").stdout == "docs is sound: 2 files, 2 passages\n"
    assert {"is_sound": True, "problems": []}.items() <= cli.json("indexes", "verify", "docs").items()


def test_verify_names_what_is_wrong_and_rebuild_mends_it(cli: Cli, workspace: Path) -> None:
    shutil.rmtree(workspace / "indexes" / "docs" / "vectors")
    found = cli("indexes", "verify", "docs", "--json")
    assert found.exit_code == 1
    (problem,) = json.loads(found.stdout)["problems"]
    assert problem["mend"] == "agentkit indexes rebuild docs"
    assert "manifest.json is missing" in problem["what"]
    assert problem["mend"] in cli("indexes", "verify", "docs").stdout
    assert cli.json("indexes", "rebuild", "docs")["chunks"] == 2
    assert cli.json("indexes", "verify", "docs")["is_sound"]


def test_a_forgotten_file_stays_away_until_it_is_remembered(cli: Cli, docs: Path) -> None:
    assert "--yes" in cli.error("indexes", "forget", "docs", "whale.txt", code=2)
    assert cli.json("indexes", "forget", "docs", "whale.txt", "--yes")["paths"] == ["whale.txt"]
    assert cli.json("index", docs)["files"]["skipped"][0]["path"] == "whale.txt"
    assert cli("indexes", "remember", "docs").stdout == "whale.txt\n"
    assert cli.json("indexes", "remember", "docs", "whale.txt") == {"forgotten": []}
    assert cli.json("index", docs)["files"]["added"] == 1
    assert cli.json("search", "whale")[0]["path"] == "whale.txt"


def test_forgetting_what_is_not_there_is_an_error(cli: Cli) -> None:
    assert "no file shark.txt" in cli.error("indexes", "forget", "docs", "shark.txt", "--yes")
    assert "nothing is forgotten" in cli.error("indexes", "remember", "docs", "shark.txt")
