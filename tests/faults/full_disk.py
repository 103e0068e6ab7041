"""Let the disk be full at evenly spread sizes while an index is written, and then have room again.

`python -m tests.faults.full_disk WORK SIZES`, preloaded with `faults.c`, prints JSON. The error must be the one of a
full disk, what was acknowledged must be there, and the step done again must give what it gives undisturbed.
"""

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.children import arm, disarm, in_child, room_left
from tests.faults.kills import copy_folder, result_of
from tests.faults.story import STEPS, faults_of, state

_NAMED = "DiskSpaceError: no space to write"
_PLENTY = 1 << 50


def fill_everywhere(work: Path, sizes: int) -> dict[str, Any]:
    """The report: per step, the bytes that it writes and the sizes at which it was told that the disk is full."""
    report: dict[str, Any] = {"steps": {}, "failures": []}
    for step in ("index", "update"):
        STEPS[step][0](work / "documents")
        after = copy_folder(work / "before", work / "after")
        before_told = result_of(in_child(partial(_look, work, work / "before")))
        written = result_of(in_child(partial(_written, step, after, work / "documents")))
        after_told = result_of(in_child(partial(_look, work, after)))
        named = 0
        for room in (written * (2 * number + 1) // (2 * sizes) for number in range(sizes)):
            error, faults = _fill(step, room, work, [before_told, after_told])
            named += error.startswith(_NAMED)
            report["failures"] += [f"{step} with room for {room} of {written} bytes: {fault}" for fault in faults]
        report["steps"][step] = {"bytes": written, "sizes": sizes, "named": named}
        shutil.rmtree(work / "before", ignore_errors=True)
        after.rename(work / "before")
    return report


def _fill(step: str, room: int, work: Path, allowed: list[Any]) -> tuple[str, list[str]]:
    """What the step said where there was so much room, and what was wrong then and after it was done again."""
    documents = work / "documents"
    victim = copy_folder(work / "before", work / "victim")
    error = in_child(partial(_filled, step, victim, documents, room)).error
    faults = [f"said {error}"] if error and not error.startswith(_NAMED) else []
    if not error:  # what had no room was of no consequence, such as a checkpoint that comes later
        allowed = allowed[-1:]
        faults += result_of(in_child(partial(faults_of, victim)))
    if in_child(partial(_look, work, victim)).result not in allowed:
        faults.append("half a step")
    again = in_child(partial(STEPS[step][1], victim, documents))
    if again.error or again.signal:
        return error, [*faults, f"cannot be done again: {again.error or again.signal}"]
    if in_child(partial(_look, work, victim)).result != allowed[-1]:
        faults.append("done again it is not the same")
    return error, faults + result_of(in_child(partial(faults_of, victim)))


def _look(work: Path, place: Path) -> Any:
    return state(copy_folder(place, work / "look"))


def _written(step: str, place: Path, documents: Path) -> int:
    arm(place, room_bytes=_PLENTY)
    STEPS[step][1](place, documents)
    return _PLENTY - room_left()


def _filled(step: str, place: Path, documents: Path, room: int) -> None:
    arm(place, room_bytes=room)
    try:
        STEPS[step][1](place, documents)
    finally:
        disarm()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fill_everywhere(Path(sys.argv[1]), int(sys.argv[2]))))
