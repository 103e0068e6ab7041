"""Run something in a process of its own, forked from one that has imported everything and opened nothing."""

import ctypes
import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIMIT_S = 120


@dataclass(frozen=True)
class Ended:
    """How a child ended: what it gave, or the last line of its error, or the signal that ended it."""

    result: Any = None
    error: str = ""
    signal: int = 0


def in_child(work: Callable[[], Any]) -> Ended:
    """What `work` gives, which must be JSON, in a child of this process."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(_LIMIT_S)
        os.close(read)
        try:
            said = {"result": work()}
        except BaseException as error:  # noqa: BLE001 whatever it is, the parent is told
            said = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        disarm()
        with os.fdopen(write, "w") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return Ended(signal=os.WTERMSIG(status))
    said = json.loads(text)
    return Ended(said.get("result"), said.get("error", ""))


def arm(folder: Path, *, kill_at: int = 0, room_bytes: int = -1) -> None:
    """From now on, count this process's changes of files in `folder` (see `faults.c`)."""
    _faults().fault_arm(str(folder).encode(), ctypes.c_long(kill_at), ctypes.c_longlong(room_bytes))


def disarm() -> None:
    """Let everything pass again."""
    _faults().fault_disarm()


def changes_seen() -> int:
    """Changes since `arm`."""
    function = _faults().fault_seen
    function.restype = ctypes.c_long
    return int(function())


def room_left() -> int:
    """Bytes for which there still is room."""
    function = _faults().fault_room
    function.restype = ctypes.c_longlong
    return int(function())


def _faults() -> ctypes.CDLL:
    return ctypes.CDLL(None)
