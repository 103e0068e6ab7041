"""A chat from its first prompt to its end: on a terminal, or with a question a line on a pipe."""

import sys
from collections.abc import Iterator
from typing import TextIO

from rich.text import Text

from agentkit.chat import Chat
from agentkit.cli._chat_commands import ChatCommands, meter
from agentkit.cli._chat_prompt import ChatPrompt
from agentkit.cli._chat_screen import ChatScreen, PipedScreen, TerminalScreen
from agentkit.cli._front_door import message_of
from agentkit.cli._terminal import neutralise_line
from agentkit.errors import AgentkitError
from agentkit.workspace import Workspace, data_directory

_SHOWN_TURNS = 3
"""Of a session that is taken up again."""


def chat_on_pipe(chat: Chat, workspace: Workspace, screen: PipedScreen) -> None:
    """Answer each line of standard input. The first error ends it."""
    commands = ChatCommands(chat, workspace, screen)
    for line in _lines():
        if not commands.run(line):
            commands.ask(line)
        if commands.is_over:
            return


def chat_on_terminal(chat: Chat, workspace: Workspace, screen: ChatScreen, stream: TextIO) -> None:
    """Answer what is typed until Ctrl-D or `/quit`."""
    commands = ChatCommands(chat, workspace, screen)
    prompt = ChatPrompt(data_directory() / "chat-history", commands.commands, _Toolbar(chat), stream)
    chat.load()
    while not commands.is_over:
        try:
            line = prompt.read(commands.draft)
        except KeyboardInterrupt:
            line = ""
        except EOFError:
            return
        if line.strip():
            _do(line, commands, screen)
        else:
            commands.drop_edit()


def greet(chat: Chat, screen: TerminalScreen) -> None:
    """What is being talked with; and, of a session that is taken up again, its last turns."""
    setup = chat.setup
    about = [setup.model, *([f"index {setup.index}"] if setup.index else [])]
    about += [f"tools {', '.join(setup.tools)}"] if setup.tools else []
    screen.say(Text(neutralise_line(" · ".join([*about, "/help shows the commands"])), style="dim"))
    if not chat.session:
        return
    earlier = len(chat.turns) - _SHOWN_TURNS
    if earlier > 0:
        hint = f"{earlier} earlier turns: agentkit sessions show {chat.session.id}"
        screen.say(Text(hint, style="dim"))
    for turn in chat.turns[-_SHOWN_TURNS:]:
        screen.turn(turn)


def _do(line: str, commands: ChatCommands, screen: ChatScreen) -> None:
    """What was typed. An error is a line, and the chat goes on."""
    try:
        if not commands.run(line):
            commands.ask(line)
    except KeyboardInterrupt:
        screen.say(Text("stopped; /retry asks again", style="dim"))
    except (AgentkitError, OSError) as error:
        screen.say(Text(f"error: {neutralise_line(message_of(error))}", style="red"))


def _lines() -> Iterator[str]:
    """The lines of standard input that are not empty; bytes that are no UTF-8 are replaced."""
    for raw in iter(sys.stdin.buffer.readline, b""):
        if line := raw.decode("utf-8", "replace").strip():
            yield line


class _Toolbar:
    """The line below the prompt. How full the context is is counted once a turn."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._counted: tuple[object, ...] = ()
        self._meter = ""

    def __call__(self) -> str:
        setup = self._chat.setup
        if self._chat.is_loading:
            state = "loading…"
        elif error := self._chat.loading_error:
            state = f"not loaded: {error}"
        else:
            state = self._context()
        parts = [state, setup.model, setup.index, ", ".join(setup.tools), setup.strategy]  # the end may be cut
        return neutralise_line(" · ".join(filter(None, parts)))

    def _context(self) -> str:
        key = (len(self._chat.turns), self._chat.turns[-1].number if self._chat.turns else 0, self._chat.setup)
        if key != self._counted and (use := self._chat.context_use()):
            self._meter = f"context {meter(use.tokens, use.limit, 10)}"
            self._counted = key
        return self._meter
