"""`agentkit.chat` in a program."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from agentkit import HashingEmbedder, ScriptedModel, Settings, Workspace
from agentkit.agents.session import SessionSetup
from agentkit.chat import Chat
from agentkit.errors import IndexingError, IndexNotFoundError, SessionError, SessionsDamagedError

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


@pytest.fixture(autouse=True)
def _own_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(tmp_path / "data"))


def _chat(root: Path, *replies: str | AIMessage, tools: tuple[str, ...] = ()) -> Chat:
    workspace = Workspace(root, Settings(), make_chat_model=lambda _: ScriptedModel(replies=replies))
    return Chat(workspace, SessionSetup(model="scripted", tools=tools), trusts_tools=True)


def _call(text: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "send", "args": {"text": text}, "id": text}])


def test_who_approves_can_be_said_after_the_first_turn(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "sending.py").write_text(_TOOL)
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
