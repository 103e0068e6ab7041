"""Sessions: what is written is there for another process, and nothing else can be done to the file."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import StopReason
from agentkit.agents.session import Attachment, SessionSetup, storable
from agentkit.agents.session_export import session_markdown
from agentkit.agents.sessions import SessionStore
from agentkit.errors import SessionNotFoundError, SessionsDamagedError
from agentkit.results import Answer, Citation, PassageUse, Step, Usage

SETUP = SessionSetup(model="tiny", index="docs", tools=("calculator",), strategy="direct", system="Be brief.")
STEP = Step(1, "I count.", "calculator", {"expression": "6 * 7"}, "42", seconds=0.5, usage=Usage(10, 4, 3))
ANSWER = Answer(
    "It draws 41 watts.",
    citations=(Citation("lamp.md", 2, 3, 9, "41 watts", "Lamp › Power"),),
    is_grounded=True,
    stop_reason=StopReason.MAX_TOKENS,
    usage=Usage(100, 50, 20, 3, 1.5),
    passages=(PassageUse("lamp.md", 0, 30, 12, is_included=True),),
    warnings=("cut",),
    steps=(STEP,),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "sessions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SessionStore]:
    with SessionStore(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionStore]:
    """One for all examples of a property."""
    with SessionStore(tmp_path_factory.mktemp("shared") / "sessions.sqlite") as opened:
        _said(opened, "One?", "1")
        yield opened


def _read_all(path: Path) -> None:
    with SessionStore(path) as store:
        for session in store.sessions():
            store.turns(session.id)
        store.search("number")


def _said(store: SessionStore, question: str, text: str, session: str | None = None) -> str:
    session = session or store.create(SETUP, title=question).id
    store.answer(store.ask(session, question).number, Answer(text))
    return session


def test_a_turn_comes_back_as_it_was(store: SessionStore, path: Path) -> None:
    session = store.create(SETUP, workspace="/some/where", title="How many watts?").id
    turn = store.ask(session, "How many watts?", attachments=[Attachment("a.txt", "forty\n")])
    store.searched(turn.number, "How many watts does the lamp draw?")
    store.add_step(turn.number, STEP)
    store.answer(turn.number, ANSWER)
    with SessionStore(path) as other:
        [read] = other.turns(session)
        assert (read.question, read.searched) == ("How many watts?", "How many watts does the lamp draw?")
        assert read.attachments == (Attachment("a.txt", "forty\n"),)
        assert read.answer == ANSWER
        assert read.steps == (STEP,)
        [known] = other.sessions(workspace="/some/where")
        assert (known.id, known.title, known.setup, known.turn_count) == (session, "How many watts?", SETUP, 1)
        assert other.sessions(workspace="/else") == []


def test_what_was_written_is_there_for_another_process_before_the_answer(store: SessionStore, path: Path) -> None:
    session = store.create(SETUP).id
    turn = store.ask(session, "What?")
    store.add_step(turn.number, STEP)
    with SessionStore(path) as other:
        [read] = other.turns(session)
        assert (read.answer, read.steps) == (None, (STEP,))


def test_a_replaced_turn_stays_until_the_new_one_is_answered(store: SessionStore) -> None:
    session = _said(store, "Old?", "old")
    [old] = store.turns(session)
    new = store.ask(session, "New?", replaces=old.number)
    assert [turn.question for turn in store.turns(session)] == ["Old?"]
    store.answer(new.number, Answer("new"))
    assert [turn.question for turn in store.turns(session)] == ["New?"]
    assert [found.turn for found in store.search("old")] == []


def test_a_turn_of_another_session_is_never_replaced(store: SessionStore) -> None:
    first, second = _said(store, "Old?", "old"), _said(store, "Other?", "other")
    new = store.ask(second, "New?", replaces=store.turns(first)[0].number)
    store.answer(new.number, Answer("new"))
    assert [turn.question for turn in store.turns(first)] == ["Old?"]
    assert [turn.question for turn in store.turns(second)] == ["Other?", "New?"]


def test_a_removed_turn_is_gone_from_the_search_too(store: SessionStore) -> None:
    session = _said(store, "Where is the walrus?", "In the bay.")
    store.remove_turn(store.turns(session)[0].number)
    assert store.turns(session) == []
    assert store.search("walrus") == []


def test_only_a_session_without_turns_is_removed_as_an_empty_one(store: SessionStore) -> None:
    said, empty = _said(store, "One?", "1"), store.create(SETUP).id
    for session in (said, empty):
        store.remove_empty(session)
    assert [session.id for session in store.sessions()] == [said]


def test_the_latest_session_is_first(store: SessionStore) -> None:
    first, second = _said(store, "One?", "1"), _said(store, "Two?", "2")
    assert [session.id for session in store.sessions()] == [second, first]
    _said(store, "Again?", "3", session=first)
    assert [session.id for session in store.sessions()] == [first, second]


def test_a_session_is_found_by_the_beginning_of_its_id(store: SessionStore) -> None:
    session = _said(store, "One?", "1")
    assert store.session(session[:3]).id == session


def test_an_unknown_session_is_an_error_that_helps(store: SessionStore) -> None:
    with pytest.raises(SessionNotFoundError, match="nor any other"):
        store.session("nothere")
    session = _said(store, "One?", "1")
    with pytest.raises(SessionNotFoundError, match=session):
        store.session(session[:-1] + "0")
    with pytest.raises(SessionNotFoundError):
        store.session("")
    with pytest.raises(SessionNotFoundError, match="was removed"):
        store.ask("nothere", "?")


def test_search_finds_questions_and_answers_of_all_sessions(store: SessionStore) -> None:
    first = _said(store, "Who keeps the lighthouse?", "Odile keeps it.")
    second = _said(store, "And the mill?", "The lighthouse keepers' cousin.")
    _said(store, "What of the ferry?", "It sails.")
    assert {found.session.id for found in store.search("lighthouses")} == {first, second}
    [found] = store.search("Odile")
    assert (found.session.id, found.turn) == (first, 1)
    assert "Odile keeps it" in found.excerpt


@given(query=st.text(alphabet=st.characters(codec=None)))
def test_no_query_is_an_error(shared: SessionStore, query: str) -> None:
    shared.search(query)


@given(question=st.text(alphabet=st.characters(codec=None)), text=st.text(alphabet=st.characters(codec=None)))
def test_any_text_can_be_kept(shared: SessionStore, question: str, text: str) -> None:
    session = shared.create(SessionSetup(system=text), title=question, workspace=text).id
    turn = shared.ask(session, question, attachments=[Attachment(text, text)]).number
    shared.add_step(turn, Step(1, text, text, {text: [text]}, text))
    shared.answer(turn, Answer(text, warnings=(text,)))
    [read] = shared.turns(session)
    assert read.question == storable(question)
    assert read.answer
    assert read.answer.text == storable(text)


def test_a_session_that_is_removed_while_it_is_answered_is_no_damage(store: SessionStore, path: Path) -> None:
    session = store.create(SETUP).id
    turn = store.ask(session, "One?").number
    with SessionStore(path) as other:
        other.remove(session)
    with pytest.raises(SessionNotFoundError, match="not kept"):
        store.add_step(turn, STEP)
    with pytest.raises(SessionNotFoundError, match="not kept"):
        store.answer(turn, ANSWER)


def test_an_answer_that_was_stopped_before_its_first_word_is_shown_as_that(store: SessionStore) -> None:
    session = store.create(SETUP)
    for text in ("", "It is"):
        store.answer(store.ask(session.id, "What is it?").number, Answer(text, stop_reason=StopReason.CANCELLED))
    assert session_markdown(session, store.turns(session.id)).count("(interrupted before there was an answer)") == 1


def test_a_question_that_is_taken_back_while_it_is_answered_keeps_no_answer(store: SessionStore) -> None:
    turn = store.ask(store.create(SETUP).id, "One?").number
    store.remove_turn(turn)
    with pytest.raises(SessionNotFoundError, match="not kept"):
        store.answer(turn, Answer("1"))


def test_a_removed_session_leaves_no_text_in_the_files(store: SessionStore, path: Path) -> None:
    session = _said(store, "The password is xyzzyplugh?", "Yes, xyzzyplugh.")
    store.remove(session)
    assert store.sessions() == []
    assert not any(b"xyzzyplugh" in file.read_bytes() for file in path.parent.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_can_read_the_file(store: SessionStore, path: Path) -> None:
    _said(store, "One?", "1")
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_threads_take_turns(store: SessionStore) -> None:
    session = store.create(SETUP).id
    threads = [threading.Thread(target=_said, args=(store, f"{n}?", str(n), session)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.turns(session)) == 8


def test_two_processes_write_at_once(store: SessionStore, path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom agentkit.agents.sessions import SessionStore\n"
        "from agentkit.agents.session import SessionSetup\nfrom agentkit.results import Answer\n"
        "with SessionStore(Path(sys.argv[1])) as store:\n"
        "    session = store.create(SessionSetup(), title=sys.argv[2]).id\n"
        "    for n in range(40):\n"
        "        store.answer(store.ask(session, f'{n}?').number, Answer(str(n)))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("a", "b")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    for session in store.sessions():
        assert [turn.question for turn in store.turns(session.id)] == [f"{n}?" for n in range(40)]


def test_a_file_of_a_newer_agentkit_is_refused_and_untouched(path: Path) -> None:
    SessionStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SessionsDamagedError, match=r"newer agentkit.*99.*update"):
        SessionStore(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"This is a letter to my aunt, and no database at all. " * 100)
    with pytest.raises(SessionsDamagedError, match=r"damaged.*move the file away"):
        SessionStore(path)


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE stamps (colour TEXT)")
    connection.close()
    with pytest.raises(SessionsDamagedError, match="not a file of agentkit"):
        SessionStore(path)


def test_any_damage_is_a_typed_error_or_does_no_harm(path: Path) -> None:
    with SessionStore(path) as store:
        for n in range(30):
            _said(store, f"What is the number {n}?", "A number. " * 30)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 40):
        for leftover in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            leftover.unlink(missing_ok=True)
        path.write_bytes(whole[:at] + bytes(b ^ 0xA5 for b in whole[at : at + 400]) + whole[at + 400 :])
        with suppress(SessionsDamagedError):
            _read_all(path)


@pytest.mark.parametrize("damage", ["UPDATE steps SET step = '{'", "UPDATE sessions SET setup = '{}}'"])
def test_a_step_or_setup_that_is_not_what_agentkit_writes_is_a_typed_error(path: Path, damage: str) -> None:
    with SessionStore(path) as store:
        turn = store.ask(store.create(SETUP).id, "What is the number?").number
        store.answer(turn, ANSWER)
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(SessionsDamagedError, match="move the file away"):
        _read_all(path)


def test_a_truncated_file_is_a_typed_error(path: Path) -> None:
    with SessionStore(path) as store:
        _said(store, "One?", "1" * 10_000)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(SessionsDamagedError, match=str(path)):
        _read_all(path)
