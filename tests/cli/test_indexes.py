"""`agentkit indexes`."""

import pytest


@pytest.fixture(autouse=True)
def indexed(cli, docs):
    cli.json("index", docs)


def test_the_list_has_every_index(cli, docs):
    cli.json("index", docs, "--name", "second")
    shape = cli.json("indexes", "list")
    assert [index["name"] for index in shape] == ["docs", "second"]
    assert {"files": 2, "chunks": 2, "embedder": "hashing", "state": "ready"}.items() <= shape[0].items()


def test_the_plain_list_is_a_table(cli):
    heading, row = cli("indexes", "list").stdout.splitlines()
    assert heading.split() == ["index", "files", "chunks", "size", "state"]
    assert row.split()[:3] == ["docs", "2", "2"] and row.endswith("ready")


def test_show_tells_where_the_documents_are(cli, docs):
    assert cli.json("indexes", "show", "docs")["sources"] == [str(docs)]
    assert str(docs) in cli("indexes", "show").stdout


def test_a_misspelt_name_gets_the_nearest(cli):
    for command in ("show", "remove"):
        assert "did you mean 'docs'" in cli.error("indexes", command, "doc")


def test_remove_does_nothing_without_a_yes(cli):
    assert "--yes" in cli.error("indexes", "remove", "docs", code=2)
    assert cli.json("indexes", "list")


def test_remove_takes_the_index_and_leaves_the_documents(cli, docs):
    assert cli("indexes", "remove", "docs", "--yes").exit_code == 0
    assert cli.json("indexes", "list") == []
    assert (docs / "lamp.md").is_file()


def test_an_index_that_is_being_written_is_not_removed(cli, workspace):
    from agentkit.indexes.lock import writer_lock

    with writer_lock(workspace / "indexes" / "docs"):
        assert "being written" in cli.error("indexes", "remove", "docs", "--yes")
    assert cli.json("search", "whale")


def test_a_damaged_index_is_listed_as_such_and_can_be_removed(cli, workspace):
    for file in (workspace / "indexes" / "docs").glob("catalog.sqlite*"):
        file.write_bytes(b"garbage" * 1000)
    assert "damaged" in cli.json("indexes", "list")[0]["state"]
    assert cli("indexes", "remove", "docs", "--yes").exit_code == 0
    assert cli.json("indexes", "list") == []
