"""`agentkit chat` on a real pseudo-terminal: prompt, streaming, keys, completion, and what a terminal may be told."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.cli.conftest import Cli

ROOT = Path(__file__).parents[2]
ROWS, COLUMNS = 24, 80
WAIT_S = 20

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")


class _Screen(pyte.Screen):
    """A screen that tells where its cursor is when it is asked."""

    def __init__(self, answer: Callable[[str], None]) -> None:
        super().__init__(COLUMNS, ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """A chat, and the screen that it draws on."""

    def __init__(self, replies: Path, *arguments: str, pause_s: float = 0.0, **environment: str) -> None:
        own = ("NO_COLOR", "CI", "COLUMNS", "LINES")  # the terminal tells its size itself
        inherited = {name: value for name, value in os.environ.items() if name not in own}
        self.raw = ""
        self._screen = _Screen(self.type)
        self._stream = pyte.Stream(self._screen)
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "tests.cli.chat_doubles", str(replies), *arguments],
            env={
                **inherited,
                "TERM": "xterm-256color",
                "PYTHONPATH": str(ROOT),
                "CHAT_PAUSE_S": str(pause_s),
                **environment,
            },
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            codec_errors="replace",
        )

    @property
    def text(self) -> str:
        """What is on the screen, without the white space at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, text: str) -> str:
        """The screen, when it shows `text`."""
        return self.wait_until(lambda: text in self.text, text)

    def wait_until(self, is_met: Callable[[], bool], what: str) -> str:
        """The screen, when something is so."""
        end = time.monotonic() + WAIT_S
        while not is_met():
            assert time.monotonic() < end, f"{what!r} did not come:\n{self.text}"
            try:
                self._feed(self.process.read_nonblocking(4096, timeout=1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert is_met(), f"the chat ended without {what!r}:\n{self.text}"
        return self.text

    def ask(self, text: str) -> None:
        """Type a line at an empty prompt."""
        self.wait_until(lambda: ">" in self.text.splitlines(), "the prompt")
        self.type(f"{text}\r")

    def type(self, text: str) -> None:
        """Press keys; `\r` is Enter."""
        self.process.send(text)

    def leave(self) -> int:
        """Ctrl-D at an empty prompt; the exit code."""
        self.wait_until(lambda: ">" in self.text.splitlines(), "the prompt")
        self.type("\x04")
        return self.end()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self._feed(self.process.read())
        self.process.wait()
        return int(self.process.exitstatus or 0)

    def _feed(self, piece: str) -> None:
        self.raw += piece
        self._stream.feed(piece)


Open = Callable[..., Terminal]


@pytest.fixture
def chat(workspace: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens a chat whose model says what it is given."""
    opened: list[Terminal] = []

    def _open(*replies: object, arguments: tuple[str, ...] = (), **options: object) -> Terminal:
        file = tmp_path / "replies.json"
        file.write_text(json.dumps(replies))
        opened.append(Terminal(file, *arguments, **options))  # type: ignore[arg-type] # each fits its parameter
        opened[-1].wait_for("\n>")
        return opened[-1]

    yield _open
    for terminal in opened:
        terminal.process.close(force=True)


def test_a_question_is_answered_in_markdown_and_ctrl_d_leaves(chat: Open, cli: Cli) -> None:
    terminal = chat("# Lamps\n\nThey are **bright**:\n\n- Lumen\n- Lux")
    terminal.ask("What are lamps?")
    screen = terminal.wait_for("• Lux")
    assert "> What are lamps?" in screen
    assert "**" not in screen
    assert "They are bright:" in screen
    terminal.wait_for("context ▱")
    assert terminal.leave() == 0
    [session] = cli.json("sessions", "list")
    assert session["title"] == "What are lamps?"


def test_text_is_shown_while_it_is_decoded_and_ctrl_c_keeps_what_there_is(chat: Open, cli: Cli) -> None:
    terminal = chat("one two three four five six seven eight nine ten", "Again whole.", pause_s=0.4)
    terminal.ask("Count.")
    terminal.wait_for("three")
    assert "nine" not in terminal.text
    terminal.type("\x03")
    screen = terminal.wait_for("stopped; /retry asks again")
    assert "one two three" in screen
    terminal.ask("And now?")
    terminal.wait_for("Again whole.")
    assert terminal.leave() == 0
    [session] = cli.json("sessions", "list")
    first, second = cli.json("sessions", "show", session["id"])["turns"]
    assert first["stop_reason"] == "cancelled"
    assert first["answer"].startswith("one two three")
    assert second["answer"] == "Again whole."


def test_what_ctrl_c_leaves_is_shown_once_and_without_spaces_behind_it(chat: Open) -> None:
    terminal = chat("one two three four five six seven eight nine ten", pause_s=0.4)
    terminal.ask("Count.")
    terminal.wait_for("three")
    terminal.type("\x03")  # which the terminal shows as ^C behind the last line
    assert terminal.wait_for("stopped; /retry asks again").count("one two three") == 1
    assert "three  " not in terminal.raw


def test_ctrl_z_is_for_the_shell_and_no_part_of_the_question(chat: Open, cli: Cli) -> None:
    terminal = chat("Hello.")
    terminal.type("Hi\x1a\r")  # nothing is suspended here, where no shell could let it go on
    terminal.wait_for("Hello.")
    assert terminal.leave() == 0
    assert cli.json("sessions", "list")[0]["title"] == "Hi"


def test_ctrl_c_at_the_prompt_drops_the_line_and_the_chat_goes_on(chat: Open) -> None:
    terminal = chat("Hello.")
    terminal.type("never mind\x03")
    terminal.ask("Hi")
    terminal.wait_for("Hello.")
    terminal.ask("exit")
    assert terminal.end() == 0


def test_alt_enter_and_a_backslash_begin_another_line(chat: Open, cli: Cli) -> None:
    terminal = chat("Yes.")
    terminal.type("one\x1b\rtwo\\\rthree\r")
    terminal.wait_for("Yes.")
    terminal.leave()
    [session] = cli.json("sessions", "list")
    assert cli.json("sessions", "show", session["id"])["turns"][0]["question"] == "one\ntwo\nthree"


def test_commands_and_what_they_take_are_completed(chat: Open, workspace: Path) -> None:
    (workspace / "notes-of-rain.txt").write_text("It rains.")
    terminal = chat("Rain.")
    terminal.type("/")
    terminal.wait_for("show what the answers cost")
    terminal.type("fi")
    terminal.wait_until(lambda: "/undo" not in terminal.text, "a menu of /file alone")
    terminal.type("\t")
    terminal.wait_for("> /file")
    terminal.type(" notes")
    terminal.wait_for("-of-rain.txt")
    terminal.type("\t")
    terminal.wait_for("/file notes-of-rain.txt")
    terminal.type("\r")
    terminal.wait_for("9 characters go with the next question")
    terminal.type("/strategy self")
    terminal.wait_for("self-consistency")
    terminal.type("\t\r")
    terminal.wait_for("reasoning with self-consistency")


def test_steps_are_folded_to_a_line_that_can_be_opened(chat: Open) -> None:
    call = {"name": "calculator", "args": {"expression": "6*7"}, "id": "1"}
    terminal = chat(
        {"content": "I had better count.", "tool_calls": [call]}, "It is **42**.", arguments=("-T", "calculator")
    )
    terminal.ask("6 by 7?")
    screen = terminal.wait_for("It is 42.")
    assert ' 1 calculator(expression="6*7") → 42' in screen
    assert "I had better count." not in screen
    terminal.ask("/steps 1")
    terminal.wait_for("I had better count.")


def test_a_session_is_shown_again_and_edit_offers_its_last_question(chat: Open) -> None:
    terminal = chat("First answer.")
    terminal.ask("First question")
    terminal.wait_for("First answer.")
    terminal.leave()
    terminal = chat("Better answer.", arguments=("-c",))
    assert "> First question" in terminal.wait_for("First answer.")
    terminal.ask("/edit")
    terminal.wait_until(lambda: terminal.text.count("First question") == 2, "the draft")
    terminal.type(" again\r")
    terminal.wait_for("Better answer.")


def test_ctrl_c_and_an_emptied_line_drop_an_edit(chat: Open, cli: Cli) -> None:
    terminal = chat("First answer.", "Second answer.", "Third answer.")
    terminal.ask("First question")
    terminal.wait_for("First answer.")
    drafts = {"First question": ("\x03", "Second answer."), "Second question": ("\x15\r", "Third answer.")}
    for draft, (keys, answer) in drafts.items():
        terminal.ask("/edit")
        terminal.wait_for(f"> /edit\n> {draft}")
        terminal.type(keys)
        terminal.ask(answer.replace("answer.", "question"))
        terminal.wait_for(answer)
    assert terminal.leave() == 0
    [session] = cli.json("sessions", "list")
    assert session["turn_count"] == 3


def test_a_long_name_does_not_hide_how_full_the_context_is(chat: Open) -> None:
    terminal = chat("Hello.", arguments=("-m", f"./{'long-' * 20}.gguf"))
    terminal.wait_for("context ▱")
    assert terminal.leave() == 0


def test_an_error_is_a_line_and_the_chat_goes_on(chat: Open) -> None:
    terminal = chat()
    terminal.ask("Hi")
    terminal.wait_for("error: the script has 0 replies")
    terminal.ask("/nonsense")
    terminal.wait_for("there is no /nonsense")
    assert terminal.leave() == 0


def test_an_error_of_the_system_names_the_file_as_it_does_elsewhere(chat: Open) -> None:
    terminal = chat("Hello.")
    terminal.ask("Hi")
    terminal.wait_for("Hello.")
    terminal.ask("/save /nowhere/chat.md")
    terminal.wait_for("error: No such file or directory: /nowhere/chat.md")
    assert terminal.leave() == 0


def test_a_history_that_cannot_be_kept_ends_nothing(chat: Open, tmp_path: Path) -> None:
    history = tmp_path / "data" / "chat-history"
    terminal = chat("Hello.", "Again.")
    history.unlink()
    history.mkdir()
    terminal.ask("Hi")
    assert "Traceback" not in terminal.wait_for("Hello.")
    assert terminal.leave() == 0
    terminal = chat("Again.")
    terminal.ask("Hi again")
    terminal.wait_for("Again.")
    assert terminal.leave() == 0


def test_a_file_goes_with_a_question_that_is_stopped_and_not_with_the_next(
    chat: Open, cli: Cli, workspace: Path
) -> None:
    (workspace / "rain.txt").write_text("It rains.")
    terminal = chat("one two three four five six seven eight nine ten", "Again whole.", pause_s=0.4)
    terminal.ask("/file rain.txt")
    terminal.ask("Count.")
    terminal.wait_for("three")
    terminal.type("\x03")
    terminal.wait_for("stopped; /retry asks again")
    terminal.ask("And now?")
    terminal.wait_for("Again whole.")
    assert terminal.leave() == 0
    [session] = cli.json("sessions", "list")
    turns = cli.json("sessions", "show", session["id"])["turns"]
    assert [turn["files"] for turn in turns] == [["rain.txt"], []]


def test_a_file_that_is_too_long_can_be_left_out(chat: Open, workspace: Path) -> None:
    (workspace / "rain.txt").write_text("It rains.\n" * 9000)
    terminal = chat("Hello.")
    terminal.ask("/file rain.txt")
    terminal.ask("Where?")
    terminal.wait_for("/file off")
    terminal.ask("/file off")
    terminal.ask("Hi")
    terminal.wait_for("Hello.")
    assert terminal.leave() == 0


def test_a_long_answer_is_whole_on_a_short_screen(chat: Open) -> None:
    lines = "\n".join(f"- item {n}" for n in range(60))
    terminal = chat(f"Begin\n\n{lines}\n\nEnd", pause_s=0.002)
    terminal.ask("List.")
    terminal.wait_for("End")
    terminal.leave()
    history = pyte.HistoryScreen(COLUMNS, ROWS, history=1000)
    pyte.Stream(history).feed(terminal.raw)
    above = ["".join(row[x].data for x in range(COLUMNS)).rstrip() for row in history.history.top]
    seen = [line.strip() for line in [*above, *history.display]]
    assert [f"• item {n}" for n in range(60)] == [line for line in seen if line.startswith("• item")]


def test_the_terminal_is_never_spoken_to_by_a_model_or_a_paste(chat: Open) -> None:
    terminal = chat("Red \x1b]0;owned\x07 and \x1b[31mred\u202e [click](https://example.org/evil) \ud800.")
    terminal.type("\x1b[200~pasted \x1b]0;pwned\x07 text\x1b[201~\r")
    screen = terminal.wait_for("Red ␛]0;owned␇ and ␛[31mred")
    assert "https://example.org/evil" in screen, "a link shows where it leads"
    assert "\x1b]0;" not in terminal.raw
    assert "\x1b]8;" not in terminal.raw
    assert "\u202e" not in terminal.raw


def test_no_color_is_obeyed(chat: Open) -> None:
    terminal = chat("`code` and **bold**", NO_COLOR="1")
    terminal.ask("Hi")
    terminal.wait_for("code and bold")
    terminal.leave()
    assert not any(f"\x1b[{code}m" in terminal.raw for code in (31, 32, 33, 34, 35, 36, 90, "1;36"))


def test_ctrl_d_leaves_at_once_while_the_model_is_loading(chat: Open) -> None:
    terminal = chat("Never.", CHAT_LOADING_S="30")
    terminal.wait_for("loading…")
    started = time.monotonic()
    assert terminal.leave() == 0
    assert time.monotonic() - started < 20


def test_ctrl_c_stops_waiting_for_the_model(chat: Open) -> None:
    terminal = chat("Never.", CHAT_LOADING_S="30")
    terminal.ask("Hi")
    terminal.wait_for("loading the model…")
    terminal.type("\x03")
    terminal.wait_for("stopped; /retry asks again")
