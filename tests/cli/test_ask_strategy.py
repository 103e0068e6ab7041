"""`agentkit ask --strategy`, its options, and what is shown of the reasoning."""

import json
from pathlib import Path

import pytest

from agentkit.cli.ask import ask
from agentkit.strategies import ThoughtTree, strategy_names
from tests.cli.conftest import Cli

QUOTE = "The Lumen lamp draws 41 watts at full brightness."
SUM = "One lamp draws 41 watts.\n2 * 41 = 82\nAnswer: 82 watts"


def test_a_chain_of_thought_answers_without_an_index(cli: Cli) -> None:
    cli.replies = ["3 boxes of 4 are 12.\nAnswer: 12"]
    shape = cli.json("ask", "3 boxes of 4 pens?", "--strategy", "cot")
    assert (shape["answer"], shape["reasoning"], shape["confidence"]) == ("12", "3 boxes of 4 are 12.", None)
    assert "Let's think step by step." in cli.models[0].calls[0][-1].content


def test_options_reach_the_strategy_and_the_vote_is_told(cli: Cli) -> None:
    cli.replies = ["Answer: 12", "Answer: 13", "Answer: 12"]
    options = ("-o", "samples", "3", "-o", "max-tokens", "50")
    shape = cli.json("ask", "3 boxes of 4 pens?", "--strategy", "self-consistency", *options)
    assert (shape["answer"], round(shape["confidence"], 2)) == ("12", 0.67)
    assert len(cli.models[0].calls) == 3


def test_examples_come_from_a_file(cli: Cli, workspace: Path) -> None:
    (workspace / "sums.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}\n')
    cli.replies = ["4"]
    assert cli.json("ask", "2 + 2?", "--strategy", "few-shot", "-o", "examples", "sums.jsonl")["answer"] == "4"
    assert [message.content for message in cli.models[0].calls[0]] == ["1 + 1?", "2", "2 + 2?"]


def test_examples_of_a_home_that_nobody_has_are_a_file_that_is_not_there(cli: Cli) -> None:
    options = ("--strategy", "few-shot", "-o", "examples", "~nobody-at-all/examples.jsonl")
    assert "~nobody-at-all/examples.jsonl: the examples cannot be read" in cli.error("ask", "3*4?", *options)


def test_examples_are_chosen_with_the_embedder(cli: Cli, workspace: Path) -> None:
    lines = ['{"question": "red fox", "answer": "1"}', '{"question": "blue sea", "answer": "2"}']
    (workspace / "sums.jsonl").write_text("\n".join(lines))
    cli.replies = ["3"]
    options = ("-o", "examples", "sums.jsonl", "-o", "choosing", "similar", "-o", "count", "1")
    cli.json("ask", "the blue sea?", "--strategy", "few-shot", *options)
    assert cli.models[0].calls[0][0].content == "blue sea"


def test_a_wrong_example_is_named_with_its_line(cli: Cli, workspace: Path) -> None:
    (workspace / "sums.jsonl").write_text('{"question": "1 + 1?", "answer": "2"}\n{"question": "2 + 2?"}\n')
    said = cli.error("ask", "3 + 3?", "--strategy", "few-shot", "-o", "examples", "sums.jsonl")
    assert "sums.jsonl, line 2: answer missing" in said


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("--strategy", "tott"), "there is no strategy 'tott': did you mean 'tot'?", 1),
        (("--strategy", "tot", "-o", "dept", "2"), "no option 'dept': did you mean 'depth'?", 1),
        (("--strategy", "tot", "-o", "depth", "99"), "depth is 99: give a value from 1 to 64", 1),
        (("--strategy", "self-consistency", "-o", "samples", "many"), "samples is 'many': give a whole number", 1),
        (("--strategy", "tot", "-o", "tokens", "10"), "too small for one thought", 1),
        (("--strategy", "few-shot"), "-o examples FILE", 1),
        (("--strategy", "cot", "--save-tree", "t.html"), "--save-tree is for the strategy tot", 2),
        (("--strategy", "tot", "--save-tree", "t.png"), "ends in .html or .json", 2),
        (("--strategy", "tot", "--save-tree", "nowhere/t.html"), "there is no folder nowhere", 2),
        (("--save-tree", "t.html"), "--save-tree is for --strategy tot", 2),
        (("-o", "seed", "1", "-o", "seed", "2"), "the option seed is given twice: '1' and '2'", 2),
        (("-o", "temprature", "1"), "there is no option 'temprature': did you mean 'temperature'?", 1),
        (("-o", "temperature", "9"), "temperature is '9': input should be less than or equal to 2", 1),
        (("-o", "seed"), "requires 2 arguments", 2),
    ],
)
def test_what_cannot_be_meant_is_one_line(cli: Cli, arguments: tuple[str, ...], message: str, code: int) -> None:
    assert message in cli.error("ask", "Really?", *arguments, code=code)


def test_a_tree_is_drawn_kept_and_in_the_json(cli: Cli, workspace: Path) -> None:
    replies = ["Fill the 3.", "Fill the 5.", *["likely"] * 3, *["sure"] * 3, "Pour."]
    cli.replies = replies
    options = ("--strategy", "tot", "-o", "depth", "1", "-o", "proposals", "2")
    result = cli("ask", "Measure 4 litres.", *options, "--explain", "--save-tree", "tree.html")
    assert result.stdout == "Pour.\n"
    assert "Fill the 5." in result.stderr
    assert "2 thoughts" in result.stderr
    assert "confidence 1.00" in result.stderr
    assert "Passages" not in result.stderr
    assert "<svg" in (workspace / "tree.html").read_text()
    cli.replies = replies
    shape = cli.json("ask", "Measure 4 litres.", *options, "--explain", "--save-tree", "tree.json")
    tree = ThoughtTree.from_json((workspace / "tree.json").read_text())
    assert [thought.text for thought in tree.path(tree.best)] == ["Fill the 5."]
    assert shape["tree"] == json.loads(tree.to_json())


def test_explain_shows_the_reasoning(cli: Cli) -> None:
    cli.replies = ["3 boxes of 4 are 12.\nAnswer: 12"]
    result = cli("ask", "3 boxes of 4 pens?", "--strategy", "cot", "--explain")
    assert result.stdout == "12\n"
    assert "3 boxes of 4 are 12." in result.stderr


def test_a_system_message_goes_with_and_without_a_strategy(cli: Cli) -> None:
    for arguments in ((), ("--strategy", "direct")):
        cli.replies = ["Aye."]
        cli("ask", "Really?", "-s", "Speak as a sailor.", *arguments)
        assert [message.content for message in cli.models[-1].calls[0]] == ["Speak as a sailor.", "Really?"]


def test_the_help_names_every_strategy() -> None:
    (option,) = (part for part in ask.__annotations__["strategy"].__metadata__)
    assert all(name in option.help for name in strategy_names())


class TestWithAnIndex:
    """The answer is reasoned from the passages, and its quotes are true all the same."""

    @pytest.fixture(autouse=True)
    def indexed(self, cli: Cli, docs: Path) -> None:
        cli.json("index", docs)

    def test_a_reckoned_answer_cites_what_it_rests_on(self, cli: Cli, docs: Path) -> None:
        cli.replies = [SUM, "Yes"]
        shape = cli.json("ask", "How many watts do 2 lamps draw?", "--strategy", "cot")
        assert (shape["answer"], shape["grounded"], shape["stop_reason"]) == ("82 watts", True, "completed")
        assert QUOTE in [citation["quote"] for citation in shape["citations"]]
        for citation in shape["citations"]:
            text = (docs / citation["path"]).read_text()
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert shape["reasoning"] == "One lamp draws 41 watts.\n2 * 41 = 82"

    def test_it_is_said_that_a_number_was_reckoned(self, cli: Cli) -> None:
        cli.replies = [SUM, "Yes"]
        result = cli("ask", "How many watts do 2 lamps draw?", "--strategy", "cot")
        assert "warning: 82: in no passage, reckoned by the model" in result.stderr

    @pytest.mark.parametrize(
        "replies",
        [
            [SUM, "No"],
            ["Answer: Otto of Kerguelen", "Yes"],
            ["Answer: 9000 watts", "Yes"],
        ],
        ids=["the quotes prove it not", "a name from nowhere", "a number from nowhere"],
    )
    def test_what_the_quotes_do_not_prove_is_refused(self, cli: Cli, replies: list[str]) -> None:
        cli.replies = replies
        shape = cli.json("ask", "How many watts do 2 lamps draw?", "--strategy", "cot")
        assert (shape["answer"], shape["citations"]) == ("The documents do not answer this question.", [])
        assert (shape["grounded"], shape["stop_reason"]) == (False, "not_found")
        assert "reasoning" in shape

    def test_the_passages_and_the_users_instructions_are_in_the_prompt(self, cli: Cli) -> None:
        cli.replies = ["Answer: 41 watts", "Yes"]
        cli("ask", "How many watts does the lamp draw?", "--strategy", "cot", "-s", "Be brief.")
        system, asked = cli.models[0].calls[0]
        assert "numbered passages" in system.content
        assert str(system.content).endswith("Be brief.")
        assert QUOTE in asked.content

    def test_without_a_strategy_the_instructions_are_added_too(self, cli: Cli) -> None:
        cli.replies = [f'[1] "{QUOTE}"\nAnswer: 41 watts.']
        cli("ask", "How many watts does the lamp draw?", "-s", "Be brief.")
        assert str(cli.models[0].calls[0][0].content).endswith("Be brief.")
