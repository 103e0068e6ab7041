"""`agentkit run`. On a terminal: test_run_on_a_terminal.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from tests.cli.conftest import Cli

_SEND = '''\
from agentkit.tools import tool

@tool(effects=True)
def send(text: str) -> str:
    """Send a message.

    Args:
        text: What.
    """
    open("sent", "a").write(text)
    return "sent"
'''


_GREET = '''\
import subprocess, sys
from agentkit.tools import tool

@tool
def greet() -> str:
    """Greet."""
    subprocess.run([sys.executable, "-c", "print('hello from a program')"], check=True)
    return "greeted"
'''

_GREET_IN_A_THREAD = '''\
from threading import Thread
from agentkit.tools import tool

@tool
def greet() -> str:
    """Greet."""
    thread = Thread(target=print, args=("hello from a thread",))
    thread.start()
    thread.join()
    return "greeted"
'''

_RUN = """
import sys
from pathlib import Path
from langchain_core.messages import AIMessage
from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.models.scripted import ScriptedModel
from agentkit.settings import Settings
from agentkit.workspace import Workspace

call = AIMessage("", tool_calls=[{"name": "greet", "args": {}, "id": "1"}])
model = ScriptedModel(replies=[call, "Done."])
workspace = Workspace(Path.cwd(), Settings(), make_chat_model=lambda name: model)
app(sys.argv[1:], prog_name="agentkit", obj=Invocation(open_workspace=lambda: workspace))
"""


def _call(name: str, thought: str = "I look.", /, **arguments: object) -> AIMessage:
    return AIMessage(thought, tool_calls=[{"name": name, "args": arguments, "id": f"{name}-{arguments}"}])


@pytest.fixture
def sent(workspace: Path, cli: Cli) -> Path:
    """What the trusted tool `send` writes; made by its first call."""
    (workspace / "tools" / "send.py").write_text(_SEND, "utf-8")
    cli("tools", "trust", "--yes")
    return workspace / "sent"


def test_steps_go_to_stderr_and_the_answer_to_stdout(cli: Cli) -> None:
    cli.replies = [_call("calculator", expression="17 * 3"), "It is 51."]
    result = cli("run", "What is 17 * 3?")
    assert result.exit_code == 0
    assert result.stdout == "It is 51.\n"
    assert ' 1 calculator(expression="17 * 3") → 51' in result.stderr


def test_the_json_has_the_promised_shape(cli: Cli) -> None:
    cli.replies = [_call("calculator", expression="17 *"), "It is 51."]
    shape = cli.json("run", "What is 17 * 3?")
    assert list(shape) == ["answer", "citations", "steps", "stop_reason", "usage"]
    assert (shape["answer"], shape["stop_reason"]) == ("It is 51.", "completed")
    (step,) = shape["steps"]
    assert list(step) == ["thought", "tool", "arguments", "observation", "error", "seconds"]
    assert (step["tool"], step["arguments"], step["thought"]) == ("calculator", {"expression": "17 *"}, "I look.")
    assert "missing" in step["error"]


def test_an_index_is_searched_and_cited(cli: Cli, docs: Path) -> None:
    cli("index", docs)
    cli.replies = [_call("retrieval", query="lamp watts"), "The lamp draws 41 watts [1]."]
    result = cli("run", "How many watts does the lamp draw?")
    assert "Sources" in result.stdout
    assert "lamp.md" in result.stdout
    shape = cli.json("run", "How many watts does the lamp draw?")
    assert shape["citations"][0]["path"] == "lamp.md"


def test_tools_can_be_chosen_and_an_unknown_one_names_the_nearest(cli: Cli, docs: Path) -> None:
    cli("index", docs)
    cli.replies = [_call("retrieval", query="lamp"), "I cannot look."]
    step = cli.json("run", "Look.", "-T", "calculator")["steps"][0]
    assert "there is no tool 'retrieval'" in step["error"]
    assert "did you mean 'calculator'" in cli.error("run", "x", "-T", "calculater")


def test_limits_end_a_run_with_what_there_is_and_a_warning(cli: Cli) -> None:
    cli.replies = [_call("calculator", expression="1+1"), _call("calculator", expression="2+2")]
    result = cli("run", "Go on.", "--max-steps", "2")
    assert result.exit_code == 0
    assert result.stdout == "I look.\n"
    assert "warning: the agent stopped before it was done: max steps" in result.stderr
    assert cli("run", "x", "--max-steps", "0").exit_code == 2


def test_a_tool_with_effects_does_not_run_where_nobody_can_be_asked(cli: Cli, sent: Path) -> None:
    cli.replies = [_call("send", text="hello"), "I could not."]
    result = cli("run", "Send hello.")
    assert "send was not run: nobody can be asked here; --yes send allows it" in result.stderr
    assert not sent.exists()


def test_yes_names_the_tools_that_run_unasked(cli: Cli, sent: Path) -> None:
    cli.replies = [_call("send", text="hello"), "Sent."]
    assert cli("run", "Send hello.", "--yes", "send").exit_code == 0
    assert sent.read_text() == "hello"
    assert "there is no such tool" in cli.error("run", "x", "--yes", "sendd", code=2)


def test_drop_ins_run_only_where_they_are_trusted_or_all_are_this_once(cli: Cli, workspace: Path) -> None:
    (workspace / "tools" / "send.py").write_text(_SEND, "utf-8")
    cli.replies = [_call("send", text="hello"), "Done."]
    result = cli("run", "Send hello.", "--yes", "calculator")
    assert "send.py is not trusted" in result.stderr
    assert "there is no tool 'send'" in result.stderr
    assert cli("run", "Send hello.", "--trust-tools", "--yes", "send").exit_code == 0
    assert (workspace / "sent").exists()


def test_piped_text_is_added_to_the_task_and_no_task_is_a_usage_error(cli: Cli) -> None:
    cli.replies = ["Yes."]
    cli("run", "Sum it up.", piped="a\nb\n")
    assert cli.models[0].calls[0][-1].content == "a\nb\n\nSum it up."
    assert "there is no task" in cli.error("run", code=2)


def test_what_a_tool_or_a_model_says_cannot_speak_to_the_terminal(cli: Cli) -> None:
    cli.replies = [_call("calculator", expression="1\x1b[2J+\u202e1\n2"), "\x1b]0;owned\x07"]
    result = cli("run", "x")
    assert not set(result.output) & set("\x1b\x07\u202e")


def test_several_indexes_are_not_chosen_from(cli: Cli, docs: Path) -> None:
    cli("index", docs, "--name", "a")
    cli("index", docs, "--name", "b")
    cli.replies = ["Yes."]
    assert "choose one with -i: a, b" in cli("run", "x").stderr


def test_a_strategy_reasons_the_answer(cli: Cli) -> None:
    cli.replies = [_call("calculator", expression="17 * 3"), "It is 50 or so.", *["Answer: 51"] * 3]
    shape = cli.json("run", "What is 17 * 3?", "--strategy", "self-consistency", "-o", "samples", "3")
    assert (shape["answer"], shape["confidence"]) == ("51", 1.0)
    assert "there is no strategy 'cott'" in cli.error("run", "What?", "--strategy", "cott")
    assert "-o is for" in cli.error("run", "What?", "-o", "samples", "3", code=2)


def test_what_a_tool_s_program_prints_is_no_result(
    cli: Cli, workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (workspace / "tools" / "greet.py").write_text(_GREET, "utf-8")
    cli("tools", "trust", "--yes")
    cli.replies = [_call("greet"), "Done."]
    assert cli.json("run", "Greet me.", "-T", "greet")["answer"] == "Done."
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "hello from a program" in printed.err


def test_what_a_thread_of_a_tool_prints_is_no_result(workspace: Path, cli: Cli) -> None:
    (workspace / "tools" / "greet.py").write_text(_GREET_IN_A_THREAD, "utf-8")
    cli("tools", "trust", "--yes")
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    finished = subprocess.run(
        [sys.executable, "-c", _RUN, "run", "Greet me.", "--json"], capture_output=True, text=True, timeout=60,
        env=buffered, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert json.loads(finished.stdout)["answer"] == "Done."
    assert "hello from a thread" in finished.stderr
