"""Where a person types: several lines, a history, completion of commands, and a line that shows the context."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.styles import Style

from agentkit.agents.session import storable
from agentkit.cli._chat_commands import Command
from agentkit.cli._terminal import as_text, uses_colour
from agentkit.errors import AgentkitError

_REFRESH_S = 0.5
_PATHS = {"/file", "/save"}
_STYLE = Style.from_dict({"prompt": "bold ansicyan", "bottom-toolbar": "noreverse ansibrightblack"})


class ChatPrompt:
    """Reads questions and commands from a terminal."""

    def __init__(
        self, history: Path, commands: Mapping[str, Command], toolbar: Callable[[], str], stream: TextIO
    ) -> None:
        """A prompt.

        Args:
            history: The file of what was typed, which only its owner can read.
            commands: What `/` completes.
            toolbar: The line below the prompt, asked for again and again.
            stream: The terminal to draw on.
        """
        self._session: PromptSession[str] = PromptSession(
            history=_History(history),
            completer=CommandCompleter(commands),
            complete_while_typing=True,
            multiline=True,
            prompt_continuation=lambda width, *_: " " * width,
            key_bindings=_keys(),
            enable_open_in_editor=True,
            enable_suspend=True,
            bottom_toolbar=toolbar,
            refresh_interval=_REFRESH_S,
            output=create_output(stdout=stream),
            style=_STYLE if uses_colour(stream) else Style.from_dict({"bottom-toolbar": "noreverse"}),
            include_default_pygments_style=False,
            reserve_space_for_menu=6,
        )

    def read(self, draft: str = "") -> str:
        """What the person typed.

        Raises:
            EOFError: Ctrl-D.
            KeyboardInterrupt: Ctrl-C.
        """
        parts: StyleAndTextTuples = [("class:prompt", "> ")]
        return as_text(self._session.prompt(parts, default=draft)) or ""


class CommandCompleter(Completer):
    """Completes a command and what it takes."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Nothing for a question."""
        text = document.text_before_cursor
        if not text.startswith("/") or "\n" in text:
            return
        name, space, argument = text.partition(" ")
        if not space:
            for known in self._commands.values():
                if known.name.startswith(name):
                    yield Completion(known.name, -len(name), display_meta=known.help)
        elif name in _PATHS:
            yield from self._paths.get_completions(Document(argument, len(argument)), complete_event)
        elif command := self._commands.get(name):
            word = argument.rpartition(" ")[2]
            for choice in _choices(command):
                if choice.startswith(word):
                    yield Completion(choice, -len(word))


class _History(FileHistory):
    """A history that only its owner can read, and that takes any text.

    Where its file cannot be used, as on a full disk, it lasts as long as the chat.
    """

    def __init__(self, path: Path) -> None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        super().__init__(str(path))

    def load_history_strings(self) -> Iterable[str]:
        try:
            return super().load_history_strings()
        except OSError:
            return ()

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(storable(string))


def _choices(command: Command) -> list[str]:
    """What the command can take; completion must not fail."""
    try:
        return list(command.complete())
    except (AgentkitError, OSError):
        return []


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _ask(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    return keys
