"""A full disk, and several processes at one index (see `tests/faults/`); `benchmarks/kill_points.py` has more sizes."""

from pathlib import Path

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
