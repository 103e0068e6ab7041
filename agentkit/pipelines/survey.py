"""What there is and what is known: the files of a sync's sources beside what the catalog holds of them."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.indexes import FileStamp, KnownFile
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.forgetting import FORGOTTEN, forgotten_patterns, is_forgotten
from agentkit.indexes.records import SkipRecord
from agentkit.indexes.roots import Root, Roots, how_to_drop
from agentkit.loaders import FileEntry, PathPatterns, ocr, walk
from agentkit.loaders.archive import ARCHIVE_SUFFIXES
from agentkit.loaders.load import is_current, is_registered
from agentkit.loaders.patterns import reminder
from agentkit.loaders.walk import UNLISTED

_TAKEN = "another folder of this index has a file of this path"
_NO_FILE = FileStamp(0, 0)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the walk under the path that the index knows it by."""

    path: str
    source: str
    stamp: FileStamp
    file: Path


@dataclass(slots=True)
class Sync:
    """What one sync has found out so far, over all of its sources."""

    found: list[FoundFile] = field(default_factory=list)
    known: dict[str, KnownFile] = field(default_factory=dict)
    staged: dict[str, FileStamp] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)
    """What is staged and would be read differently now."""
    skipped: dict[str, SkipRecord] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    """Path -> why it could not be read again, of files that have not changed: what was read of them stays."""
    restamped: dict[str, KnownFile] = field(default_factory=dict)
    """Files whose text stays, with the stamp and the loader to remember: those that were only touched, and those that
    the loaders of now have tried in vain.
    """
    contents: dict[str, str] = field(default_factory=dict)
    """Path -> sha256, of what was read."""
    members: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Path of an archive -> name and reason of each file in it that cannot be read."""
    unlisted: set[str] = field(default_factory=set)
    """Folders that could not be listed: whatever the index holds below them stays."""
    unsettled: frozenset[Path] = frozenset()
    """Files that are being written: whatever the index holds of them stays."""
    moved_sources: tuple[tuple[str, str], ...] = ()
    """From and to."""
    gone_sources: tuple[str, ...] = ()
    """Folders and files of the index that are no longer there, whether they are among the sources or not."""

    def changed_files(self, *, is_full: bool) -> list[FoundFile]:
        """The files to read: those whose stamp is not the known one, or that were read by other loaders than those of
        now, or all. Those skipped before stay skipped, but for a reason that may have passed.
        """
        settled = (found for found in self.found if found.file not in self.unsettled)
        return [found for found in settled if is_full or not self._is_unchanged(found)]

    def removed_paths(self) -> list[str]:
        """What the index knows and the sources no longer have."""
        found = {file.path for file in self.found}
        gone = (path for path in self.known if path not in found and path not in self.skipped)
        return [path for path in gone if not any(path.startswith(f"{folder}/") for folder in self.unlisted)]

    def is_read(self, found: FoundFile) -> bool:
        """Whether the index holds the text of the file as it is now."""
        known = self.known.get(found.path)
        return known is not None and not known.skip_reason and known.stamp == found.stamp

    def has_new_skips(self) -> bool:
        return any(
            path not in self.known or self.known[path] != KnownFile(path, skip.stamp, "", skip.reason, skip.loader)
            for path, skip in self.skipped.items()
        )

    def _is_unchanged(self, found: FoundFile) -> bool:
        known = self.known.get(found.path)
        if known is None or known.stamp != found.stamp or found.path in self.staged:
            return False
        if not is_current(known.loader, found.file):
            return False
        if known.skip_reason:
            if known.skip_reason.endswith(ocr.HOW_TO) and ocr.is_available():  # it was installed since
                return False
            if is_registered(found.file.suffix):  # perhaps since, and whether it can read a file may change
                return False
            self.skipped[found.path] = SkipRecord(found.source, found.stamp, known.skip_reason, known.loader)
        return True


def survey(
    catalog: Catalog,
    sources: Sequence[Path],
    known_roots: Roots,
    *,
    patterns: PathPatterns | None = None,
    max_file_bytes: int,
    unsettled: Collection[Path] = (),
) -> Sync:
    """Walk the sources and gather what the catalog knows of them; reads no file.

    `known_roots` learns of new sources, of old ones at new places, and of `patterns`, if any are given. `unsettled` are
    files that are being written: they are left as they are.

    Raises:
        DocumentError: a source does not exist, none holds a file that can be read, or no file of one suits the patterns
            that are given: a slip of the pen must not empty the index. A source is empty that had files: so is the
            folder of a drive or share that is not mounted.
        IndexingError: a source cannot be placed (see `Roots.place`).
    """
    for source in sources:
        _require(source)
    sync = Sync(unsettled=frozenset(unsettled))
    outermost = _outermost(sources)
    known_roots.follow(outermost)
    roots = {root.source: root for root in (known_roots.place(source, patterns) for source in outermost)}
    sync.moved_sources, sync.gone_sources = known_roots.moved, known_roots.gone
    for root in roots.values():
        _require_files(catalog, root, known_roots.name)
        seen = len(sync.found) + len(sync.skipped)
        _survey_root(catalog, root, sync, max_file_bytes)
        if patterns and str(patterns) and len(sync.found) + len(sync.skipped) == seen:
            raise DocumentError(f"no file of {root.source} suits {patterns}: check the patterns (nothing was changed)")
    if not sync.found and not sync.known:
        reasons = "; ".join(f"{path}: {skip.reason}" for path, skip in list(sync.skipped.items())[:3])
        places = ", ".join(map(str, sources))
        because = f" ({reasons})" if reasons else ""
        narrow = reminder(root.patterns for root in roots.values())
        raise DocumentError(f"there is no file to index in {places}{because}" + (f": {narrow}" if narrow else ""))
    return sync


def _require(source: Path) -> None:
    try:
        is_there = source.exists()
    except OSError:  # a name that is too long for the file system
        is_there = False
    if not is_there:
        raise DocumentError(f"{source} does not exist: check the path (nothing was removed from the index)")


def _require_files(catalog: Catalog, root: Root, name: str) -> None:
    """Of an empty folder: nothing is in it, not even what is hidden or left out."""
    try:
        with os.scandir(Path(root.source)) as listing:
            is_empty = next(listing, None) is None
    except OSError:  # a file, or a folder that cannot be listed
        return
    had = sum(not known.skip_reason for known in catalog.known_files(root.known_as).values()) if is_empty else 0
    if had:
        raise DocumentError(
            f"{root.source} is empty, and the index {name} holds {had} files of it (nothing was removed): if it is on "
            "a drive or share, mount that; if it was emptied on purpose, drop them with: "
            f"{how_to_drop(name, root.source)}"
        )


def _outermost(sources: Sequence[Path]) -> list[Path]:
    """The sources without those that lie inside of another."""
    real = {source.resolve(): source for source in sources}
    return [source for path, source in real.items() if not real.keys() & set(path.parents)]


def _survey_root(catalog: Catalog, root: Root, sync: Sync, max_file_bytes: int) -> None:
    sync.known |= catalog.known_files(root.known_as)
    staged = catalog.staged_files(root.known_as)
    sync.staged |= {path: file.stamp for path, file in staged.items() if is_current(file.loader, Path(path))}
    sync.outdated |= staged.keys() - sync.staged.keys()
    forgotten = forgotten_patterns(catalog)
    taken = catalog.paths_elsewhere(root.known_as) | {found.path for found in sync.found}
    for entry in walk(Path(root.source), max_file_bytes=max_file_bytes, patterns=root.patterns):
        relative = entry.relative if isinstance(entry, FileEntry) else entry.path
        path = root.path_of(relative)
        if isinstance(entry, FileEntry) and is_forgotten(path, forgotten):
            sync.skipped[path] = SkipRecord(root.source, _NO_FILE, FORGOTTEN)
        elif path in taken:  # to be skipped by this path would delete the other root's file
            sync.skipped[str(Path(root.source) / relative)] = SkipRecord(root.source, _NO_FILE, _TAKEN)
        elif isinstance(entry, FileEntry):
            stamp = FileStamp(entry.size, entry.mtime_ns)
            sync.found.append(FoundFile(path, root.source, stamp, entry.path))
            if entry.path.suffix.lower() in ARCHIVE_SUFFIXES:
                metadata = catalog.staged_metadata if sync.staged.get(path) == stamp else catalog.metadata
                sync.members[path] = metadata(path).get("skipped", [])
        else:
            sync.skipped[path] = SkipRecord(root.source, _NO_FILE, entry.reason)
            if entry.reason.startswith(UNLISTED):
                sync.unlisted.add(path)
