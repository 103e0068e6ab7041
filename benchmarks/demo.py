"""What `make demo` runs: pull the models, index `examples/`, ask three questions; each phase with its time.

The documents do not answer the third question.
"""

import shlex
import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_AGENTKIT = str(Path(sys.executable).parent / "agentkit")
_STEPS = (
    ("models", ("models", "pull")),
    ("index", ("index", "examples", "--name", "examples")),
    ("first question", ("ask", "How much does the new sluice gate weigh?", "-i", "examples")),
    ("second question", ("ask", "Who was elected chair at the annual meeting in 2024?", "-i", "examples")),
    ("third question", ("ask", "What is the wifi password of the Old Customs House?", "-i", "examples")),
)


def main() -> int:
    times = []
    for phase, arguments in _STEPS:
        print(f"\n$ agentkit {shlex.join(arguments)}", flush=True)
        started = time.monotonic()
        code = _run(arguments)
        if code:
            return code
        times.append(f"{phase} {time.monotonic() - started:.1f} s")
    print(
        f"\nTimes: {', '.join(times)}\nNow your own: .venv/bin/agentkit index FOLDER, .venv/bin/agentkit ask QUESTION"
    )
    return 0


def _run(arguments: tuple[str, ...]) -> int:
    process = subprocess.Popen([_AGENTKIT, *arguments], cwd=_ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal told the command too; it ends in its own way


if __name__ == "__main__":
    sys.exit(main())
