"""What happens to GGUF files that were damaged on purpose: each is loaded in a process of its own.

    python benchmarks/mutated_models.py [MODEL] [--count N] [--seed S]

A file may load, or end as a typed error. A process that dies of a signal is a fault, and is listed.
"""

import argparse
import collections
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from agentkit.models.store import ModelStore

_LOAD = """
import sys
from pathlib import Path
from agentkit.errors import AgentkitError
from agentkit.models.engine import GenerationRequest, LlamaEngine
try:
    with LlamaEngine(Path(sys.argv[1]), context_tokens=512) as engine:
        engine.generate(GenerationRequest(tuple(engine.vocabulary.tokenize("Hello")) or (1,), 2)).text()
except AgentkitError as error:
    sys.exit(f"{type(error).__name__}: {error}"[:200])
"""
_HEADER_BYTES = 3000
"""Where counts, keys and most small values stand."""


def main() -> None:
    options = _options()
    results: collections.Counter[str] = collections.Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            path = Path(folder) / "mutated.gguf"
            shutil.copyfile(ModelStore().path(options.model), path)
            how = mutate(path, random.Random(f"{options.seed}-{number}"))
            result = outcome(path)
            results[result.split(":")[0]] += 1
            if result.startswith("died"):
                faults.append((number, how, result))
    for result, count in results.most_common():
        print(f"{count:5}  {result}")
    for fault in faults:
        print(*fault)


def outcome(path: Path) -> str:
    """How loading the file and decoding two tokens ended."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", _LOAD, str(path)], capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return "died: no end within 120 s"
    if child.returncode < 0:
        return f"died: signal {-child.returncode}: {child.stderr[-300:]}"
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1]
        return last if "Error: " in last and "Traceback" not in child.stderr else f"died: {child.stderr[-300:]}"
    return "loaded"


def mutate(path: Path, rng: random.Random) -> str:
    """Damage the file in one of several ways; gives which."""
    size = path.stat().st_size
    kind = rng.choice(["truncated", "byte in the header", "bytes in the header", "byte in the metadata", "inserted"])
    with path.open("r+b") as file:
        if kind == "truncated":
            length = rng.choice([rng.randrange(64), rng.randrange(5000), rng.randrange(size)])
            file.truncate(length)
            return f"{kind} to {length}"
        reach = _HEADER_BYTES if "header" in kind else min(size, 2_000_000)
        places = [rng.randrange(4, reach) for _ in range(16 if kind == "bytes in the header" else 1)]
        for place in places:
            file.seek(place)
            file.write(rng.randbytes(8 if kind == "inserted" else 1))
        return f"{kind} at {places[:4]}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="smollm2-135m")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
