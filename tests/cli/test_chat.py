"""`agentkit chat` on a pipe: a question a line, answers on stdout, everything else on stderr."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from agentkit.agents.session import SessionSetup
from agentkit.chat import Chat
from agentkit.cli._chat_commands import ChatCommands
from agentkit.cli._chat_screen import PipedScreen
from agentkit.models.messages import text_of
from agentkit.workspace import Workspace
from tests.cli.conftest import Cli

QUOTE = "The Lumen lamp draws 41 watts at full brightness."
CITED = f'[1] "{QUOTE}"\nAnswer: It draws 41 watts.'


def _call(**arguments: Any) -> AIMessage:
    return AIMessage("I count.", tool_calls=[{"name": "calculator", "args": arguments, "id": "1"}])


@pytest.fixture
def indexed(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)


def test_each_line_is_a_turn_that_knows_those_before_it(cli: Cli) -> None:
    cli.replies = ["Hello.", "Your name is Ada."]
    result = cli("chat", piped="I am Ada.\n\nWho am I?\n")
    assert result.stdout == "Hello.\n\nYour name is Ada.\n"
    assert "no index" in result.stderr
    assert [text_of(message) for message in cli.models[0].calls[1]] == ["I am Ada.", "Hello.", "Who am I?"]
    assert len(cli.models) == 1, "one model stays loaded through the chat"


def test_an_answer_from_an_index_has_true_quotes_and_its_sources_below(cli: Cli, indexed: None) -> None:
    cli.replies = [CITED]
    result = cli("chat", piped="How many watts does the lamp draw?")
    assert result.stdout.splitlines() == [
        "It draws 41 watts.", "", "Sources", "[1] lamp.md · Lamp › Power", f"    “{QUOTE}”",
    ]  # fmt: skip
    assert result.stderr == ""


def test_a_follow_up_is_rewritten_before_it_is_searched_for(cli: Cli, indexed: None) -> None:
    cli.replies = [CITED, "How bright is the Lumen lamp?", "NOT FOUND"]
    first, second = map(
        json.loads, cli("chat", "--json", piped="How many watts?\nHow bright is it?").stdout.splitlines()
    )
    assert first["citations"][0]["quote"] == QUOTE
    assert (second["question"], second["searched"]) == ("How bright is it?", "How bright is the Lumen lamp?")
    assert (second["answer"], second["stop_reason"]) == ("The documents do not answer this question.", "not_found")
    assert first["session"] == second["session"]


def test_off_is_no_index(cli: Cli, indexed: None) -> None:
    cli.replies = ["Hm."]
    assert cli("chat", "-i", "off", piped="How many watts?").stdout == "Hm.\n"


def test_tools_are_called_and_their_steps_kept(cli: Cli) -> None:
    cli.replies = [_call(expression="6 * 7"), "It is 42."]
    [line] = cli("chat", "-T", "calculator", "--json", piped="6 by 7?").stdout.splitlines()
    turn = json.loads(line)
    assert turn["answer"] == "It is 42."
    assert [(step["tool"], step["observation"]) for step in turn["steps"]] == [("calculator", "42")]
    assert cli.json("sessions", "show", turn["session"])["turns"][0]["steps"] == turn["steps"]


def test_a_tool_with_effects_runs_only_where_it_is_allowed(cli: Cli, workspace: Path) -> None:
    (workspace / "tools" / "ring.py").write_text(
        "from pathlib import Path\nfrom agentkit.tools import tool\n\n"
        "@tool(effects=True)\ndef ring(times: int) -> str:\n"
        '    """Ring the bell.\n\n    Args:\n        times: How often.\n    """\n'
        '    Path("rung").write_text("x" * times)\n    return "rung"\n'
    )
    call = AIMessage("", tool_calls=[{"name": "ring", "args": {"times": 3}, "id": "1"}])
    cli.replies = [call, "I could not."]
    assert "nobody can be asked" in cli("chat", "-T", "ring", "--trust-tools", piped="Ring!").stderr
    assert not (workspace / "rung").exists()
    cli.replies = [call, "Done."]
    assert cli("chat", "-T", "ring", "--trust-tools", "--yes", "ring", piped="Ring!").stdout == "Done.\n"
    assert (workspace / "rung").read_text() == "xxx"
    error = cli.error("chat", "-T", "ring", piped="Ring!")
    assert "no tool 'ring'" in error, "an untrusted file is not run"
    assert "ring.py is not trusted" in error
    assert "ring.py is not trusted" in cli.error("chat", piped="/tools ring")


def test_what_a_tool_s_program_prints_is_no_answer(
    cli: Cli, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (workspace / "tools" / "greet.py").write_text(
        'import os\nfrom agentkit.tools import tool\n\n@tool\ndef greet() -> str:\n    """Greet."""\n'
        '    os.system("echo hello from a program")\n    return "greeted"\n'
    )
    cli.replies = [AIMessage("", tool_calls=[{"name": "greet", "args": {}, "id": "1"}]), "Done."]
    result = cli("chat", "-T", "greet", "--trust-tools", "--json", piped="Greet me!")
    assert json.loads(result.stdout)["answer"] == "Done."
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "hello from a program" in printed.err


def test_a_tool_of_a_file_that_runs_only_this_time_can_be_chosen_on_the_way(cli: Cli, workspace: Path) -> None:
    (workspace / "tools" / "greet.py").write_text(
        'from agentkit.tools import tool\n\n@tool\ndef greet() -> str:\n    """Greet."""\n    return "greeted"\n'
    )
    cli.replies = [AIMessage("", tool_calls=[{"name": "greet", "args": {}, "id": "1"}]), "Done."]
    result = cli("chat", "--trust-tools", piped="/tools greet\nGreet me!")
    assert result.stdout == "Done.\n"
    assert "the model may call greet" in result.stderr
    assert "no tool 'greet'" in cli.error("chat", piped="/tools greet")


def test_completing_the_tools_runs_their_files_once(workspace: Path) -> None:
    (workspace / "tools" / "greet.py").write_text(
        'from agentkit.tools import tool\n\nwith open("ran", "a") as file:\n    file.write("x")\n\n'
        '@tool\ndef greet() -> str:\n    """Greet."""\n    return "greeted"\n'
    )
    opened = Workspace.open()
    with Chat(opened, SessionSetup(), trusts_tools=True) as chat:
        tools = ChatCommands(chat, opened, PipedScreen(chat, lambda _: None, is_json=False)).commands["/tools"]
        assert list(tools.complete()) == list(tools.complete()) == ["calculator", "greet"]
    assert (workspace / "ran").read_text() == "x"


@pytest.mark.parametrize("path", ["~nobody.at.all/b.md", "a\0b.md"])
def test_a_path_that_cannot_be_is_one_line(cli: Cli, path: str) -> None:
    cli.replies = ["Hello."]
    assert "b.md" in cli.error("chat", piped=f"/file {path}")
    cli.replies = ["Hello."]
    assert "b.md" in cli.error("chat", piped=f"Hi\n/save {path}")


def test_yes_must_name_a_tool_that_there_is(cli: Cli) -> None:
    error = cli.error("chat", "--yes", "nope", piped="Hello", code=2)
    assert error == "--yes nope: there is no such tool; the tools are calculator"
    cli.replies = ["Good day."]
    assert cli("chat", "--yes", "calculator", piped="Hello").stdout == "Good day.\n"


def test_the_prompt_does_not_wait_for_langchain() -> None:
    statement = (
        "import sys\nimport agentkit.cli._approval, agentkit.cli._chat_loop, agentkit.cli.chat, agentkit.workspace\n"
        "from agentkit.chat import Chat\nprint('langchain_core.runnables' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout == "False\n"


def test_the_system_prompt_comes_first(cli: Cli) -> None:
    cli.replies = ["Aye."]
    cli("chat", "-s", "Talk like a sailor.", piped="Hi")
    assert text_of(cli.models[0].calls[0][0]) == "Talk like a sailor."


def test_a_strategy_reasons(cli: Cli) -> None:
    cli.replies = ["Six sevens are 42.\n\nAnswer: 42"]
    assert cli("chat", "--strategy", "cot", piped="6 by 7?").stdout == "42\n"
    assert "nonsense" in cli.error("chat", "--strategy", "nonsense", piped="Hi")


def test_continue_takes_up_the_latest_session_with_what_it_was_had_with(cli: Cli) -> None:
    cli.replies = ["Hello."]
    cli("chat", "-s", "Be kind.", "-m", "small", piped="I am Ada.")
    cli.replies = ["Ada."]
    result = cli("chat", "-c", piped="Who am I?")
    assert result.stdout == "Ada.\n"
    assert [text_of(message) for message in cli.models[-1].calls[0]] == ["Be kind.", "I am Ada.", "Hello.", "Who am I?"]
    assert cli.asked[-1] == "small"
    [session] = cli.json("sessions", "list")
    assert (session["turn_count"], session["title"]) == (2, "I am Ada.")


def test_session_takes_up_any_by_its_id(cli: Cli) -> None:
    cli.replies = ["One."]
    cli("chat", piped="First")
    cli("chat", piped="Second")
    _, first = [session["id"] for session in cli.json("sessions", "list")]
    cli.replies = ["Two."]
    cli("chat", "--session", first, piped="Third")
    assert [turn["question"] for turn in cli.json("sessions", "show", first)["turns"]] == ["First", "Third"]
    assert "no session 'zzz'" in cli.error("chat", "--session", "zzz", piped="Hi")
    assert "exclude" in cli.error("chat", "--session", first, "-c", piped="Hi", code=2)


def test_continue_where_there_is_nothing_begins_anew(cli: Cli) -> None:
    cli.replies = ["Hello."]
    result = cli("chat", "-c", piped="Hi")
    assert result.stdout == "Hello.\n"
    assert "a new one begins" in result.stderr


def test_a_chat_without_questions_leaves_no_session(cli: Cli) -> None:
    assert cli("chat", piped="").exit_code == 0
    assert cli("chat", piped="\nexit\n").exit_code == 0
    assert cli("chat", piped="quit").exit_code == 0
    assert cli.json("sessions", "list") == []


def test_a_model_that_fails_ends_it_with_one_line_and_keeps_what_was_said(cli: Cli) -> None:
    cli.replies = ["Hello."]
    result = cli("chat", piped="Hi\nAgain\nNever asked\n")
    assert result.exit_code == 1
    assert result.stdout == "Hello.\n"
    assert result.stderr.splitlines()[-1].startswith("agentkit: error: the script has 1 replies")
    [session] = cli.json("sessions", "list")
    assert [turn["question"] for turn in cli.json("sessions", "show", session["id"])["turns"]] == ["Hi"]


def test_a_first_question_that_fails_leaves_no_session_to_go_on_with(cli: Cli) -> None:
    cli.replies = []
    assert "the script has 0 replies" in cli.error("chat", "-T", "calculator", piped="Hi")
    assert cli.json("sessions", "list") == []
    cli.replies = ["Hello."]
    assert cli("chat", "-c", piped="Hi").stdout == "Hello.\n"


def test_continue_goes_on_without_tools_and_an_index_that_are_not_here_any_more(
    cli: Cli, workspace: Path, docs: Path
) -> None:
    cli("index", docs)
    file = workspace / "tools" / "greet.py"
    file.write_text('from agentkit.tools import tool\n\n@tool\ndef greet() -> str:\n    """Greet."""\n    return ""\n')
    cli.replies = ["NOT FOUND", "Hello.", "Hello again.", "And again."]
    begun = cli("chat", "-T", "greet", "-T", "calculator", "--trust-tools", piped="Hi")
    assert begun.exit_code == 0, begun.stderr
    untrusted = cli("chat", "-c", piped="Hi")
    assert untrusted.exit_code == 0, untrusted.stderr
    assert "the session's tool greet is not here, so the model answers without it (" in untrusted.stderr
    assert "greet.py is not trusted" in untrusted.stderr
    cli("indexes", "remove", "docs", "--yes")
    result = cli("chat", "-c", "--json", piped="Hi")
    assert (result.exit_code, "greet" in result.stderr) == (0, False)
    assert "the session's index docs is not here" in result.stderr
    assert "no tool 'greet'" in cli.error("chat", "-c", "-T", "greet", piped="Hi")


def test_a_model_s_file_is_found_again_from_another_folder(
    cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.replies = ["One.", "Two."]
    cli("chat", "-m", "./tiny.gguf", piped="Hi\n/model other.gguf\nHo")
    (workspace / "below").mkdir()
    monkeypatch.chdir(workspace / "below")
    cli("chat", "-c", piped="Hi")
    assert (cli.asked[0], cli.asked[-1]) == (str(workspace / "tiny.gguf"), str(workspace / "other.gguf"))


def test_no_byte_or_character_does_harm(cli: Cli) -> None:
    cli.replies = ["Red \x1b[31m alert \ud800 \u202e."]
    result = cli("chat", piped=b"\xff\xfe What \x1b]0;owned\x07 is \xed\xa0\x80 it?\n")
    assert result.stdout == "Red ␛[31m alert \N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}.\n"
    [session] = cli.json("sessions", "list")
    shown = cli("sessions", "show", session["id"]).stdout
    assert "\x1b" not in shown
    assert "What ␛]0;owned␇ is" in shown


def test_a_damaged_file_of_sessions_is_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "sessions.sqlite").write_bytes(b"no database" * 1000)
    assert "move the file away" in cli.error("chat", piped="Hi")


class TestCommands:
    """The commands, one after another on a pipe."""

    @pytest.fixture(autouse=True)
    def _replies(self, cli: Cli) -> None:
        cli.replies = ["One.", "Two.", "Three.", "Four."]

    @staticmethod
    def said(cli: Cli, *lines: str, options: tuple[str, ...] = ()) -> tuple[list[str], str]:
        result = cli("chat", *options, piped="\n".join(lines))
        assert result.exit_code == 0, result.stderr
        return [line for line in result.stdout.splitlines() if line], result.stderr

    def test_help_names_all(self, cli: Cli) -> None:
        _, notes = self.said(cli, "/help")
        for (
            name
        ) in "help index tools model strategy sources context file copy edit save retry undo clear tokens quit".split():
            assert f"/{name}" in notes

    def test_an_unknown_one_names_the_nearest(self, cli: Cli) -> None:
        assert "did you mean /retry" in cli.error("chat", piped="/retri")
        assert "/help" in cli.error("chat", piped="/xyzzy")

    def test_a_path_is_a_question(self, cli: Cli) -> None:
        assert self.said(cli, "/etc/passwd is what?")[0] == ["One."]

    def test_quit_ends_it(self, cli: Cli) -> None:
        assert self.said(cli, "Hi", "/quit", "Never")[0] == ["One."]

    def test_retry_replaces_the_answer(self, cli: Cli) -> None:
        assert self.said(cli, "Hi", "/retry")[0] == ["One.", "Two."]
        [turn] = cli.json("sessions", "show", cli.json("sessions", "list")[0]["id"])["turns"]
        assert (turn["question"], turn["answer"]) == ("Hi", "Two.")
        assert len(cli.models[0].calls[1]) == 1

    def test_edit_asks_something_else_in_its_place(self, cli: Cli) -> None:
        self.said(cli, "Hi", "/edit Good day")
        [turn] = cli.json("sessions", "show", cli.json("sessions", "list")[0]["id"])["turns"]
        assert (turn["question"], turn["answer"]) == ("Good day", "Two.")

    def test_an_edit_goes_with_its_attachments(self, cli: Cli, workspace: Path) -> None:
        (workspace / "rain.txt").write_text("It rains.")
        self.said(cli, "/file rain.txt", "Where?", "/edit", "/help", "Where now?")
        [turn] = cli.json("sessions", "show", cli.json("sessions", "list")[0]["id"])["turns"]
        assert (turn["question"], turn["answer"]) == ("Where now?", "Two.")
        assert text_of(cli.models[0].calls[1][-1]) == "Text of rain.txt:\nIt rains.\n\nWhere now?"

    @pytest.mark.parametrize("command", ["/undo", "/clear", "/retry"])
    def test_a_command_that_does_something_else_drops_an_edit(self, cli: Cli, workspace: Path, command: str) -> None:
        (workspace / "rain.txt").write_text("It rains.")
        self.said(cli, "Hi", "/file rain.txt", "Where?", "/edit", command, "Then?")
        sessions = [cli.json("sessions", "show", each["id"])["turns"] for each in cli.json("sessions", "list")]
        kept = [[turn["question"] for turn in turns] for turns in reversed(sessions)]
        assert kept == {
            "/undo": [["Hi", "Then?"]], "/clear": [["Hi", "Where?"], ["Then?"]], "/retry": [["Hi", "Where?", "Then?"]],
        }[command]  # fmt: skip
        asked = cli.models[0].calls[-1]
        assert text_of(asked[-1]) == "Then?"
        assert len(asked) == 2 * len(kept[-1]) - 1, "what is read is what is kept"

    def test_undo_takes_the_turn_back(self, cli: Cli) -> None:
        self.said(cli, "Hi", "Ho", "/undo", "Hey")
        assert [text_of(message) for message in cli.models[0].calls[2]] == ["Hi", "One.", "Hey"]

    def test_clear_begins_a_new_session(self, cli: Cli) -> None:
        _, notes = self.said(cli, "Hi", "/clear", "Ho")
        assert len(cli.json("sessions", "list")) == 2
        assert [text_of(message) for message in cli.models[0].calls[1]] == ["Ho"]
        assert "session" in notes

    def test_nothing_said_yet_is_an_error(self, cli: Cli) -> None:
        for command in ("/retry", "/undo", "/edit", "/sources", "/steps", "/copy", "/save x.md"):
            assert "nothing was said yet" in cli.error("chat", piped=command)

    def test_save_writes_either_form_and_nothing_over_another_file(self, cli: Cli, workspace: Path) -> None:
        self.said(cli, "Hi", "/save chat.md", "/save 'a chat.json'", "/save")
        assert "> Hi\n\nOne." in (workspace / "chat.md").read_text()
        assert json.loads((workspace / "a chat.json").read_text())["turns"][0]["answer"] == "One."
        assert "there already" in cli.error("chat", "-c", piped="/save chat.md")

    def test_copy_writes_nothing_among_the_answers(
        self, cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(workspace))  # where no program copies
        result = cli("chat", piped="Hi\n/copy\n")
        assert (result.exit_code, result.stdout) == (1, "One.\n")
        assert result.stderr.splitlines()[-1].startswith("agentkit: error: nothing here can copy")

    def test_file_goes_with_the_next_question_alone(self, cli: Cli, workspace: Path) -> None:
        (workspace / "rain.txt").write_text("It rains in Almsford.")
        self.said(cli, "/file rain.txt", "Where?", "And now?")
        first, second = cli.models[0].calls
        assert text_of(first[-1]) == "Text of rain.txt:\nIt rains in Almsford.\n\nWhere?"
        assert text_of(second[-1]) == "And now?"
        assert text_of(second[0]) == text_of(first[-1])
        assert "nothing.txt: cannot be read" in cli.error("chat", piped="/file nothing.txt")

    def test_model_index_tools_and_strategy_show_and_change(self, cli: Cli, docs: Path) -> None:
        cli.json("index", docs)
        cli.replies = [CITED]
        answers, notes = self.said(cli, "/index", "/index docs", "How many watts?", options=("-i", "off"))
        assert answers[0] == "It draws 41 watts."
        assert "there are: docs\n" in notes
        cli.replies = [_call(expression="1 + 1"), "Two."]
        answers, notes = self.said(
            cli, "/tools", "/tools calculator", "1 + 1?", "/steps", "/steps 1", options=("-i", "off")
        )
        assert answers == ["Two."]
        assert '1 calculator(expression="1 + 1") → 2' in notes
        assert 'I count.\n\ncalculator(expression="1 + 1")\n\n2' in notes
        cli.replies = ["Reasoning.\n\nAnswer: 42"]
        answers, notes = self.said(cli, "/strategy", "/strategy cot", "6 by 7?", options=("-i", "off"))
        assert answers == ["42"]
        assert "now: off" in notes
        cli.replies = ["Hello."]
        self.said(cli, "/model other", "Hi", options=("-i", "off"))
        assert cli.asked[-1] == "other"
        for wrong in ("/index nothing", "/tools nothing", "/strategy nothing"):
            assert "nothing" in cli.error("chat", piped=wrong)

    def test_sources_context_and_tokens(self, cli: Cli, docs: Path) -> None:
        cli.json("index", docs)
        cli.replies = [CITED]
        _, notes = self.said(cli, "How many watts?", "/sources", "/context", "/tokens")
        assert QUOTE in notes
        assert "turns      1 read, 0 left out" in notes
        assert "last answer  read" in notes
