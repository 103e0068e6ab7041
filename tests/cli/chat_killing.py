"""Starts chats on a pseudo-terminal, one after another, types into them, and kills each at another moment.

`python -m tests.cli.chat_killing FOLDER COUNT`: the chat number N has FOLDER/N as its data and its current folder, and
what its terminal showed is in FOLDER/N/shown. They are forked, so that the modules are imported once for all.
"""

import os
import pty
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.cli.chat_doubles import chat

TURNS = 4
PROMPT = b"\x1b[?2004h"
"""What prompt_toolkit writes when it is ready for typing: bracketed paste on."""
_WAIT_S = 60


def live(folder: Path, replies: Path, *, kill_after: int | None) -> int:
    """One chat, killed when its terminal has shown so many bytes; gives how many it has shown."""
    folder.mkdir()
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ["AGENTKIT_DATA_DIR"] = str(folder)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, encoding="utf-8") for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        try:
            chat(replies, ["-T", "calculator"])
        finally:
            os._exit(0)
    shown, asked = b"", 0
    with suppress(OSError):  # the terminal's end
        while select.select([terminal], [], [], _WAIT_S)[0]:
            shown += os.read(terminal, 200)
            if kill_after is not None and len(shown) >= kill_after:
                break
            if shown.count(PROMPT) > asked:
                asked += 1
                os.write(terminal, f"question{asked}\r".encode() if asked <= TURNS else b"\x04")
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(terminal)
    (folder / "shown").write_bytes(shown)
    return len(shown)


if __name__ == "__main__":
    place, count = Path(sys.argv[1]), int(sys.argv[2])
    whole = live(place / "whole", place / "replies.json", kill_after=None)
    for number in range(count):
        live(place / str(number), place / "replies.json", kill_after=whole * (number + 1) // (count + 1))
