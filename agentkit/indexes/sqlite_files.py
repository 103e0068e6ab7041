"""What the files of SQLite that agentkit keeps have in common: transactions, and a version of their tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def immediate_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: committed at the end, rolled back on any exception. No other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file's tables, SQLite's `user_version`; 0 of a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether the file has no tables."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def set_up(connection: sqlite3.Connection, script: str, version: int) -> None:
    """Run a script and note the version that it leads to, inside of a transaction, which `executescript` would end.

    Each statement of the script begins on a line of its own.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(f"PRAGMA user_version = {version}")
