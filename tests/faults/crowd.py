"""Several processes at one index: a second writer is refused and told who writes, a reader sees whole syncs only.

`python -m tests.faults.crowd WORK ATTEMPTS`, preloaded with `faults.c` as the others are, prints JSON.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from agentkit import HashingEmbedder, Index, index_folder
from tests.faults.children import in_child
from tests.faults.kills import result_of
from tests.faults.story import ASKED, STEPS, hits_of, open_index, state

_SYNCS = 8


def crowd(work: Path, attempts: int) -> dict[str, Any]:
    documents, place = work / "documents", work / "index"
    prepare, sync = STEPS["index"]
    prepare(documents)
    result_of(in_child(lambda: sync(place, documents)))
    first = result_of(in_child(lambda: state(place)))
    return {"refused": _refusals(place, documents, attempts), **_reads(work, place, documents, first)}


def _refusals(place: Path, documents: Path, attempts: int) -> int:
    """How many writers are told the process that holds the index."""
    read, write = os.pipe()
    holder = os.fork()
    if not holder:
        with Index.open(place, embedder=HashingEmbedder(64)) as index, index.writer():
            os.write(write, b"x")
            time.sleep(600)
    os.read(read, 1)
    errors = [in_child(lambda: STEPS["index"][1](place, documents)).error for _ in range(attempts)]
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    in_child(lambda: STEPS["index"][1](place, documents))  # who was killed holds nothing any more
    return sum("IndexLockedError" in error and f"process {holder} " in error for error in errors)


def _reads(work: Path, place: Path, documents: Path, first: Any) -> dict[str, Any]:
    """Read all the time while another process syncs to and fro between two states."""
    other = work / "other"
    shutil.copytree(documents, work / "kept")
    STEPS["update"][0](documents)
    shutil.copytree(place, other)
    result_of(in_child(lambda: STEPS["update"][1](other, documents)))
    second = result_of(in_child(lambda: state(other)))
    shutil.copytree(documents, work / "changed")
    writer = os.fork()
    if not writer:
        with Index.open(place, embedder=HashingEmbedder(64)) as index:
            for number in range(_SYNCS):
                shutil.rmtree(documents)
                shutil.copytree(work / ("kept" if number % 2 else "changed"), documents)
                index_folder(index, [documents])
        os._exit(0)
    read = result_of(in_child(lambda: _read_until(writer, place, [first["hits"], second["hits"]])))
    os.waitpid(writer, 0)
    return dict(read)


def _read_until(writer: int, place: Path, states: list[dict[str, Any]]) -> dict[str, Any]:
    """Search until the process `writer` has ended: the searches that gave each of two states, and neither."""
    seen = [0, 0]
    half = []
    with open_index(place) as index:
        while Path(f"/proc/{writer}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            for asked in ASKED:
                hits = hits_of(index, asked)
                found = [hits == state[asked] for state in states]
                seen = [count + is_it for count, is_it in zip(seen, found, strict=True)]
                if not any(found):
                    half.append({asked: [hits, *(state[asked] for state in states)]})
    return {"reads of each state": seen, "half a sync": half}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(crowd(Path(sys.argv[1]), int(sys.argv[2]))))
