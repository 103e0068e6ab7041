"""What a tool prints is kept off our stdout and stderr, for its own thread alone, and goes to the log.

`contextlib.redirect_stdout` would silence every thread, and for as long as a tool hangs. So the two streams are
replaced by ones that look at the thread that writes, while at least one tool runs.
"""

import io
import logging
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LOG = logging.getLogger(__name__)
_MAX_KEPT_BYTES = 10_000
_STREAMS = ("stdout", "stderr")

_lock = threading.Lock()
_thread = threading.local()
_running = 0


class Silence:
    """Within the `with` block, what the current thread prints is logged at DEBUG instead."""

    def __init__(self, name: str) -> None:
        """`name`: of the tool, for the log."""
        self._name = name

    def __enter__(self) -> None:
        global _running  # noqa: PLW0603 sys.stdout is one for the process, and so is who replaces it
        self._outer = getattr(_thread, "printed", None)
        _thread.printed = io.TextIOWrapper(_Bounded(), "utf-8", errors="replace", write_through=True)
        with _lock:
            _running += 1
            for stream in _STREAMS:
                if not isinstance(getattr(sys, stream), _ByThread):
                    setattr(sys, stream, _ByThread(getattr(sys, stream)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _running  # noqa: PLW0603 see above
        stream = _thread.printed
        if self._outer is None:
            del _thread.printed
        else:
            _thread.printed = self._outer
        printed = "" if stream.closed else stream.buffer.getvalue().decode("utf-8", "replace")
        with _lock:
            _running -= 1
            for stream in _STREAMS:
                current = getattr(sys, stream)
                if not _running and isinstance(current, _ByThread):
                    setattr(sys, stream, current.original)
        if printed:
            _LOG.debug("the tool %s printed: %s", self._name, printed)


class _Bounded(io.BytesIO):
    """Keeps the beginning of what is written, since a tool may print without end."""

    def write(self, data: "Buffer", /) -> int:
        length = memoryview(data).nbytes
        if self.tell() < _MAX_KEPT_BYTES:
            super().write(data)
        return length


class _ByThread:
    """A stream that swallows what a silenced thread writes and is `original` to all others."""

    def __init__(self, original: TextIO) -> None:
        self.original = original

    def write(self, text: str) -> int:
        return self._target.write(text)

    def flush(self) -> None:
        self._target.flush()

    def isatty(self) -> bool:
        return self._target.isatty()

    @property
    def _target(self) -> TextIO:
        return cast("TextIO", getattr(_thread, "printed", self.original))  # a thread's local attributes have no type

    def __getattr__(self, name: str) -> Any:  # Any: what the stream has by that name
        return getattr(self._target, name)
