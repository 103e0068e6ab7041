"""A full disk, and several processes at one index (see `tests/faults/`); `benchmarks/kill_points.py` has more sizes."""

import os
import shutil
from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import IndexNotFoundError
from agentkit.indexes.collection import IndexCollection
from agentkit.indexes.summary import summarise_index
from tests.faults import run_campaign


def test_a_full_disk_is_named_and_with_room_the_same_command_completes(tmp_path: Path) -> None:
    report = run_campaign("tests.faults.full_disk", tmp_path, "5", timeout_s=280)
    assert report["failures"] == []
    assert all(facts["named"] >= 3 for facts in report["steps"].values())


def test_a_second_writer_is_told_who_writes_and_readers_see_whole_syncs(tmp_path: Path) -> None:
    report = run_campaign("tests.faults.crowd", tmp_path, "3", timeout_s=280)
    assert report["refused"] == 3
    assert report["half a sync"] == []
    assert sum(report["reads of each state"]) > 0


def test_an_index_whose_files_go_while_they_are_looked_at_has_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Index.open(tmp_path / "mill", embedder=HashingEmbedder()).close()
    (tmp_path / "mill" / "vectors.new").mkdir()
    (tmp_path / "mill" / "vectors.new" / "data").touch()
    look = Path.stat

    def look_and_lose(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = look(path, follow_symlinks=follow_symlinks)
        if path.name == "data":  # as a writer does that has made the vectors
            shutil.rmtree(path.parent)
        return status

    monkeypatch.setattr(Path, "stat", look_and_lose)
    assert summarise_index(tmp_path / "mill").size_bytes > 0
    assert not (tmp_path / "mill" / "vectors.new").exists()


@pytest.mark.parametrize("is_made_again", [False, True])
def test_an_index_that_was_removed_is_not_written_any_more(tmp_path: Path, is_made_again: bool) -> None:
    (tmp_path / "a.txt").write_text("The mill grinds.")
    folder = tmp_path / "indexes" / "mill"
    with Index.open(folder, embedder=HashingEmbedder()) as index:
        index_folder(index, tmp_path / "a.txt")
        IndexCollection(tmp_path / "indexes").remove("mill")
        if is_made_again:
            Index.open(folder, embedder=HashingEmbedder()).close()
        (tmp_path / "a.txt").write_text("The mill stands.")
        with pytest.raises(IndexNotFoundError, match="the index mill was removed, or made again"):
            index_folder(index, tmp_path / "a.txt")
    assert folder.exists() is is_made_again
