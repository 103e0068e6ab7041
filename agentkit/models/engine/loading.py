"""Loading on a thread of its own, so that Ctrl-C ends it.

Python raises KeyboardInterrupt on the main thread, and where that is inside llama.cpp, in the log callback: ctypes can
only print an exception there and go on. So the main thread waits outside of llama.cpp, and can be interrupted.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Loaded = TypeVar("_Loaded")


def load_interruptibly(load: Callable[[threading.Event], _Loaded]) -> _Loaded:
    """What `load` gives. Where this is interrupted, the event given to `load` is set, and its end is waited for."""
    is_stopped = threading.Event()
    future: Future[_Loaded] = Future()

    def run() -> None:
        try:
            future.set_result(load(is_stopped))
        except BaseException as error:  # noqa: BLE001 whatever it is, it belongs to the thread that waits
            future.set_exception(error)

    thread = threading.Thread(target=run, name="agentkit-load", daemon=True)
    try:
        thread.start()
        return future.result()
    finally:
        is_stopped.set()
        if thread.is_alive():
            thread.join()
