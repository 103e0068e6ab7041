"""Keeping an index in step with folders for as long as somebody watches: a sync for each burst of changes.

A file is read when it has stopped moving: one whose size or time changes between two looks is left for a later round,
and the index keeps what it has of it. An error ends its round and not the watch. Changes of hidden files, and of what
lies below `ignored` (the index itself can be in the folder), begin no round.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change, watch

from agentkit.errors import AgentkitError, IndexingError
from agentkit.results import IndexReport

_DEBOUNCE_MS = 1600
"""A burst of changes that does not end is cut here."""
_QUIET_MS = 200
"""A burst is over when nothing has changed for so long."""
_LOOK_MS = 1000
"""How often to see whether files have settled and the sources are still there."""
_SETTLE_S = 0.5
_RETRY_S = 30.0
"""After an error, when nothing changes meanwhile."""
_RULES = frozenset({".gitignore", ".agentkitignore"})
"""Hidden files whose change changes what is read."""

SyncFunction = Callable[[frozenset[Path]], IndexReport]
"""Brings the index up to date, leaving out files that are still being written."""


@dataclass(frozen=True, slots=True)
class WatchRound:
    """What one round did."""

    report: IndexReport | None
    """None where it failed."""
    error: AgentkitError | None = None
    unsettled: frozenset[Path] = frozenset()
    """Files that were still being written."""


def watch_sources(
    sync: SyncFunction, sources: Sequence[Path], *, ignored: Path, stop: threading.Event | None = None
) -> Iterator[WatchRound]:
    """A round now, and one after every burst of changes, until `stop` is set or KeyboardInterrupt.

    Raises:
        IndexingError: the system gives no more watches.
    """
    stop = stop or threading.Event()
    folders = [source.resolve() for source in sources]
    yield (latest := _round(sync, frozenset()))
    failed_at = time.monotonic()
    moving: frozenset[Path] = frozenset()
    for changed in _bursts(folders, ignored.resolve(), stop):
        still_moving = _moving(moving | (changed or frozenset()))
        is_retry = latest.error and time.monotonic() - failed_at > _RETRY_S
        is_due = changed is None or changed or still_moving != moving or is_retry
        moving = still_moving
        if is_due:
            yield (latest := _round(sync, moving))
            failed_at = time.monotonic()


def _round(sync: SyncFunction, unsettled: frozenset[Path]) -> WatchRound:
    try:
        return WatchRound(sync(unsettled), unsettled=unsettled)
    except AgentkitError as error:
        return WatchRound(None, error, unsettled)


def _bursts(folders: Sequence[Path], ignored: Path, stop: threading.Event) -> Iterator[frozenset[Path] | None]:
    """The files of each burst of changes; no files after a second without a change; None once a watch has begun, since
    anything may have happened before.
    """

    def counts(_: Change, name: str) -> bool:
        return _counts(Path(name), folders, ignored)

    while not stop.is_set():
        places = _places(folders)
        if None in places:  # a source is gone: it may come back
            stop.wait(_LOOK_MS / 1000)
            continue
        is_new = True
        try:
            for changes in watch(
                *folders, watch_filter=counts, debounce=_DEBOUNCE_MS, step=_QUIET_MS, rust_timeout=_LOOK_MS,
                yield_on_timeout=True, stop_event=stop, ignore_permission_denied=True,
            ):  # fmt: skip
                yield None if is_new else frozenset(Path(name) for _, name in changes)
                is_new = False
                if _places(folders) != places:  # another folder under the same name has no watch
                    break
        except FileNotFoundError:  # a source went between the look and the watch
            continue
        except OSError as error:
            raise IndexingError(
                f"the folders cannot be watched: {error}. Raise the limit (sysctl fs.inotify.max_user_watches), or set "
                "WATCHFILES_FORCE_POLLING=1"
            ) from error


def _counts(path: Path, folders: Sequence[Path], ignored: Path) -> bool:
    if path.is_relative_to(ignored):
        return False
    root = next((folder for folder in folders if path.is_relative_to(folder)), None)
    if root is None:
        return False
    *above, name = path.relative_to(root).parts or (path.name,)
    return not any(part.startswith(".") for part in above) and (name in _RULES or not name.startswith("."))


def _moving(files: Collection[Path]) -> frozenset[Path]:
    """Those of the files whose size or time changes while one looks."""
    if not files:
        return frozenset()
    before = {file: _stamp(file) for file in files}
    time.sleep(_SETTLE_S)
    return frozenset(file for file, stamp in before.items() if stamp and _stamp(file) not in {stamp, None})


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _places(folders: Sequence[Path]) -> list[tuple[int, int] | None]:
    """What tells a folder from another of the same name; None for one that is gone."""
    places: list[tuple[int, int] | None] = []
    for folder in folders:
        try:
            status = folder.stat()
        except OSError:
            places.append(None)
        else:
            places.append((status.st_dev, status.st_ino))
    return places
