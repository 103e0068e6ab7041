"""Kill every step of an index's life at evenly spread changes of its files, and see what is left of the index.

`python -m tests.faults.kills WORK POINTS`, preloaded with `faults.c`, prints JSON. What was acknowledged before the
step must be there after the kill, or all that the step would have made; the step done again must give what it gives
undisturbed, with nothing for `verify` to find.
"""

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.children import Ended, arm, changes_seen, disarm, in_child
from tests.faults.story import STEPS, faults_of, state


def kill_everywhere(work: Path, points: int) -> dict[str, Any]:
    """Kill each step at `points` of its changes; the report."""
    report: dict[str, Any] = {"steps": {}, "failures": []}
    for step, (prepare, _) in STEPS.items():
        prepare(work / "documents")
        changes, killed, failures = _kill_step(step, work, points)
        report["steps"][step] = {"changes": changes, "killed": killed}
        report["failures"] += failures
        shutil.rmtree(work / "before", ignore_errors=True)
        (work / "after").rename(work / "before")
    return report


def _kill_step(step: str, work: Path, points: int) -> tuple[int, int, list[str]]:
    """How many changes the step makes, how many kills there were, and what was wrong after them."""
    documents = work / "documents"
    after = copy_folder(work / "before", work / "after")
    told_before = result_of(in_child(lambda: state(copy_folder(work / "before", work / "look"))))
    changes = result_of(in_child(lambda: _counted(step, after, documents)))
    told_after = result_of(in_child(lambda: state(copy_folder(after, work / "look"))))
    killed, failures = 0, []
    for point in _spread(changes, points):
        ended, faults = _kill(step, point, work, documents, [told_before, told_after])
        killed += ended.signal == signal.SIGKILL
        failures += [f"{step}, change {point} of {changes}: {fault}" for fault in faults]
    return changes, killed, failures


def _kill(step: str, point: int, work: Path, documents: Path, allowed: list[Any]) -> tuple[Ended, list[str]]:
    victim = copy_folder(work / "before", work / "victim")
    ended = in_child(lambda: _armed(step, victim, documents, kill_at=point))
    if ended.error:
        return ended, [f"the step failed: {ended.error}"]
    look = in_child(lambda: state(copy_folder(victim, work / "look")))
    faults = [] if look.result in allowed else [f"left half a step: {look.error or _difference(look.result, allowed)}"]
    again = in_child(lambda: _do(step, victim, documents))
    if again.error or again.signal:
        return ended, [*faults, f"cannot be done again: {again.error or again.signal}"]
    told = in_child(lambda: state(copy_folder(victim, work / "look")))
    if told.result != allowed[-1]:
        faults.append(f"done again it is not the same: {told.error or _difference(told.result, allowed[-1:])}")
    found = in_child(lambda: faults_of(victim))
    return ended, faults + (found.result if found.result is not None else [found.error or f"signal {found.signal}"])


def _counted(step: str, place: Path, documents: Path) -> int:
    _armed(step, place, documents, kill_at=0)
    return changes_seen()


def _armed(step: str, place: Path, documents: Path, *, kill_at: int) -> None:
    arm(place, kill_at=kill_at)
    _do(step, place, documents)
    disarm()


def _do(step: str, place: Path, documents: Path) -> None:
    STEPS[step][1](place, documents)


def _spread(changes: int, points: int) -> Iterator[int]:
    """Evenly over all changes, the first and the last among them."""
    count = min(points, changes)
    return iter(sorted({1 + round(at * (changes - 1) / max(1, count - 1)) for at in range(count)}))


def copy_folder(source: Path, target: Path) -> Path:
    """`target`, made anew as a copy of `source`, or not there where that is not."""
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)
    return target


def result_of(ended: Ended) -> Any:
    """What a child gave that had to come to its end."""
    if ended.error or ended.signal:
        raise RuntimeError(ended.error or f"signal {ended.signal}")
    return ended.result


def _difference(told: Any, allowed: list[Any]) -> str:
    nearest = allowed[-1] or {}
    return "; ".join(
        f"{key} {told[key]} not {nearest.get(key)}" for key in told or () if told[key] != nearest.get(key)
    )[:600]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(kill_everywhere(Path(sys.argv[1]), int(sys.argv[2]))))
