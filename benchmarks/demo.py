"""What `make demo` runs: pull the models, index `examples/`, ask three questions; each phase with its time.

The third question is one that the documents do not answer.
"""

import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_AGENTKIT = str(Path(sys.executable).parent / "agentkit")
_QUESTIONS: tuple[str, ...] = ()


def main() -> int:
    phases = []
    for title, arguments in _steps():
        print(f"\n$ agentkit {' '.join(arguments)}", flush=True)
        started = time.monotonic()
        finished = subprocess.run([_AGENTKIT, *arguments], cwd=_ROOT, check=False)
        phases.append((title, time.monotonic() - started))
        if finished.returncode:
            return finished.returncode
    print("\nTimes: " + ", ".join(f"{title} {seconds:.1f} s" for title, seconds in phases))
    return 0


def _steps() -> list[tuple[str, list[str]]]:
    asking = [
        (f"question {number}", ["ask", question, "-i", "examples", "-u"])
        for number, question in enumerate(_QUESTIONS, 1)
    ]
    return [("models", ["models", "pull"]), ("index", ["index", "examples", "--name", "examples"]), *asking]


if __name__ == "__main__":
    sys.exit(main())
