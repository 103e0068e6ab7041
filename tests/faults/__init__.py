"""Faults on purpose: a process that is killed at its n-th change of a file, and a disk that is full from a byte on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


def run_campaign(module: str, work: Path, *arguments: str, timeout_s: float) -> Any:  # Any: what the module reports
    """Run `python -m module work arguments` with `faults.c` preloaded; what it prints as JSON."""
    work.mkdir(parents=True, exist_ok=True)
    library = work / "faults.so"
    source = Path(__file__).with_name("faults.c")
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-D_FORTIFY_SOURCE=0"]
    subprocess.run(["gcc", *flags, "-o", str(library), str(source)], check=True, timeout=60)
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    finished = subprocess.run(
        [sys.executable, "-m", module, str(work), *arguments],
        env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=timeout_s,
    )  # fmt: skip
    return json.loads(finished.stdout)
