"""The catalog's file: made, and brought to the newest form."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from agentkit.indexes.catalog import Catalog


def test_a_new_catalog_can_be_opened_by_several_at_once(tmp_path: Path) -> None:
    ready = Barrier(3)

    def is_open(path: Path) -> bool:
        ready.wait()
        with closing(Catalog(path)) as catalog:
            return catalog.file_count() == 0

    with ThreadPoolExecutor(3) as threads:
        for number in range(40):
            assert all(threads.map(is_open, [tmp_path / f"{number}.sqlite"] * 3))


def test_a_catalog_of_an_older_version_is_brought_to_the_newest(tmp_path: Path) -> None:
    def schema(path: Path) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(path)) as connection:
            return set(connection.execute("SELECT name, sql FROM sqlite_master"))

    Catalog(new := tmp_path / "new.sqlite").close()
    Catalog(old := tmp_path / "old.sqlite").close()
    with closing(sqlite3.connect(old)) as connection, connection:
        for table in ("forgotten", "remade", "remade_embeddings"):
            connection.execute(f"DROP TABLE {table}")
        for table in ("files", "skipped", "staged"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN loader")
        connection.execute("CREATE INDEX files_by_sha256 ON files (sha256)")
        connection.execute("PRAGMA user_version = 2")
    Catalog(old).close()
    assert schema(old) == schema(new)
