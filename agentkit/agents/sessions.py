"""The sessions of a person: one SQLite file with every turn and step of every conversation, and a search over them.

A turn is written when it is asked, each of its steps when it was made, its answer before it is shown as done (WAL,
`synchronous=FULL`), so that a process that is killed loses nothing that had been shown. Several processes may write at
once; they wait for each other.
"""

import json
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from agentkit.agents.session import (
    Attachment,
    FoundTurn,
    Session,
    SessionSetup,
    Turn,
    answer_from,
    setup_from,
    step_from,
    storable,
    to_stored,
)
from agentkit.agents.session_schema import SCHEMA, VERSION
from agentkit.errors import DiskSpaceError, SessionError, SessionNotFoundError, SessionsDamagedError
from agentkit.indexes.keywords import keyword_query
from agentkit.indexes.sqlite_errors import FULL_DISK
from agentkit.indexes.sqlite_files import immediate_transaction, is_empty, set_up, version_of
from agentkit.results import Answer, Step

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
_ID_LENGTH = 6
_TITLE_CHARS = 60
_WAIT_S = 30
_SESSION = """
    SELECT id, title, workspace, setup, created_at, updated_at,
        (SELECT count(*) FROM turns WHERE session = sessions.number) FROM sessions
"""


class SessionStore:
    """The file of all sessions. Safe to use from several threads, which take turns."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it where there is none; only its owner can read it.

        Raises:
            SessionsDamagedError: not an SQLite file, damaged, or made by a newer agentkit.
        """
        self.path = path
        self._lock = threading.RLock()
        with self._mapped_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_WAIT_S)
        try:
            with self._mapped_errors():
                for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                    self._connection.execute(f"PRAGMA {pragma}")
                self._create_or_check()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file. Calling it twice does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What is being said

    def create(self, setup: SessionSetup, *, workspace: str = "", title: str = "") -> Session:
        """A new session without turns."""
        now = time.time()
        new = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO sessions (id, title, workspace, setup, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
                (new, _title(title), storable(workspace), to_stored(setup), now, now),
            )
        return self.session(new)

    def set_setup(self, session: str, setup: SessionSetup) -> None:
        """What the session goes on with."""
        with self._transaction() as connection:
            connection.execute("UPDATE sessions SET setup = ? WHERE id = ?", (to_stored(setup), session))

    def ask(
        self, session: str, question: str, *, attachments: Sequence[Attachment] = (), replaces: int | None = None
    ) -> Turn:
        """Begin a turn. Where it `replaces` another, that one stays until this one is answered.

        Raises:
            SessionNotFoundError: the session was removed.
        """
        turn = Turn(0, storable(question), time.time(), tuple(attachments))
        with self._transaction() as connection:
            added = connection.execute(
                "INSERT INTO turns (session, question, attachments, replaces, asked_at) "
                "SELECT number, ?, ?, ?, ? FROM sessions WHERE id = ?",
                (
                    turn.question,
                    to_stored([[attached.name, attached.text] for attached in attachments]),
                    replaces,
                    turn.asked_at,
                    session,
                ),
            )
            if not added.rowcount or added.lastrowid is None:
                raise SessionNotFoundError(f"the session {session} was removed: begin another with /clear")
            number = added.lastrowid
            connection.execute(
                "INSERT INTO turns_fts (rowid, question, answer) VALUES (?, ?, '')", (number, turn.question)
            )
            connection.execute("UPDATE sessions SET updated_at = ? WHERE id = ?", (turn.asked_at, session))
        return replace(turn, number=number)

    def searched(self, turn: int, question: str) -> None:
        """The question as it is searched for."""
        with self._transaction() as connection:
            connection.execute("UPDATE turns SET searched = ? WHERE number = ?", (storable(question), turn))

    def add_step(self, turn: int, step: Step) -> None:
        """A step that the agent has made. Raises SessionNotFoundError, as `answer` does."""
        with self._transaction() as connection:
            _check_asked(connection, turn)
            connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, ?)", (turn, step.number, to_stored(step)))

    def stand_alone(self, turn: int) -> None:
        """Have a turn not replace another: it stays, whatever becomes of its answer."""
        with self._transaction() as connection:
            connection.execute("UPDATE turns SET replaces = NULL WHERE number = ?", (turn,))

    def answer(self, turn: int, answer: Answer) -> None:
        """End a turn; the one of the same session that it replaces goes. Durable when this returns.

        Raises:
            SessionNotFoundError: the session was removed meanwhile, or the turn taken back.
        """
        with self._transaction() as connection:
            _check_asked(connection, turn)
            for step in answer.steps:
                connection.execute(
                    "INSERT OR REPLACE INTO steps VALUES (?, ?, ?)", (turn, step.number, to_stored(step))
                )
            connection.execute(
                "UPDATE turns SET answer = ? WHERE number = ?", (to_stored(replace(answer, steps=())), turn)
            )
            connection.execute("UPDATE turns_fts SET answer = ? WHERE rowid = ?", (storable(answer.text), turn))
            connection.execute(
                "DELETE FROM turns WHERE number = (SELECT replaces FROM turns WHERE number = ?) "
                "AND session = (SELECT session FROM turns WHERE number = ?)",
                (turn, turn),
            )
            connection.execute("UPDATE turns SET replaces = NULL WHERE number = ?", (turn,))

    def remove_turn(self, turn: int) -> None:
        """Take a turn back."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM turns WHERE number = ?", (turn,))

    # What was said

    def sessions(self, *, workspace: str | None = None) -> list[Session]:
        """All sessions, or those of a workspace, the latest first."""
        where, values = ("", ()) if workspace is None else ("WHERE workspace = ?", (workspace,))
        return self._sessions(f"{where} ORDER BY updated_at DESC, number DESC", values)

    def session(self, identifier: str) -> Session:
        """A session by its id, or by a beginning of it that no other has.

        Raises:
            SessionNotFoundError: there is none; the message names the nearest.
        """
        identifier = storable(identifier)
        found = self._sessions("WHERE id = ?", (identifier,))
        if not found and identifier:
            found = self._sessions("WHERE substr(id, 1, ?) = ?", (len(identifier), identifier))
        if len(found) != 1:
            raise self._not_found(identifier, [session.id for session in found])
        return found[0]

    def turns(self, session: str) -> list[Turn]:
        """The turns of a session in their order. One that was to replace another and never did is left out."""
        rows = self._rows(
            "SELECT turns.number, question, asked_at, attachments, searched, answer FROM turns "
            "JOIN sessions ON sessions.number = turns.session WHERE id = ? AND replaces IS NULL ORDER BY turns.number",
            (session,),
        )
        stored = self._rows(
            "SELECT turn, step FROM steps WHERE turn IN (SELECT turns.number FROM turns "
            "JOIN sessions ON sessions.number = turns.session WHERE id = ?) ORDER BY turn, steps.number",
            (session,),
        )
        steps: dict[int, list[Step]] = {}
        with self._mapped_errors():
            for number, step in stored:
                steps.setdefault(number, []).append(step_from(step))
            return [_turn(row, tuple(steps.get(row[0], ()))) for row in rows]

    def search(self, query: str, *, limit: int = 20) -> list[FoundTurn]:
        """The turns that hold words of `query`, best first (BM25, with stemming)."""
        words = keyword_query(storable(query)) or " ".join(f'"{word}"' for word in re.findall(r"\w+", storable(query)))
        if not words:
            return []
        rows = self._rows(
            "SELECT turns.session, turns.number, snippet(turns_fts, -1, '', '', '…', 16) FROM turns_fts "
            "JOIN turns ON turns.number = turns_fts.rowid WHERE turns_fts MATCH ? AND replaces IS NULL "
            "ORDER BY rank LIMIT ?",
            (words, limit),
        )
        numbered = self._rows(_SESSION.replace("SELECT", "SELECT number,", 1))
        with self._mapped_errors():
            sessions = {number: _session(rest) for number, *rest in numbered}
        return [FoundTurn(sessions[session], turn, excerpt) for session, turn, excerpt in rows if session in sessions]

    def remove(self, session: str) -> None:
        """Delete a session. Its text is overwritten in the file."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (session,))
            connection.execute("INSERT INTO turns_fts (turns_fts) VALUES ('optimize')")  # takes the words out of it
        with self._lock, self._mapped_errors():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove_empty(self, session: str) -> None:
        """Delete a session that has no turn, also none of another process; one that has stays."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE id = ? AND number NOT IN (SELECT session FROM turns)", (session,)
            )

    def _not_found(self, identifier: str, candidates: list[str]) -> SessionNotFoundError:
        if candidates:
            return SessionNotFoundError(f"{identifier!r} begins several sessions: {', '.join(sorted(candidates))}")
        known = [row[0] for row in self._rows("SELECT id FROM sessions ORDER BY updated_at DESC")]
        if not known:
            return SessionNotFoundError(f"there is no session {identifier!r}, nor any other: agentkit chat begins one")
        near = get_close_matches(identifier, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "agentkit sessions list shows those that there are"
        return SessionNotFoundError(f"there is no session {identifier!r}: {hint}")

    def _sessions(self, where: str, values: tuple[Any, ...]) -> list[Session]:
        rows = self._rows(f"{_SESSION} {where}", values)
        with self._mapped_errors():
            return [_session(row) for row in rows]

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock, self._mapped_errors():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and durable at the end."""
        with self._lock, self._mapped_errors(), immediate_transaction(self._connection):
            yield self._connection

    def _create_or_check(self) -> None:
        if version_of(self._connection) == VERSION:
            return
        with self._transaction() as connection:  # another process may be making it at this moment
            version = version_of(connection)
            if version > VERSION:
                raise SessionsDamagedError(
                    f"the sessions in {self.path} are of a newer agentkit (version {version}; this one reads "
                    f"{VERSION}): update agentkit"
                )
            if version == 0 and not is_empty(connection):
                raise SessionsDamagedError(f"{self.path} is not a file of agentkit's sessions: move it away")
            if version == 0:
                set_up(connection, SCHEMA, VERSION)

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as error:
            if "closed database" in str(error):
                raise SessionError(f"{self.path} is closed: open it again") from error
            raise
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0)
            if code in FULL_DISK:
                raise DiskSpaceError(
                    f"no space to write {self.path}: free some, nothing said before is lost"
                ) from error
            if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise SessionsDamagedError(
                    f"another process has held {self.path} for {_WAIT_S} seconds: end it, and try again"
                ) from error
            raise SessionsDamagedError(f"the sessions in {self.path} cannot be used: {error}") from error
        except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: JSON that is none, or of another shape
            raise SessionsDamagedError(
                f"the sessions in {self.path} are damaged ({str(error).partition(chr(10))[0]}): move the file away and "
                "agentkit makes a new one"
            ) from error


def _check_asked(connection: sqlite3.Connection, turn: int) -> None:
    """Raises SessionNotFoundError where the turn is no longer there."""
    if not connection.execute("SELECT 1 FROM turns WHERE number = ?", (turn,)).fetchone():
        raise SessionNotFoundError(
            "the session was removed, or the question taken back, while it was answered: the answer is not kept"
        )


def _title(question: str) -> str:
    words = " ".join(storable(question).split())
    return words if len(words) <= _TITLE_CHARS else words[: _TITLE_CHARS - 1].rstrip() + "…"


def _session(row: Sequence[Any]) -> Session:
    identifier, title, workspace, setup, created_at, updated_at, turns = row
    return Session(identifier, title, workspace, setup_from(setup), created_at, updated_at, turns)


def _turn(row: Sequence[Any], steps: tuple[Step, ...]) -> Turn:
    number, question, asked_at, attachments, searched, answer = row
    return Turn(
        number,
        question,
        asked_at,
        tuple(Attachment(name, text) for name, text in json.loads(attachments)),
        searched,
        answer_from(answer, steps) if answer else None,
        steps,
    )
