"""The `/commands` of a chat."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from rich.text import Text

from agentkit.agents.session import Attachment, Turn
from agentkit.agents.session_export import session_markdown, session_record
from agentkit.chat import Chat
from agentkit.cli._chat_screen import ChatScreen
from agentkit.cli._clipboard import copy
from agentkit.cli._invocation import OFF
from agentkit.cli._steps import call_line, step_line
from agentkit.cli._terminal import neutralise_line, to_json
from agentkit.errors import AgentkitError, ContextLengthError, DocumentError
from agentkit.paths import expanded
from agentkit.results import Answer, Step
from agentkit.workspace import Workspace

_STEP_COLUMNS = 120
_METER_CELLS = 20
_KEEP_AN_EDIT = {"/help", "/file", "/context", "/index", "/tools", "/model", "/strategy"}
"""Commands that do nothing to what was said, so that a question that is being edited still can be asked."""


class CommandError(AgentkitError):
    """A command that cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as `/help` shows it."""

    name: str
    argument: str
    help: str
    run: Callable[[str], None]
    complete: Callable[[], Iterable[str]] = tuple
    """What its argument can be."""


class ChatCommands:
    """Does the commands of one chat. What they leave for the loop is in the attributes."""

    def __init__(self, chat: Chat, workspace: Workspace, screen: ChatScreen) -> None:
        self.is_over = False
        """True after `/quit`."""
        self.replaces: Turn | None = None
        """The turn that the next question takes the place of."""
        self.attachments: list[Attachment] = []
        """What goes with the next question."""
        self._chat = chat
        self._workspace = workspace
        self._screen = screen
        self.commands = {command.name: command for command in self._all()}

    @property
    def draft(self) -> str:
        """What the next prompt begins with: the question that is being edited."""
        return self.replaces.question if self.replaces else ""

    def drop_edit(self) -> None:
        """Leave the last turn as it is: the next question is a new one, without the attachments of that turn."""
        if self.replaces:
            self.attachments = [each for each in self.attachments if each not in self.replaces.attachments]
        self.replaces = None

    def run(self, line: str) -> bool:
        """Do `line` if it is a command; False where it is a question.

        Raises:
            AgentkitError: it cannot be done, or is none; the message says what to do.
        """
        if line.strip() in {"exit", "quit"}:
            self.is_over = True
            return True
        name, _, argument = line.strip().partition(" ")
        if not name.startswith("/") or not name[1:].isalpha():
            return False
        command = self.commands.get(name)
        if command is None:
            near = get_close_matches(name, self.commands, n=1)
            raise CommandError(f"there is no {name}: {f'did you mean {near[0]}?' if near else '/help shows them'}")
        if name not in _KEEP_AN_EDIT:
            self.drop_edit()
        command.run(argument.strip())
        return True

    def ask(self, question: str) -> None:
        """Ask what was typed, with what is attached to it."""
        attachments, replaces = self.attachments, self.replaces
        self.drop_edit()
        if attachments and self._chat.setup.index and not self._chat.setup.tools:
            self._screen.say(Text("answering from the attached file, not from the index", style="dim"))
        try:
            self._screen.answer(
                lambda tell: self._chat.ask(question, attachments=attachments, on_event=tell, replaces=replaces)
            )
        except KeyboardInterrupt:
            self.attachments = []  # they went with what was stopped
            raise
        except ContextLengthError as error:
            if not self.attachments:
                raise
            raise CommandError(f"{error}; /file off leaves the attached file out") from error
        self.attachments = []

    def _all(self) -> list[Command]:
        return [
            Command("/help", "", "show the commands", self._help),
            Command("/index", "[NAME|off]", "answer from another index, or from none", self._index, self._indexes),
            Command("/tools", "[NAME…|off]", "let the model call tools", self._tools, cache(self._tool_names)),
            Command("/model", "[NAME]", "go on with another model", self._model, self._models),
            Command("/strategy", "[NAME|off]", "reason in another way", self._strategy, self._strategies),
            Command("/sources", "", "show the sources of the last answer", self._sources),
            Command("/steps", "[N]", "show the steps of the last answer, or one in full", self._steps, self._numbers),
            Command("/context", "", "show what the model reads and how full its context is", self._context),
            Command("/file", "[PATH|off]", "ask the next question about a file", self._file),
            Command("/copy", "", "copy the last answer", self._copy),
            Command("/edit", "[TEXT]", "change the last question and ask it again", self._edit),
            Command("/save", "[FILE]", "write this chat to FILE.md or FILE.json", self._save),
            Command("/retry", "", "ask the last question again", self._retry),
            Command("/undo", "", "take the last question and its answer back", self._undo),
            Command("/clear", "", "begin anew; this chat stays among the sessions", self._clear),
            Command("/tokens", "", "show what the answers cost", self._tokens),
            Command("/quit", "", "leave; so do exit, quit and Ctrl-D", self._quit),
        ]

    # What it is had with

    def _index(self, name: str) -> None:
        if name == OFF:
            self._change("answering without an index", index="")
        elif name:
            self._change(f"answering from {name}", index=self._workspace.indexes.require(name).name)
        else:
            self._show_choice(self._chat.setup.index, self._workspace.indexes.names(), "agentkit index PATH makes one")

    def _tools(self, names: str) -> None:
        if names == OFF:
            self._change("answering without tools", tools=())
        elif names:
            named = names.replace(",", " ").split()
            wanted = tuple(self._chat.tools().only(named).names())
            self._change(f"the model may call {', '.join(wanted)}", tools=wanted)
        else:
            self._show_choice(", ".join(self._chat.setup.tools), self._tool_names(), "there are none")

    def _model(self, name: str) -> None:
        if name:
            self._workspace.models.chat_model(name)  # a name that is not there is an error now
            self._change(f"going on with {name}", model=name)
        else:
            self._show_choice(self._chat.setup.model, self._models(), "agentkit models pull brings one")

    def _strategy(self, name: str) -> None:
        if name == OFF:
            self._change("answering directly", strategy="")
        elif name:
            self._workspace.strategy(name, {})
            self._change(f"reasoning with {name}", strategy=name)
        else:
            self._show_choice(self._chat.setup.strategy, self._strategies(), "")

    def _change(self, said: str, **changes: str | tuple[str, ...]) -> None:
        self._chat.change(replace(self._chat.setup, **changes))  # type: ignore[arg-type] # each has its field's type
        self._screen.say(Text(neutralise_line(said), style="dim"))

    def _show_choice(self, chosen: str, possible: Iterable[str], otherwise: str) -> None:
        there = ", ".join(possible)
        self._screen.say(f"now: {neutralise_line(chosen) or OFF}\nthere are: {neutralise_line(there) or otherwise}")

    # What was said

    def _sources(self, _: str) -> None:
        answer = self._last_answer()
        if not answer.citations:
            raise CommandError("the last answer has no sources")
        self._screen.sources(answer)

    def _steps(self, number: str) -> None:
        steps = self._last().steps
        if not steps:
            raise CommandError("the last answer took no steps: /tools lets the model take some")
        if not number:
            for step in steps:
                self._screen.say(step_line(step, _STEP_COLUMNS))
            return
        found = [step for step in steps if str(step.number) == number]
        if not found:
            raise CommandError(f"the last answer has no step {number}: there are 1 to {len(steps)}")
        self._screen.say(_opened(found[0]))

    def _context(self, _: str) -> None:
        setup, use = self._chat.setup, self._chat.context_use()
        read = sum(1 for turn in self._chat.turns if turn.answer and turn.answer.text)
        lines = [f"model      {setup.model}", f"index      {setup.index or OFF}"]
        lines += [f"tools      {', '.join(setup.tools)}"] if setup.tools else []
        lines += [f"strategy   {setup.strategy}"] if setup.strategy else []
        lines += [f"system     {neutralise_line(setup.system)}"] if setup.system else []
        lines += [f"file       {neutralise_line(attached.name)}" for attached in self.attachments]
        if use is None:
            lines.append(f"turns      {read}; the model is not loaded yet")
        else:
            lines.append(f"turns      {read - use.left_out} read, {use.left_out} left out")
            lines.append(f"context    {meter(use.tokens, use.limit, _METER_CELLS)}")
        self._screen.say("\n".join(lines))

    def _tokens(self, _: str) -> None:
        rows = [("all answers", self._chat.usage())]
        if self._chat.turns and (last := self._chat.turns[-1].answer):
            rows.insert(0, ("last answer", last.usage))
        for name, usage in rows:
            self._screen.say(
                f"{name:<12} read {usage.prompt_tokens:,} tokens ({usage.cached_tokens:,} of them cached), "
                f"wrote {usage.completion_tokens:,} in {usage.seconds:.1f} s"
            )

    def _copy(self, _: str) -> None:
        self._screen.say(Text(copy(self._last_answer().text), style="dim"))

    def _save(self, file: str) -> None:
        session = self._chat.session
        if session is None:
            raise CommandError("nothing was said yet")
        if not file:
            self._screen.say(
                f"every turn is kept as session {session.id}: agentkit chat --session {session.id} goes on with it; "
                "/save FILE writes it to a file"
            )
            return
        path = _path(file)
        known, turns = self._chat.store.session(session.id), self._chat.turns
        is_json = path.suffix == ".json"
        text = to_json(session_record(known, turns)) if is_json else session_markdown(known, turns)
        if path.exists():
            raise CommandError(f"{path} is there already: give another name")
        path.write_text(text, "utf-8")
        self._screen.say(Text(f"wrote {neutralise_line(str(path))}", style="dim"))

    # What is asked

    def _file(self, path: str) -> None:
        from agentkit.loaders import load_document

        if path == OFF:
            self.attachments = []
        elif path:
            file = _path(path)
            try:
                text = load_document(file).page_content
            except DocumentError as error:
                raise CommandError(f"{file}: {error}") from error
            self.attachments.append(Attachment(file.name, text))
            said = f"{neutralise_line(file.name)}: {len(text):,} characters go with the next question"
            self._screen.say(Text(said, style="dim"))
        else:
            names = ", ".join(neutralise_line(attached.name) for attached in self.attachments)
            self._screen.say(names or "no file is attached: /file PATH attaches one to the next question")

    def _edit(self, text: str) -> None:
        last = self._last()
        self.replaces = last
        self.attachments = [*last.attachments, *self.attachments]
        if text:
            self.ask(text)

    def _retry(self, _: str) -> None:
        self._last()
        self._screen.answer(lambda tell: self._chat.retry(on_event=tell))

    def _undo(self, _: str) -> None:
        self._last()
        undone = self._chat.undo()
        self._screen.say(Text(f"took back: {neutralise_line(undone.question)}", style="dim"))

    def _clear(self, _: str) -> None:
        old = self._chat.session if self._chat.turns else None
        self._chat.clear()
        kept = f"; the chat before is session {old.id}" if old else ""
        self._screen.say(Text(f"a new chat{kept}", style="dim"))

    def _help(self, _: str) -> None:
        rows = [(f"{command.name} {command.argument}", command.help) for command in self.commands.values()]
        width = max(len(name) for name, _ in rows)
        keys = (
            "Enter asks; Alt-Enter, or \\ at the end of a line, begins another line.",
            "Ctrl-C stops an answer, Ctrl-D leaves.",
        )
        self._screen.say("\n".join([*(f"{name:<{width}}  {text}" for name, text in rows), "", *keys]))

    def _quit(self, _: str) -> None:
        self.is_over = True

    def _last(self) -> Turn:
        if not self._chat.turns:
            raise CommandError("nothing was said yet")
        return self._chat.turns[-1]

    def _last_answer(self) -> Answer:
        answer = self._last().answer
        if answer is None:
            raise CommandError("the last question has no answer: /retry asks it again")
        return answer

    # What arguments can be

    def _indexes(self) -> list[str]:
        return [*self._workspace.indexes.names(), OFF]

    def _tool_names(self) -> list[str]:
        return self._chat.tools().registry.names()

    def _models(self) -> list[str]:
        store = self._workspace.models.store()
        return [model.name for model in store.list() if model.is_pulled and model.kind == "chat"]

    def _strategies(self) -> Sequence[str]:
        from agentkit.strategies import strategy_names

        return strategy_names()

    def _numbers(self) -> list[str]:
        return [str(step.number) for step in self._chat.turns[-1].steps] if self._chat.turns else []


def meter(tokens: int, limit: int | None, cells: int) -> str:
    """`▰▰▱▱▱▱ 1,234 of 4,096 tokens (30 %)`."""
    if not limit:
        return f"{tokens:,} tokens"
    share = min(1.0, tokens / limit)
    full = round(share * cells)
    return f"{'▰' * full}{'▱' * (cells - full)} {tokens:,} of {limit:,} tokens ({share:.0%})".replace("%)", " %)")


def _opened(step: Step) -> str:
    thought = f"{step.thought.strip()}\n\n" if step.thought.strip() else ""
    return f"{thought}{call_line(step.tool, step.arguments)}\n\n{step.error or step.observation}"


def _path(text: str) -> Path:
    """A path as it is typed: quotes and `~` mean what they mean in a shell. Raises CommandError."""
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = [text]
    path = parts[0] if len(parts) == 1 else text
    if "\0" in path:
        raise CommandError(f"{path} cannot be a path: there is a NUL character in it")
    return expanded(path)
