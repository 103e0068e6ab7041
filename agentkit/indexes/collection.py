"""The indexes of a folder, by name: which there are, what each holds, and how one is removed. Opens none."""

import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from agentkit.errors import (
    IndexDamagedError,
    IndexingError,
    IndexMismatchError,
    IndexNotFoundError,
    IndexUnreadableError,
)
from agentkit.indexes.catalog import CATALOG_NAME, Catalog
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.summary import IndexSummary, is_index, source_file, summarise_index
from agentkit.results import IndexVerification, RebuildReport

if TYPE_CHECKING:
    from agentkit.indexes.contents import IndexContents
    from agentkit.indexes.keeper import IndexKeeper

_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


class IndexCollection:
    """A folder that holds a folder for each index; it need not exist."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """The indexes there are, sorted."""
        if not self.directory.is_dir():
            return []
        return sorted(folder.name for folder in self.directory.iterdir() if is_index(folder))

    def folder(self, name: str) -> Path:
        """Where an index of this name is or would be.

        Raises:
            IndexingError: a name that cannot be a folder's.
        """
        if not _NAME.fullmatch(name):
            raise IndexingError(
                f"{name!r} cannot be an index's name: use letters, digits, '.', '-' and '_', at most 64, "
                "beginning with a letter or digit"
            )
        return self.directory / name

    def require(self, name: str) -> Path:
        """The folder of an index that exists.

        Raises:
            IndexNotFoundError: there is none of that name; the message names the nearest.
        """
        names = self.names()
        if name in names:
            return self.directory / name
        if not names:
            raise IndexNotFoundError(f"there is no index {name!r}, nor any other: make one with: agentkit index PATH")
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        raise IndexNotFoundError(f"there is no index {name!r}: {hint}")

    def summary(self, name: str) -> IndexSummary:
        """What an index holds and how it was made.

        Raises:
            IndexNotFoundError: there is none of that name.
        """
        return summarise_index(self.require(name))

    def contents(self, name: str) -> "IndexContents":
        """What an index is made of, file by file.

        Raises:
            IndexNotFoundError: there is none of that name.
        """
        from agentkit.indexes.contents import index_contents

        return index_contents(self.require(name))

    def keeper(self, name: str) -> "IndexKeeper":
        """What looks after an index: to be closed after use.

        Raises:
            IndexNotFoundError: there is none of that name.
            IndexDamagedError: its catalog cannot be read.
        """
        from agentkit.indexes.keeper import IndexKeeper

        return IndexKeeper(self.require(name))

    def rebuild(self, name: str) -> RebuildReport:
        """Make keywords and vectors again from the catalog, and a new catalog of a damaged one.

        Raises:
            IndexNotFoundError: there is none of that name.
        """
        from agentkit.indexes.keeper import rebuild_index

        return rebuild_index(self.require(name))

    def verify(self, name: str) -> IndexVerification:
        """A check of everything that an index holds, also of one that cannot be opened.

        Raises:
            IndexNotFoundError: there is none of that name.
        """
        from agentkit.indexes.keeper import verify_index

        return verify_index(self.require(name))

    def source_file(self, name: str, path: str) -> Path | None:
        """The file that an index knows as `path`; None where it is no longer there.

        Raises:
            IndexNotFoundError: there is no index of that name.
        """
        return source_file(self.require(name), path)

    def folder_for(self, sources: Sequence[Path]) -> Path:
        """Where the index of these sources is or would be, named after the first: `My notes (2)` -> `My-notes-2`.

        Raises:
            IndexingError: the index of that name holds other folders, or there is none and that of another name holds
                one of these, which was moved.
        """
        words = re.findall(r"[\w.]+", sources[0].resolve().name)
        folder = self.folder("-".join(words).strip("._-")[:64] or "index")
        if not is_index(folder):
            self._refuse_moved(sources, folder.name)
            return folder
        held = summarise_index(folder).sources
        wanted = [source.resolve() for source in sources]
        is_held = any(source.is_relative_to(known) for source in wanted for known in held)
        if held and not is_held and not _moved(folder, sources):
            raise IndexingError(
                f"the index {folder.name} holds {', '.join(held)}: give the new one a name with --name, or add to "
                f"this one with --name {folder.name}"
            )
        return folder

    def _refuse_moved(self, sources: Sequence[Path], name: str) -> None:
        """Where a new index of that name would read again what another one holds."""
        for other in self.names():
            for old, new in _moved(self.directory / other, sources):
                raise IndexingError(
                    f"{new} was {old} when the index {other} was made of it: bring that index up to date with "
                    f"--name {other}, or make one of its own with --name {name}"
                )

    def remove(self, name: str) -> None:
        """Delete an index; the documents stay.

        Raises:
            IndexNotFoundError: there is none of that name.
            IndexLockedError: a process is writing it.
        """
        folder = self.require(name)
        with writer_lock(folder):
            for entry in folder.iterdir():  # the lock's own files go last
                if entry.is_dir():
                    shutil.rmtree(entry)
                elif not entry.name.startswith("writer."):
                    entry.unlink(missing_ok=True)  # a reader that ends takes SQLite's log with it
        shutil.rmtree(folder.resolve())
        if folder.is_symlink():  # to another disk
            folder.unlink()


def _moved(folder: Path, sources: Sequence[Path]) -> Sequence[tuple[str, str]]:
    """From and to, of those of the sources that the index in `folder` was made of when they were at another place."""
    from agentkit.indexes.roots import Roots

    try:
        with closing(Catalog(folder / CATALOG_NAME)) as catalog:
            roots = Roots(catalog, folder.name)
            roots.follow(sources)
            return roots.moved
    except (IndexDamagedError, IndexMismatchError, IndexUnreadableError):
        return ()
