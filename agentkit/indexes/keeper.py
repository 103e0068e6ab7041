"""What looks after an index and needs no embedder: verify, rebuild, forget."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from agentkit.errors import IndexDamagedError, IndexNotFoundError
from agentkit.indexes import forgetting
from agentkit.indexes.catalog import CATALOG_NAME, Catalog
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.rebuilding import rebuild_keyword_index, require_embeddings
from agentkit.indexes.salvage import salvage_catalog
from agentkit.indexes.vector_folder import VectorFolder
from agentkit.indexes.verifying import find_problems, is_readable
from agentkit.results import ForgetReport, IndexProblem, IndexVerification, RebuildReport


def verify_index(directory: Path) -> IndexVerification:
    """As `IndexKeeper.verify`, of an index whose catalog may be damaged so that it cannot be opened."""
    try:
        with IndexKeeper(directory) as keeper:
            return keeper.verify()
    except IndexDamagedError as error:
        problem = IndexProblem(str(error), f"agentkit indexes rebuild {directory.name}")
        return IndexVerification(directory.name, problems=(problem,))


def rebuild_index(directory: Path) -> RebuildReport:
    """As `IndexKeeper.rebuild`, and where the catalog is damaged, a new one of what can be read of it.

    Raises:
        IndexLockedError: somebody is writing the index.
        IndexUnreadableError: the catalog cannot be opened, which tells nothing of damage; nothing is done.
    """
    if is_readable(directory / CATALOG_NAME):
        with IndexKeeper(directory) as keeper:
            return keeper.rebuild()
    with writer_lock(directory):
        to_read = salvage_catalog(directory)
    with IndexKeeper(directory) as keeper:
        return replace(keeper.rebuild(), was_damaged=True, to_read=to_read)


class IndexKeeper:
    """The catalog and the vectors of an index in a folder. Close it, or use it in a `with` block."""

    def __init__(self, directory: Path) -> None:
        """Open the catalog; the vectors are opened when they are needed.

        Raises:
            IndexDamagedError: its catalog cannot be read.
            IndexNotFoundError: there is no such folder.
        """
        if not directory.is_dir():
            raise IndexNotFoundError(f"there is no index in {directory}: check the path")
        self.directory = directory
        self.catalog = Catalog(directory / CATALOG_NAME)
        self.vectors = VectorFolder(directory, self.catalog)

    @property
    def name(self) -> str:
        return self.directory.name

    def verify(self) -> IndexVerification:
        """Compare everything that the index holds with what it must be (see `verifying.py`); nothing is changed.

        Reads all of it: about a millisecond a chunk.

        Raises:
            IndexLockedError: somebody is writing the index.
        """
        started = time.monotonic()
        with writer_lock(self.directory):
            self.vectors.close()
            problems = list(find_problems(self.catalog, self.vectors.path, self.name))
            files = chunks = 0
            with suppress(IndexDamagedError):
                files, chunks = self._counts()
        return IndexVerification(self.name, files, chunks, tuple(problems), time.monotonic() - started)

    def rebuild(self) -> RebuildReport:
        """Make the keyword index and the vectors again from the catalog's texts and embeddings; embeds nothing.

        Raises:
            IndexLockedError: somebody is writing the index.
            IndexDamagedError: the catalog lacks embeddings, or a file's record cannot be read.
            DiskSpaceError: there is no room for the new vectors beside the old ones.
        """
        started = time.monotonic()
        with writer_lock(self.directory):
            rebuild_keyword_index(self.catalog)
            require_embeddings(self.catalog, self.name)
            self.vectors.rebuild()
            self.finish_erasing()
            files, chunks = self._counts()
        return RebuildReport(self.name, files, chunks, seconds=time.monotonic() - started)

    def forget(self, path: str) -> ForgetReport:
        """Erase a file, a folder, or what matches a pattern such as `letters/*.pdf`: text and vectors leave the disk.

        The next sync of the same folder skips what was forgotten, until `remember`. Costs a rebuild of the vectors.

        Raises:
            IndexNotFoundError: no file of the index matches.
            IndexLockedError: somebody is writing the index, or reading it at the moment.
        """
        started = time.monotonic()
        with writer_lock(self.directory):
            paths, chunks, also_in = forgetting.forget(self.catalog, path)
            self.finish_erasing()
        return ForgetReport(self.name, path, tuple(paths), chunks, tuple(also_in), time.monotonic() - started)

    def remember(self, path: str) -> None:
        """Let come back what was forgotten by this path or pattern: the next sync reads it again.

        Raises:
            IndexNotFoundError: nothing was forgotten by it.
        """
        with writer_lock(self.directory):
            forgetting.remember(self.catalog, path)

    def finish_erasing(self) -> None:
        """Erase what was forgotten when a writer died before it was gone from the disk. Needs the writer lock."""
        forgetting.finish_erasing(self.catalog, self.vectors)

    def forgotten(self) -> list[str]:
        """The paths and patterns that were forgotten, sorted."""
        return forgetting.forgotten_patterns(self.catalog)

    def close(self) -> None:
        """Let go of the files. Calling it twice does nothing."""
        self.vectors.close()
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _counts(self) -> tuple[int, int]:
        return self.catalog.file_count(), self.catalog.chunk_count()
