"""How a chat looks on a terminal and on a pipe: turns with their steps and sources, and notes."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rich.text import Text

from agentkit.agents.session import Turn
from agentkit.agents.session_export import turn_record
from agentkit.chat import Chat
from agentkit.cli._markdown import AnswerScreen, Markdown
from agentkit.cli._render import SourceFinder, console_for, print_sources
from agentkit.cli._steps import step_line
from agentkit.cli._terminal import neutralise, neutralise_line, stdout_kept_for_results, to_json_line
from agentkit.results import BROKEN_OFF, Answer, StopReason

if TYPE_CHECKING:
    from agentkit.agents import PendingCall

Ask = Callable[[Callable[[object], None]], Turn]
"""Asks something, telling events to what it is given."""


class ChatScreen(Protocol):
    """Where a chat is shown."""

    def answer(self, ask: Ask) -> None:
        """Ask, and show what is answered."""
        ...

    def say(self, text: Text | str) -> None:
        """Something that is no answer."""
        ...

    def sources(self, answer: Answer) -> None:
        """The sources of an answer, once more."""
        ...


class PipedScreen:
    """Answers on stdout when they are whole and kept, everything else on stderr."""

    def __init__(self, chat: Chat, find: SourceFinder, *, is_json: bool) -> None:
        self._chat = chat
        self._find = find
        self._is_json = is_json
        self._is_first = True

    def answer(self, ask: Ask) -> None:
        """One answer; with JSON one line for each turn."""
        with stdout_kept_for_results():
            turn = ask(lambda _: None)
        assert turn.answer
        if self._is_json:
            session = self._chat.session
            print(to_json_line({"session": session.id if session else "", **turn_record(turn)}), flush=True)
            return
        if not self._is_first:
            print()
        self._is_first = False
        print(neutralise(turn.answer.text))
        print_sources(turn.answer, self._find, sys.stdout)
        sys.stdout.flush()
        for warning in turn.answer.warnings:
            self.say(f"warning: {warning}")

    def say(self, text: Text | str) -> None:
        """On stderr."""
        console_for(sys.stderr).print(text if isinstance(text, Text) else Text(neutralise(text)))

    def sources(self, answer: Answer) -> None:
        """On stderr, since stdout has the answers alone."""
        print_sources(answer, self._find, sys.stderr)


class TerminalScreen:
    """Markdown as it is written, steps folded to a line, sources below."""

    def __init__(self, chat: Chat, find: SourceFinder) -> None:
        self._chat = chat
        self._find = find
        self._console = console_for(sys.stdout)
        self._answering: AnswerScreen | None = None
        self._said: tuple[str, ...] = ()
        self._waiting_for = ""

    def answer(self, ask: Ask) -> None:
        """Show an answer; Ctrl-C stops it, and what there is of it stays."""
        self._waiting_for = "thinking…"
        with AnswerScreen(sys.stdout, waiting_for=self._waiting, hold_back=bool(self._chat.setup.tools)) as screen:
            self._answering = screen
            shown: list[str] = []
            try:
                turn = ask(lambda event: self._show(event, screen, shown))
            finally:
                self._answering = None
            assert turn.answer
            is_shown = "".join(shown).strip() == turn.answer.text.strip()
            screen.finish(None if is_shown else turn.answer.text)
        self._end(turn.answer)

    def say(self, text: Text | str) -> None:
        """A line or more that is no answer."""
        self._console.print(text if isinstance(text, Text) else Text(neutralise(text)))

    def sources(self, answer: Answer) -> None:
        """With links where the terminal makes them."""
        print_sources(answer, self._find, sys.stdout)

    def turn(self, turn: Turn) -> None:
        """A turn of a session that is taken up again."""
        self._console.print(Text.assemble(("> ", "bold cyan"), (neutralise(turn.question), "bold")))
        for step in turn.steps:
            self._console.print(step_line(step, self._console.width), no_wrap=True)
        if turn.answer is None:
            self.say(Text("interrupted before there was an answer; /retry asks again", style="yellow"))
            return
        self._console.print(Markdown(turn.answer.text))
        if turn.answer.stop_reason in BROKEN_OFF:
            said = "stopped" if turn.answer.stop_reason is StopReason.CANCELLED else "failed"
            self.say(Text(said, style="dim"))
        print_sources(turn.answer, self._find, sys.stdout)

    def asking(self, approve: "Callable[[PendingCall], bool]") -> "Callable[[PendingCall], bool]":
        """`approve` with nothing moving on the screen while it asks."""

        def ask(call: "PendingCall") -> bool:
            if self._answering is None:
                return approve(call)
            self._answering.pause()
            try:
                return approve(call)
            finally:
                self._answering.resume()

        return ask

    def _show(self, event: object, screen: AnswerScreen, shown: list[str]) -> None:
        from agentkit.agents import TextPiece, ToolStarted
        from agentkit.pipelines.conversation import QuestionRewritten
        from agentkit.results import Step

        match event:
            case TextPiece(text=text):
                shown.append(text)
                screen.add(text)
            case ToolStarted(tool=tool):
                shown.clear()
                screen.hide()
                self._waiting_for = f"{neutralise_line(tool)}…"
            case Step():
                screen.line(step_line(event, self._console.width))
                self._waiting_for = "thinking…"
            case QuestionRewritten(question=question):
                screen.line(Text(f"searching for: {neutralise_line(question)}", style="dim"))

    def _waiting(self) -> str:
        return "loading the model…" if self._chat.is_loading else self._waiting_for

    def _end(self, answer: Answer) -> None:
        print_sources(answer, self._find, sys.stdout)
        new = [warning for warning in answer.warnings if warning not in self._said]
        self._said = answer.warnings
        for warning in new:
            self.say(Text(neutralise_line(warning), style="yellow"))
