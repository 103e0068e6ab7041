"""`agentkit search`."""

from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index
from tests.cli.conftest import Cli, WriteDocuments


@pytest.fixture(autouse=True)
def indexed(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)


def test_the_json_has_the_promised_shape(cli: Cli, docs: Path) -> None:
    first = cli.json("search", "how many watts does the lamp draw", "-k", "1")[0]
    assert list(first) == ["rank", "score", "path", "page", "start", "end", "text"]
    assert (first["rank"], first["path"], first["page"]) == (1, "lamp.md", None)
    assert (docs / "lamp.md").read_text()[first["start"] : first["end"]] == first["text"]


def test_k_is_the_number_of_passages(cli: Cli) -> None:
    assert len(cli.json("search", "lamp", "-k", "1")) == 1
    assert len(cli.json("search", "lamp", "-k", "9")) == 2


def test_plain_output_has_the_place_and_the_whole_passage(cli: Cli) -> None:
    result = cli("search", "lamp watts", "-k", "1")
    first, *rest = result.stdout.splitlines()
    assert first.split("  ")[0].strip() == "1"
    assert "lamp.md · Lamp › Power" in first
    assert any("The Lumen lamp draws 41 watts" in line for line in rest)
    assert "\x1b" not in result.stdout


def test_text_of_a_document_cannot_speak_to_the_terminal(cli: Cli, docs: Path, write_documents: WriteDocuments) -> None:
    write_documents(docs, [("evil.txt", "evil \x1b]0;owned\x1b\\ \x9b2J \u202e words\n")])
    cli.json("index", docs)
    result = cli("search", "evil words", "-k", "1")
    assert "evil ␛]0;owned␛\\ \ufffd2J \ufffd words" in result.stdout
    assert not set(result.output) & set("\x1b\x9b\u202e")
    result = cli("search", "evil words", "-k", "1", "--json")
    assert "evil \\u001b]0;owned\\u001b\\\\ \\u009b2J \\u202e words" in result.stdout
    assert not set(result.output) & set("\x1b\x9b\u202e")


def test_a_missing_index_gets_the_nearest_name(cli: Cli) -> None:
    assert cli.error("search", "x", "-i", "dcs") == "there is no index 'dcs': did you mean 'docs'?"


def test_without_any_index_the_next_step_is_named(cli: Cli) -> None:
    cli("indexes", "remove", "docs", "--yes")
    assert "agentkit index PATH" in cli.error("search", "x")


def test_of_several_indexes_one_must_be_chosen(cli: Cli, docs: Path) -> None:
    cli.json("index", docs, "--name", "second")
    message = cli.error("search", "x", code=2)
    assert "-i" in message
    assert "docs, second" in message
    assert cli.json("search", "whale", "-i", "second")


def test_an_index_of_another_embedder_is_an_error_that_names_both(cli: Cli, workspace: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(workspace / "indexes" / "docs" / "catalog.sqlite")
    with connection:
        connection.execute("UPDATE facts SET value = replace(value, 'hashing', 'elder-model') WHERE key = 'embedder'")
    connection.close()
    message = cli.error("search", "x")
    assert "elder-model" in message
    assert "hashing" in message


def test_a_damaged_catalog_is_an_error_with_a_way_out(cli: Cli, workspace: Path) -> None:
    for file in (workspace / "indexes" / "docs").glob("catalog.sqlite*"):
        file.write_bytes(b"garbage" * 1000)
    assert "damaged" in cli.error("search", "x")


def test_the_steps_around_a_search_are_options_and_settings(
    cli: Cli, docs: Path, workspace: Path, write_documents: WriteDocuments
) -> None:
    many = "# Lamps\n\n" + "\n\n".join(f"## Part {n}\n\nThe lamp of part {n} is bright." for n in range(4))
    write_documents(docs, [("many.md", many)])
    cli.json("index", docs)
    paths = [hit["path"] for hit in cli.json("search", "lamp", "-k", "4", "-o", "per_file", "1")]
    assert sorted(paths) == ["lamp.md", "many.md", "whale.txt"]
    merged = cli.json("search", "bright lamp of part", "-k", "4", "-o", "merge_neighbours", "true")
    assert merged[0]["text"].count("bright") > 1
    assert len(merged) < len(cli.json("search", "bright lamp of part", "-k", "4"))
    cli.replies = ["a whale\nthe animal of the bay"]
    assert {hit["path"] for hit in cli.json("search", "Otto", "-o", "queries", "several")} >= {"whale.txt"}
    assert len(cli.models) == 1
    (workspace / "agentkit.toml").write_text("[search]\nper_file = 1\n")
    assert len(cli.json("search", "lamp", "-k", "4")) == 3
    cli.replies = ["NOT FOUND"]
    assert len(cli.json("ask", "Which lamp is bright?", "--explain")["passages"]) == 3


def test_a_step_that_cannot_be_is_one_line(cli: Cli, workspace: Path) -> None:
    assert "did you mean 'per_file'" in cli.error("search", "x", "-o", "per_files", "1")
    assert "relevance_weight is '7'" in cli.error("search", "x", "-o", "relevance_weight", "7")
    assert "a local model" in cli.error("search", "lamp", "-o", "reranker", "model")
    assert "no model.safetensors" in cli.error("search", "lamp", "-o", "reranker", str(workspace))


def test_an_index_without_a_passage_is_said_to_be_empty(cli: Cli, workspace: Path) -> None:
    Index.open(workspace / "indexes" / "bare", embedder=HashingEmbedder()).close()
    result = cli("search", "flour", "-i", "bare")
    assert result.exit_code == 0
    assert "the index bare is empty: agentkit index PATH --name bare fills it" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "Br\udcfccke lamp"), ("search", "lamp", "--path", "Br\udcfccke"), ("ask", "Br\udcfccke?"),
        ("search", "lamp", "--format", "\udcfc"), ("search", "lamp", "--where", "author=Br\udcfccke"),
        ("ask", "lamp?", "-s", "\udcfc"), ("check", "Br\udcfccke."),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_replaced_in_what_is_to_be_read(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.replies = ["none"] * 9
    result = cli(*arguments)
    assert "defect" not in result.stderr
    assert "surrogate" not in result.stderr
