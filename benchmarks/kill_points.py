"""Kill an index at two hundred of its changes of files, over index, update, delete, forget, rebuild, reembed, rechunk.

`python benchmarks/kill_points.py [POINTS]`: so many for each of the seven steps, 30 by default. After each kill the
index must hold what was acknowledged before the step, or all that the step makes; the step done again must give what it
gives undisturbed; `verify` must find nothing, and no byte of what is forgotten. How: `tests/faults/`.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults import run_campaign


def main(points: int) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        report = run_campaign("tests.faults.kills", Path(work), str(points), timeout_s=7200)
    print(f"{'step':10}{'changes of files':>18}{'killed at':>12}")
    for step, facts in report["steps"].items():
        print(f"{step:10}{facts['changes']:18}{facts['killed']:12}")
    killed = sum(facts["killed"] for facts in report["steps"].values())
    print(f"{killed} kills, {len(report['failures'])} failures, {time.monotonic() - started:.0f} s")
    print(*report["failures"], sep="\n")
    print(json.dumps(report))
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
