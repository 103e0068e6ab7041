"""A watch: changes are indexed in bursts, half-written files wait, and an error does not end it."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.indexes.lock import writer_lock
from agentkit.pipelines import watching
from agentkit.pipelines.watching import WatchRound, watch_sources

_PATIENCE_S = 20.0


class Watch:
    """A watch in a thread of its own, and what it has done so far."""

    def __init__(self, index: Index, folder: Path, ignored: Path) -> None:
        self.rounds: list[WatchRound] = []
        self.index = index
        self._stop = threading.Event()
        sync = partial(index_folder, index, [folder])
        found = watch_sources(lambda files: sync(unsettled=files), [folder], ignored=ignored, stop=self._stop)
        self._thread = threading.Thread(target=lambda: self.rounds.extend(found), daemon=True)
        self._thread.start()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, which it must before long."""
        deadline = time.monotonic() + _PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, [(each.report, each.error) for each in self.rounds]
            assert self._thread.is_alive()
            time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "_DEBOUNCE_MS": 200,
        "_QUIET_MS": 20,
        "_LOOK_MS": 100,
        "_SETTLE_S": 0.2,
        "_RETRY_S": 0.3,
    }.items():
        monkeypatch.setattr(watching, name, value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "lamp.txt").write_text("the lamp")
    return folder


@pytest.fixture
def watch(folder: Path, tmp_path: Path) -> Iterator[Watch]:
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        watch = Watch(index, folder, tmp_path / "index")
        watch.until(lambda: len(watch.rounds) >= 2)  # the second tells that the folder is watched
        yield watch
        watch.stop()


def test_what_is_added_changed_moved_and_removed_is_followed(watch: Watch, folder: Path) -> None:
    index = watch.index
    (folder / "boat.txt").write_text("a boat")
    watch.until(lambda: "boat.txt" in index.paths())
    (folder / "boat.txt").write_text("a ferry")
    watch.until(lambda: index.document_text("boat.txt") == "a ferry")
    (folder / "sub").mkdir()
    (folder / "boat.txt").rename(folder / "sub" / "ship.txt")
    watch.until(lambda: index.paths() == ["lamp.txt", "sub/ship.txt"])
    (folder / "lamp.txt").unlink()
    watch.until(lambda: index.paths() == ["sub/ship.txt"])
    assert not [each.error for each in watch.rounds if each.error]


def test_a_file_that_is_being_written_waits_and_keeps_what_the_index_has(watch: Watch, folder: Path) -> None:
    index = watch.index
    with (folder / "lamp.txt").open("w") as file:
        for number in range(30):
            file.write(f"line {number}\n")
            file.flush()
            assert index.document_text("lamp.txt") == "the lamp"
            time.sleep(0.05)
        watch.until(lambda: any(each.unsettled == {folder / "lamp.txt"} for each in watch.rounds))
    watch.until(lambda: index.document_text("lamp.txt").endswith("line 29\n"))


def test_a_half_written_new_file_is_not_taken_before_it_is_whole(watch: Watch, folder: Path) -> None:
    seen = []
    with (folder / "new.txt").open("w") as file:
        for _ in range(20):
            file.write("word ")
            file.flush()
            seen.append("new.txt" in watch.index.paths())
            time.sleep(0.05)
    watch.until(lambda: "new.txt" in watch.index.paths())
    assert not any(seen)
    assert watch.index.document_text("new.txt") == "word " * 20


def test_an_error_ends_its_round_only_and_the_round_is_tried_again(watch: Watch, folder: Path) -> None:
    with writer_lock(watch.index.directory):
        (folder / "boat.txt").write_text("a boat")
        watch.until(lambda: watch.rounds[-1].error is not None)
    watch.until(lambda: "boat.txt" in watch.index.paths())  # by itself: nothing has changed meanwhile


def test_a_folder_that_goes_and_comes_back_is_watched_again(watch: Watch, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    time.sleep(0.5)
    folder.mkdir()
    (folder / "other.txt").write_text("other")
    watch.until(lambda: watch.index.paths() == ["other.txt"])
    (folder / "later.txt").write_text("later")
    watch.until(lambda: watch.index.paths() == ["later.txt", "other.txt"])


def test_a_folder_that_is_empty_for_a_while_loses_nothing(watch: Watch, folder: Path) -> None:
    (folder / "lamp.txt").unlink()
    watch.until(lambda: watch.rounds[-1].error is not None)
    assert "is empty" in str(watch.rounds[-1].error)
    assert watch.index.paths() == ["lamp.txt"]
    (folder / "other.txt").write_text("other")
    watch.until(lambda: watch.index.paths() == ["other.txt"])


def test_a_file_that_is_replaced_is_followed_where_it_alone_is_watched(folder: Path, tmp_path: Path) -> None:
    file = folder / "lamp.txt"
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        watch = Watch(index, file, tmp_path / "index")
        watch.until(lambda: len(watch.rounds) >= 2)
        for text in ("first", "second"):
            (folder / "new").write_text(text)
            os.replace(folder / "new", file)
            watch.until(lambda text=text: index.document_text("lamp.txt") == text)  # type: ignore[misc]
        watch.stop()


def test_hidden_files_and_the_index_itself_begin_no_round(watch: Watch, folder: Path) -> None:
    rounds = len(watch.rounds)
    (folder / ".hidden").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.txt").write_text("x")
    (watch.index.directory / "x").write_text("x")
    time.sleep(0.8)
    assert len(watch.rounds) == rounds
    (folder / ".agentkitignore").write_text("lamp.txt")
    (folder / "boat.txt").write_text("a boat")
    watch.until(lambda: watch.index.paths() == ["boat.txt"])
