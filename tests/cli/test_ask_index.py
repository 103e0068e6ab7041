"""`agentkit ask` with an index: quotes, sources and what was read."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

QUOTE = "The Lumen lamp draws 41 watts at full brightness."
REPLY = f'[1] "{QUOTE}"\nAnswer: It draws 41 watts.'


@pytest.fixture(autouse=True)
def indexed(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    cli.replies = [REPLY]


def test_the_json_has_the_promised_shape_and_true_quotes(cli: Cli, docs: Path) -> None:
    shape = cli.json("ask", "How many watts does the lamp draw?")
    assert (shape["answer"], shape["grounded"], shape["stop_reason"]) == ("It draws 41 watts.", True, "completed")
    [citation] = shape["citations"]
    assert list(citation) == ["path", "page", "start", "end", "quote"]
    assert (citation["path"], citation["page"], citation["quote"]) == ("lamp.md", None, QUOTE)
    assert (docs / "lamp.md").read_text()[citation["start"] : citation["end"]] == QUOTE


def test_the_answer_comes_first_and_its_numbered_sources_below(cli: Cli) -> None:
    result = cli("ask", "How many watts does the lamp draw?")
    assert result.stdout.splitlines() == [
        "It draws 41 watts.",
        "",
        "Sources",
        "[1] lamp.md · Lamp › Power",
        f"    “{QUOTE}”",
    ]
    assert result.stderr == ""


def test_the_only_index_is_taken_without_asking(cli: Cli) -> None:
    cli("ask", "How many watts?")
    assert "41 watts" in cli.models[0].calls[0][-1].content


def test_of_several_indexes_one_must_be_chosen(cli: Cli, docs: Path) -> None:
    cli.json("index", docs, "--name", "second")
    assert "docs, second" in cli.error("ask", "How many watts?", code=2)
    assert cli.json("ask", "How many watts?", "-i", "second")["grounded"]


def test_what_the_documents_do_not_answer_is_said_and_is_no_error(cli: Cli) -> None:
    cli.replies = ["NOT FOUND"]
    result = cli("ask", "Who is the king of Spain?")
    assert result.exit_code == 0
    assert result.stdout == "The documents do not answer this question.\n"
    cli.replies = ["NOT FOUND"]
    shape = cli.json("ask", "Who is the king of Spain?")
    assert (shape["grounded"], shape["citations"], shape["stop_reason"]) == (False, [], "not_found")


def test_an_invented_quote_is_no_citation(cli: Cli) -> None:
    cli.replies = ['[1] "The lamp was invented by a walrus in the year 3000."\nAnswer: A walrus.']
    assert cli.json("ask", "Who invented the lamp?")["citations"] == []


def test_k_is_the_number_of_passages_that_are_read(cli: Cli) -> None:
    cli("ask", "How many watts?", "-k", "1")
    prompt = cli.models[0].calls[0][-1].content
    assert "[1]" in prompt
    assert "[2] " not in prompt


@pytest.mark.parametrize("options", [("-k", "2"), ("--path", "*.md"), ("--format", "pdf"), ("--where", "size<1MB")])
def test_what_chooses_passages_is_refused_without_an_index(cli: Cli, options: tuple[str, str]) -> None:
    assert "name one with -i" in cli.error("ask", "-i", "off", *options, "red?", code=2)


def test_explain_counts_what_was_read(cli: Cli) -> None:
    result = cli("ask", "How many watts?", "--explain")
    assert result.stdout.startswith("It draws 41 watts.")
    assert "lamp.md" in result.stderr
    assert "passages read:" in result.stderr
    cli.replies = [REPLY]
    passages = cli.json("ask", "How many watts?", "--explain")["passages"]
    assert {passage["path"] for passage in passages} == {"lamp.md", "whale.txt"}
    assert all(passage["is_included"] and passage["tokens"] > 0 for passage in passages)


def test_piped_text_is_answered_from_instead_of_the_only_index(cli: Cli) -> None:
    cli.replies = ["Rain."]
    result = cli("ask", "What is the weather?", piped="It rains.")
    assert result.stdout == "Rain.\n"
    assert "-i" in result.stderr


def test_piped_text_and_a_chosen_index_go_together(cli: Cli) -> None:
    result = cli("ask", "How many watts?", "-i", "docs", piped="I mean the Lumen lamp.")
    assert "I mean the Lumen lamp." in cli.models[0].calls[0][-1].content
    assert "Sources" in result.stdout


def test_text_of_a_document_cannot_speak_to_the_terminal_from_a_quote(cli: Cli, docs: Path) -> None:
    (docs / "evil.txt").write_text("The secret word is \x1b]0;owned\x1b\\ swordfish.\n")
    cli.json("index", docs)
    cli.replies = ['[1] "The secret word is \x1b]0;owned\x1b\\ swordfish."\nAnswer: swordfish']
    result = cli("ask", "What is the secret word?")
    assert "The secret word is ␛]0;owned␛\\ swordfish." in result.stdout
    assert "\x1b" not in result.output


def test_sentences_that_the_passages_do_not_bear_out_are_marked(cli: Cli) -> None:
    reply = f'[1] "{QUOTE}"\nAnswer: It draws 41 watts. It was sold 3,000 times.'
    cli.replies = [reply]
    result = cli("ask", "How many watts does the lamp draw?")
    assert "✗ not in the passages (3000): “It was sold 3,000 times.”" in result.stdout.splitlines()
    cli.replies = [reply]
    shape = cli.json("ask", "How many watts does the lamp draw?")
    [claim] = shape["unsupported"]
    assert shape["answer"][claim["start"] : claim["end"]] == claim["text"] == "It was sold 3,000 times."
    assert (claim["verdict"], claim["missing"]) == ("not_found", ["3000"])
    cli.replies = [REPLY]
    assert cli.json("ask", "How many watts does the lamp draw?")["unsupported"] == []


def test_what_was_left_out_is_in_the_json(cli: Cli) -> None:
    assert cli.json("ask", "How many watts does the lamp draw?")["warnings"] == []
