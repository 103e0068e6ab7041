"""`agentkit.chat` in a program."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from agentkit import HashingEmbedder, ScriptedModel, Settings, Workspace
from agentkit.agents.session import Session, SessionSetup, Turn
from agentkit.agents.session_export import INTERRUPTED, session_markdown
from agentkit.agents.sessions import SessionStore
from agentkit.chat import Chat
from agentkit.errors import IndexingError, IndexNotFoundError, ModelError, SessionError, SessionsDamagedError
from agentkit.results import StopReason

_TOOL = '''
from agentkit.tools import tool

@tool(effects=True)
def send(text: str) -> str:
    """Send a text.

    Args:
        text: What to send.
    """
    return "sent"
'''


_CTRL_C = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(2)"
_READ_STEPS = (
    "import os, sqlite3; file = sqlite3.connect(os.environ['AGENTKIT_DATA_DIR'] + '/sessions.sqlite'); "
    "return str(file.execute('SELECT step FROM steps').fetchall())"
)
_INTERRUPTED = pytest.mark.skipif(os.name == "nt", reason="there a process cannot be sent Ctrl-C alone")


@pytest.fixture(autouse=True)
def _own_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(tmp_path / "data"))


def _chat(root: Path, *replies: str | AIMessage, tools: tuple[str, ...] = (), session: Session | None = None) -> Chat:
    workspace = Workspace(root, Settings(), make_chat_model=lambda _: ScriptedModel(replies=replies))
    return Chat(workspace, SessionSetup(model="scripted", tools=tools), session=session, trusts_tools=True)


def _call(text: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "send", "args": {"text": text}, "id": text}])


def _write_tool(root: Path, before: str = "") -> None:
    """`before`: what it does before it has sent."""
    (root / "tools").mkdir()
    (root / "tools" / "sending.py").write_text(_TOOL.replace('    return "sent"', f'    {before}\n    return "sent"'))


def _kept(chat: Chat) -> list[Turn]:
    """The turns on the disk, which must be those in memory."""
    assert chat.session
    with SessionStore(chat.store.path) as store:
        turns = store.turns(chat.session.id)
    assert turns == list(chat.turns)
    return turns


def test_who_approves_can_be_said_after_the_first_turn(tmp_path: Path) -> None:
    _write_tool(tmp_path)
    with _chat(tmp_path, _call("one"), "Done.", _call("two"), "Done.", tools=("send",)) as chat:
        assert "did not approve" in chat.ask("Send one.").steps[0].observation
        chat.approve = lambda call: call.arguments == {"text": "two"}
        assert chat.ask("Send two.").steps[0].observation == "sent"


def test_a_closed_chat_says_so_and_not_that_sessions_are_damaged(tmp_path: Path) -> None:
    chat = _chat(tmp_path, "Hello.", "Hello.")
    chat.ask("Hi")
    chat.close()
    uses: list[Callable[[], object]] = [lambda: chat.ask("Hi"), chat.retry, chat.undo, chat.store.sessions]
    for use in uses:
        with pytest.raises(SessionError, match="is closed") as caught:
            use()
        assert not isinstance(caught.value, SessionsDamagedError)
    chat.close()


def test_a_turn_that_could_not_be_taken_back_is_still_there(tmp_path: Path) -> None:
    chat = _chat(tmp_path, "Hello.")
    chat.ask("Hi")
    chat.close()
    with pytest.raises(SessionError):
        chat.undo()
    assert [turn.question for turn in chat.turns] == ["Hi"]


def test_before_the_first_question_there_is_nothing_to_repeat_or_take_back(tmp_path: Path) -> None:
    with _chat(tmp_path) as chat:
        for use in (chat.retry, chat.undo):
            with pytest.raises(SessionError, match="nothing was asked yet"):
                use()


def test_a_switch_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("red fox")
    workspace = Workspace(
        tmp_path,
        Settings(),
        make_embedder=HashingEmbedder,
        make_chat_model=lambda _: ScriptedModel(replies=["NOT FOUND"]),
    )
    workspace.index_folder([tmp_path / "docs"])
    with Chat(workspace, SessionSetup(model="scripted", index="docs")) as chat:
        chat.ask("What is red?")
        opened = chat._loader.loaded
        assert opened
        assert opened.index
        chat.change(replace(chat.setup, index="gone"))
        with pytest.raises(IndexNotFoundError):
            chat.ask("And now?")
        with pytest.raises(IndexingError, match="closed"):
            opened.index.search("fox")


@_INTERRUPTED
def test_an_approved_call_that_ctrl_c_interrupts_is_kept(tmp_path: Path) -> None:
    _write_tool(tmp_path, _CTRL_C)
    with _chat(tmp_path, _call("one"), tools=("send",)) as chat:
        chat.approve = lambda _: True
        with pytest.raises(KeyboardInterrupt):
            chat.ask("Send one.")
        [turn] = _kept(chat)
    [step] = turn.steps
    assert (step.tool, step.arguments) == ("send", {"text": "one"})
    assert step.error == "send was begun, and its end was not waited for: what it does may be done all the same"
    assert turn.answer
    assert turn.answer.stop_reason is StopReason.CANCELLED


@_INTERRUPTED
def test_a_call_that_was_not_approved_is_not_said_to_be_begun(tmp_path: Path) -> None:
    def interrupt(_: object) -> bool:
        raise KeyboardInterrupt

    _write_tool(tmp_path)
    with _chat(tmp_path, _call("one"), tools=("send",)) as chat:
        chat.approve = interrupt
        with pytest.raises(KeyboardInterrupt):
            chat.ask("Send one.")
        [turn] = _kept(chat)
    assert turn.steps == ()


def test_a_call_with_effects_is_on_the_disk_before_it_is_run(tmp_path: Path) -> None:
    _write_tool(tmp_path, _READ_STEPS)
    with _chat(tmp_path, _call("one"), "Done.", tools=("send",)) as chat:
        chat.approve = lambda _: True
        chat.ask("Send one.")
        [turn] = _kept(chat)
    [step] = turn.steps
    assert "send was begun" in step.observation


@_INTERRUPTED
def test_an_interrupted_retry_that_ran_a_call_stands_beside_what_it_was_to_replace(tmp_path: Path) -> None:
    _write_tool(tmp_path, _CTRL_C)
    with _chat(tmp_path, "Sent!", _call("one"), tools=("send",)) as chat:
        chat.approve = lambda _: True
        chat.ask("Send one.")
        with pytest.raises(KeyboardInterrupt):
            chat.retry()
        first, second = _kept(chat)
    assert first.answer
    assert first.answer.text == "Sent!"
    assert [step.tool for step in second.steps] == ["send"]


@_INTERRUPTED
def test_a_retry_leaves_a_turn_that_was_stopped_after_a_call(tmp_path: Path) -> None:
    _write_tool(tmp_path, _CTRL_C)
    with _chat(tmp_path, _call("one"), "It was sent.", tools=("send",)) as chat:
        chat.approve = lambda _: True
        with pytest.raises(KeyboardInterrupt):
            chat.ask("Send one.")
        chat.retry()
        first, second = _kept(chat)
    assert [step.tool for step in first.steps] == ["send"]
    assert second.answer
    assert second.answer.text == "It was sent."


@_INTERRUPTED
def test_the_model_reads_what_was_called_before_an_answer_was_stopped(tmp_path: Path) -> None:
    _write_tool(tmp_path, _CTRL_C)
    model = ScriptedModel(replies=[_call("one"), "It was sent."])
    workspace = Workspace(tmp_path, Settings(), make_chat_model=lambda _: model)
    with Chat(workspace, SessionSetup(model="scripted", tools=("send",)), trusts_tools=True) as chat:
        chat.approve = lambda _: True
        with pytest.raises(KeyboardInterrupt):
            chat.ask("Send one.")
        chat.ask("Was it sent?")
    read = [str(message.content) for message in model.calls[-1]]
    assert "Send one." in read
    assert any('send({"text": "one"}): send was begun' in text for text in read)


def test_a_retry_that_ran_a_call_and_is_answered_takes_the_place_of_the_turn(tmp_path: Path) -> None:
    _write_tool(tmp_path)
    with _chat(tmp_path, "Sent!", _call("one"), "Now it is.", tools=("send",)) as chat:
        chat.approve = lambda _: True
        chat.ask("Send one.")
        chat.retry()
        [turn] = _kept(chat)
    assert turn.answer
    assert turn.answer.text == "Now it is."


def test_where_the_model_fails_a_call_with_effects_that_ran_is_kept_all_the_same(tmp_path: Path) -> None:
    _write_tool(tmp_path)
    with _chat(tmp_path, _call("one"), tools=("send",)) as chat:
        with pytest.raises(ModelError):
            chat.ask("Send one.")
        assert _kept(chat) == []  # it was not approved
    with _chat(tmp_path, _call("one"), tools=("send",)) as chat:
        chat.approve = lambda _: True
        with pytest.raises(ModelError):
            chat.ask("Send one.")
        [turn] = _kept(chat)
    assert [step.observation for step in turn.steps] == ["sent"]
    assert turn.answer
    assert turn.answer.stop_reason == "failed"
    assert chat.session
    assert INTERRUPTED in session_markdown(chat.session, [turn])
    with _chat(tmp_path, "It was sent.", tools=("send",), session=chat.session) as chat:
        chat.retry()
        assert len(_kept(chat)) == 2  # what the call did is not taken back
