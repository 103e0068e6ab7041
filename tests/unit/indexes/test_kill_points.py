"""An index may be killed at any change of its files. `benchmarks/kill_points.py` does it at two hundred."""

from pathlib import Path

from tests.faults import run_campaign


def test_every_step_of_an_index_may_be_killed(tmp_path: Path) -> None:
    report = run_campaign("tests.faults.kills", tmp_path, "3", timeout_s=280)
    assert report["failures"] == []
    assert {step: facts["killed"] >= 2 for step, facts in report["steps"].items()} == dict.fromkeys(
        ("index", "update", "delete", "forget", "rebuild", "reembed", "rechunk"), True
    )
