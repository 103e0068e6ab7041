"""`Chat`: a session being had. Every turn and step is kept before anybody is told of it."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Self

from agentkit.agents.session import Attachment, Session, SessionSetup, Turn
from agentkit.agents.sessions import SessionStore
from agentkit.chat.loading import Loaded, Loader
from agentkit.errors import DiskSpaceError, SessionError
from agentkit.models.catalog import is_path
from agentkit.paths import expanded
from agentkit.results import BROKEN_OFF, Answer, Step, StopReason, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agentkit.agents import Agent, PendingCall
    from agentkit.indexes import Index
    from agentkit.pipelines.conversation import ContextUse, Conversation, ConversationEvent
    from agentkit.pipelines.history import Exchange
    from agentkit.strategies import Strategy
    from agentkit.tools.collection import ToolCollection
    from agentkit.workspace import Workspace

_SAID_OF_A_CALL = 200
"""Characters of its result that the model reads where the answer was stopped."""


class Chat:
    """A conversation over a workspace. Making one loads nothing; `load` or the first question does.

    What was said is in the workspace's sessions from the first question on. Use it from one thread.
    """

    def __init__(
        self,
        workspace: "Workspace",
        setup: SessionSetup,
        *,
        session: Session | None = None,
        trusts_tools: bool = False,
    ) -> None:
        """Begin a chat, or go on with a session.

        Args:
            workspace: What it is had over.
            setup: With which model, index and tools.
            session: One of `workspace.sessions()` to go on with.
            trusts_tools: Run every file of the workspace's `tools/`, without asking.

        Raises:
            SessionsDamagedError: the file of sessions cannot be read.
        """
        self.setup = _anchored(setup)
        self.session = session
        """None until something was asked."""
        self.approve: Callable[[PendingCall], bool] = lambda _: False
        """Asked before each call of a tool with effects; as it is, none of them runs."""
        self._workspace = workspace
        self._trusts_tools = trusts_tools
        self._store = workspace.sessions()
        self._turns = self._store.turns(session.id) if session else []
        self._loader = Loader(self._load)
        self._begin_call: Callable[[PendingCall], None] = lambda _: None
        if session and session.setup != self.setup:
            self._store.set_setup(session.id, self.setup)

    @property
    def turns(self) -> Sequence[Turn]:
        """What was said, the oldest first."""
        return self._turns

    @property
    def store(self) -> SessionStore:
        """The file that the chat is kept in."""
        return self._store

    @property
    def is_loading(self) -> bool:
        """True while a model or an index is being loaded."""
        return self._loader.is_loading

    @property
    def loading_error(self) -> Exception | None:
        """Why the model or the index could not be loaded; the next question tries again."""
        return self._loader.error

    def load(self) -> None:
        """Begin to load in the background."""
        self._loader.start(self.setup)

    def close(self) -> None:
        """Free the model, the index and the file. What is still being loaded is left to the end of the process.

        A session in which nothing is left goes.
        """
        self._drop_empty()
        self._store.close()
        if (loaded := self._loader.loaded) and not self._loader.is_loading:
            _release(loaded, SessionSetup())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Turns

    def ask(
        self,
        question: str,
        *,
        attachments: Sequence[Attachment] = (),
        on_event: "Callable[[ConversationEvent], None]" = lambda _: None,
        replaces: Turn | None = None,
    ) -> Turn:
        """Ask, and keep what is answered.

        Ctrl-C ends the answer: what there is of it is kept as the turn's, with the stop reason `cancelled`, and
        `KeyboardInterrupt` goes on. Where the model fails nothing is kept. A call with effects is kept before it runs,
        and stays whatever comes of the answer, in a turn beside the one that this was to replace; where the model fails
        then, its stop reason is `failed`.

        Args:
            question: What is asked.
            attachments: Files that the question is about.
            on_event: Called with each piece of text, call and step.
            replaces: The last turn, which this one takes the place of when it is answered. One that is not among the
                turns, since it was taken back or the chat was cleared, is not replaced; nor is one that was stopped
                or failed after a call, since what the call did is not taken back.

        Raises:
            ModelError: the model or the index cannot be loaded, or failed.
            ContextLengthError: the question does not fit into the model's context.
        """
        replaceable = [turn.number for turn in self._turns if not _is_cut_off(turn)]
        replaced = replaces.number if replaces and replaces.number in replaceable else None
        before = [turn for turn in self._turns if turn.number != replaced]
        session = self._begun(question)
        turn = self._store.ask(session.id, question, attachments=attachments, replaces=replaced)
        progress = _Progress(self._store, turn, on_event)
        self._begin_call = progress.begin
        try:
            conversation = self._loader.wait(self.setup).conversation
            answer = conversation.answer(question, _exchanges(before), on_event=progress.tell, text=_text(attachments))
        except BaseException as error:
            is_stopped = isinstance(error, KeyboardInterrupt)
            reason = StopReason.CANCELLED if is_stopped else StopReason.FAILED
            if progress.has_effects or (is_stopped and replaced is None):
                self._keep(self._turns, progress.turn, progress.cut_off(reason))
            else:  # an answer that was whole is better than one that was not
                self._store.remove_turn(turn.number)
            if is_stopped:
                progress.tell_rest()
            raise
        answered = self._keep(before, progress.turn, answer)
        if replaced is not None and progress.has_effects:
            self._store.remove_turn(replaced)
        progress.tell_rest()
        return answered

    def retry(self, *, on_event: "Callable[[ConversationEvent], None]" = lambda _: None) -> Turn:
        """Ask the last question again; its answer stays until there is another.

        Raises:
            SessionError: nothing was asked yet; also what `ask` raises.
        """
        last = self._last()
        return self.ask(last.question, attachments=last.attachments, on_event=on_event, replaces=last)

    def undo(self) -> Turn:
        """Take the last turn back; it is deleted.

        Raises:
            SessionError: nothing was asked yet.
        """
        last = self._last()
        self._store.remove_turn(last.number)
        self._turns = [turn for turn in self._turns if turn is not last]
        return last

    def clear(self) -> None:
        """Begin a new session at the next question. The old one stays among the sessions, unless it has no turn."""
        self._drop_empty()
        self.session = None
        self._turns = []

    def change(self, setup: SessionSetup) -> None:
        """Go on with another model, index or tools, which are loaded in the background."""
        self.setup = _anchored(setup)
        if self.session:
            self._store.set_setup(self.session.id, self.setup)
        self.load()

    # What it takes

    def tools(self) -> "ToolCollection":
        """Those that the model can be let call."""
        return self._workspace.tools(trusts_all=self._trusts_tools)

    def context_use(self) -> "ContextUse | None":
        """How full the model's context is; None while it is not loaded."""
        loaded = self._loader.loaded
        return loaded.conversation.context_use(_exchanges(self._turns)) if loaded else None

    def usage(self) -> Usage:
        """What all answers cost together."""
        return sum((turn.answer.usage for turn in self._turns if turn.answer), Usage())

    def _last(self) -> Turn:
        if not self._turns:
            raise SessionError("nothing was asked yet: ask something first")
        return self._turns[-1]

    def _begun(self, question: str) -> Session:
        if self.session is None:
            root = str(self._workspace.root or "")
            self.session = self._store.create(self.setup, workspace=root, title=question)
        return self.session

    def _drop_empty(self) -> None:
        """Where the first question failed, or all were taken back, there is nothing to go on with."""
        if self.session and not self._turns:
            with suppress(SessionError, DiskSpaceError):  # such as a file that is closed: it stays, and does no harm
                self._store.remove_empty(self.session.id)

    def _keep(self, before: Sequence[Turn], turn: Turn, answer: Answer) -> Turn:
        self._store.answer(turn.number, answer)
        answered = replace(turn, answer=answer, steps=answer.steps)
        self._turns = [*before, answered]
        return answered

    def _load(self, setup: SessionSetup, before: Loaded | None) -> Loaded:
        if before:
            _release(before, setup)
        try:
            return self._loaded(setup, before)
        except BaseException:
            if before:  # nobody will name it again
                _release(before, SessionSetup())
            raise

    def _loaded(self, setup: SessionSetup, before: Loaded | None) -> Loaded:
        from agentkit.models.chat import LocalChatModel

        known = before.setup if before else SessionSetup()
        model = (
            before.model if before and known.model == setup.model else self._workspace.models.chat_model(setup.model)
        )
        if isinstance(model, LocalChatModel):
            model.engine  # noqa: B018 loads it
        index = before.index if before and known.index == setup.index else self._open_index(setup.index)
        return Loaded(setup, model, index, self._conversation(setup, model, index))

    def _open_index(self, name: str) -> "Index | None":
        if not name:
            return None
        index = self._workspace.open_index(name)
        index.search(name, k=1)  # loads the embedder and the vectors
        return index

    def _conversation(self, setup: SessionSetup, model: "BaseChatModel", index: "Index | None") -> "Conversation":
        from agentkit.pipelines.conversation import Conversation

        settings = self._workspace.settings.answer
        strategy = self._workspace.strategy(setup.strategy, {}) if setup.strategy else None
        agent = self._agent(setup, model, index, strategy) if setup.tools else None
        retriever = self._workspace.retriever(index, k=settings.passages, model=model) if index else None
        return Conversation(
            model,
            system=setup.system,
            retriever=retriever,
            agent=agent,
            strategy=strategy,
            max_tokens=settings.max_tokens,
        )

    def _agent(
        self, setup: SessionSetup, model: "BaseChatModel", index: "Index | None", strategy: "Strategy | None"
    ) -> "Agent":
        from agentkit.agents.react import INSTRUCTIONS, Agent

        return Agent(
            model,
            tools=list(self.tools().only(setup.tools)),
            index=index,
            instructions="\n".join(filter(None, (INSTRUCTIONS, setup.system))),
            strategy=strategy,
            approve=lambda call: self.approve(call),  # noqa: PLW0108  # as it is then, and not now
            before_call=lambda call: self._begin_call(call),  # noqa: PLW0108  # as above
        )


class _Progress:
    """A turn while it is answered: what is told is kept first. The last piece of a text waits until the answer is kept,
    so that whoever has read it to its end finds it again.
    """

    def __init__(self, store: SessionStore, turn: Turn, on_event: "Callable[[ConversationEvent], None]") -> None:
        self.turn = turn
        self.has_effects = False
        """Whether a call with effects was begun."""
        self._store = store
        self._on_event = on_event
        self._pieces: list[str] = []
        self._steps: list[Step] = []
        self._begun: list[Step] = []
        self._held: ConversationEvent | None = None

    def begin(self, call: "PendingCall") -> None:
        """A call that is about to be run. One with effects is kept before it is, since nothing takes it back."""
        if call.flags.effects:
            said = f"{call.tool} was begun, and its end was not waited for: what it does may be done all the same"
            self.has_effects = True
            self._begun.append(Step(0, "", call.tool, call.arguments, observation=said, error=said))
            self._store.stand_alone(self.turn.number)
            self._store.add_step(self.turn.number, self._all_steps()[-1])

    def tell(self, event: "ConversationEvent") -> None:
        """What happened."""
        from agentkit.agents import TextPiece, ToolStarted
        from agentkit.pipelines.conversation import QuestionRewritten

        self.tell_rest()
        match event:
            case TextPiece():
                self._pieces.append(event.text)
            case ToolStarted():
                self._pieces.clear()  # it was a thought
            case Step():
                self._steps.append(event)
                done = (event.tool, event.arguments)
                self._begun = [step for step in self._begun if (step.tool, step.arguments) != done]
                self._store.add_step(self.turn.number, event)
            case QuestionRewritten():
                self.turn = replace(self.turn, searched=event.question)
                self._store.searched(self.turn.number, event.question)
        if isinstance(event, TextPiece):
            self._held = event
        else:
            self._on_event(event)

    def tell_rest(self) -> None:
        """The piece that waits."""
        held, self._held = self._held, None
        if held:
            self._on_event(held)

    def cut_off(self, reason: StopReason) -> Answer:
        """What there is of the answer."""
        return Answer("".join(self._pieces).strip(), stop_reason=reason, steps=self._all_steps())

    def _all_steps(self) -> tuple[Step, ...]:
        """Those that are done, and the calls with effects that are begun."""
        return tuple(replace(step, number=n) for n, step in enumerate((*self._steps, *self._begun), start=1))


def _anchored(setup: SessionSetup) -> SessionSetup:
    """`setup` with the path of a model's file from the root, so that the session goes on from any folder."""
    return replace(setup, model=str(expanded(setup.model).absolute())) if is_path(setup.model) else setup


def _is_cut_off(turn: Turn) -> bool:
    """Whether it was stopped, or failed, after a call."""
    return bool(turn.steps) and (turn.answer is None or turn.answer.stop_reason in BROKEN_OFF)


def _exchanges(turns: Sequence[Turn]) -> "list[Exchange]":
    """What the model reads of the turns: those that have an answer, or called something before they were stopped."""
    from agentkit.pipelines.history import Exchange

    return [
        Exchange("\n\n".join(filter(None, (_text(turn.attachments), turn.question))), said)
        for turn in turns
        if (said := _said(turn))
    ]


def _said(turn: Turn) -> str:
    """The answer; of one that was stopped also what was called, so that the model does not do it twice unawares."""
    text = turn.answer.text if turn.answer else ""
    if not _is_cut_off(turn):
        return text
    calls = [
        f"{step.tool}({json.dumps(step.arguments, ensure_ascii=False)}): {shorten(step.observation, _SAID_OF_A_CALL)}"
        for step in turn.steps
    ]
    return "\n".join(filter(None, (text, "(This answer was stopped. Called before that:", *calls))) + ")"


def _text(attachments: Sequence[Attachment]) -> str:
    return "\n\n".join(f"Text of {attached.name}:\n{attached.text.strip()}" for attached in attachments)


def _release(loaded: Loaded, setup: SessionSetup) -> None:
    """Close what `setup` does not name."""
    from agentkit.models.chat import LocalChatModel

    if loaded.index and loaded.setup.index != setup.index:
        loaded.index.close()
    if loaded.setup.model != setup.model and isinstance(loaded.model, LocalChatModel):
        loaded.model.close()
