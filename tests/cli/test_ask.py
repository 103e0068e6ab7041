"""`agentkit ask` where the model answers by itself. With an index: test_ask_index.py."""

from pathlib import Path

from tests.cli.conftest import Cli


def test_without_an_index_the_model_answers_and_says_so(cli: Cli) -> None:
    cli.replies = ["Because of Rayleigh scattering."]
    result = cli("ask", "Why is the sky blue?")
    assert result.exit_code == 0
    assert result.stdout == "Because of Rayleigh scattering.\n"
    assert "there is no index" in result.stderr
    assert "agentkit index PATH" in result.stderr
    assert cli.models[0].calls[0][-1].content == "Why is the sky blue?"


def test_piped_text_is_what_the_question_is_about(cli: Cli) -> None:
    cli.replies = ["Milk."]
    result = cli("ask", "What is missing?", piped="Shopping list: milk, bread\n")
    assert result.stdout == "Milk.\n"
    assert cli.models[0].calls[0][-1].content == "Shopping list: milk, bread\n\nWhat is missing?"


def test_piped_text_alone_is_the_question(cli: Cli) -> None:
    cli.replies = ["Four."]
    assert cli("ask", piped="What is two and two?").stdout == "Four.\n"


def test_piped_bytes_that_are_no_text_do_no_harm(cli: Cli) -> None:
    cli.replies = ["Odd."]
    assert cli("ask", "What is this?", piped=b"\xff\xfe\x00").exit_code == 0


def test_no_question_at_all_is_a_usage_error(cli: Cli) -> None:
    assert "there is no question" in cli.error("ask", code=2)
    assert "there is no question" in cli.error("ask", "  ", code=2)


def test_the_json_has_the_promised_shape(cli: Cli) -> None:
    cli.replies = ["Yes."]
    shape = cli.json("ask", "Really?")
    assert list(shape) == ["answer", "citations", "grounded", "stop_reason", "usage"]
    assert (shape["answer"], shape["citations"], shape["grounded"]) == ("Yes.", [], False)
    assert set(shape["usage"]) == {"prompt_tokens", "cached_tokens", "completion_tokens", "forced_tokens", "seconds"}


def test_the_model_can_be_chosen(cli: Cli) -> None:
    cli.replies = ["Yes."]
    cli("ask", "Really?", "-m", "smollm2-135m")
    assert cli.asked == ["smollm2-135m"]


def test_usage_is_a_note_and_not_part_of_the_answer(cli: Cli) -> None:
    cli.replies = ["Yes."]
    result = cli("ask", "Really?", "-u")
    assert result.stdout == "Yes.\n"
    assert "tokens" in result.stderr


def test_what_a_model_says_cannot_speak_to_the_terminal(cli: Cli) -> None:
    cli.replies = ["\x1b[2J\x1b]0;owned\x07 \x9b2J \u202e done"]
    result = cli("ask", "Really?")
    assert not set(result.output) & set("\x1b\x07\x9b\u202e")
    assert "␛[2J" in result.stdout


def test_an_error_of_the_model_is_one_line(cli: Cli) -> None:
    cli.replies = []
    assert "the script has 0 replies" in cli.error("ask", "Really?")


def test_an_index_that_is_not_there_is_an_error_and_not_the_model(cli: Cli) -> None:
    assert "there is no index 'docs'" in cli.error("ask", "Really?", "-i", "docs")
    assert cli.asked == []


def test_an_unknown_setting_is_one_line_with_the_nearest_key(cli: Cli, workspace: Path) -> None:
    (workspace / "agentkit.toml").write_text('[models]\nchatt = "x"\n')
    assert "line 2: unknown key 'models.chatt': did you mean 'models.chat'?" in cli.error("ask", "Really?")


def test_several_answers_are_told_apart_and_are_an_array_in_json(cli: Cli) -> None:
    cli.replies = ["Heads.", "Tails."]
    assert cli("ask", "Toss a coin.", "-n", "2", "-s", "Be brief.").stdout == "Heads.\n---\nTails.\n"
    assert [call[0].content for call in cli.models[0].calls] == ["Be brief."] * 2
    assert [shape["answer"] for shape in cli.json("ask", "Toss a coin.", "-n", "2")] == ["Heads.", "Tails."]


def test_several_answers_come_from_the_model_alone(cli: Cli, docs: Path) -> None:
    assert "leave out --strategy" in cli.error("ask", "Really?", "-n", "2", "--strategy", "cot", code=2)
    cli.json("index", docs)
    assert cli.error("ask", "Really?", "-n", "2", code=2) == "-n is for the model's own answers: use -i off"
    cli.replies = ["Yes.", "No."]
    assert cli("ask", "Really?", "-n", "2", "-i", "off").stdout == "Yes.\n---\nNo.\n"


def test_no_index_is_asked_where_it_is_off(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    cli.replies = ["Because."]
    result = cli("ask", "Why?", "-i", "off")
    assert (result.stdout, result.stderr) == ("Because.\n", "")
