"""A model's reply, read in a thread of its own: a limit or a cancel ends the wait for it at once.

A model can take long before its first piece comes: it reads its prompt, or a server does not answer. The thread that
is left behind stops at its next piece, which ends the generation of a local model.
"""

import contextvars
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Generic, TypeVar

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call

from agentkit.models.chat import replies_together

_POLL_S = 0.05
_Piece = TypeVar("_Piece")
_Found = TypeVar("_Found")


class ReplyReading(Generic[_Piece]):
    """Iterate over its chunks; then `is_whole` tells whether the reply came to its own end."""

    def __init__(self, start: Callable[[], Any], is_over: Callable[[], bool]) -> None:
        """Start the stream.

        Args:
            start: Gives the stream; Any, since LangChain types it as an iterator, which has no `close`.
            is_over: Whether to leave the rest; asked while it is waited for, too.
        """
        self.is_whole = False
        self._is_over = is_over
        self._chunks: queue.SimpleQueue[_Piece | BaseException | None] = queue.SimpleQueue()
        self._is_left = threading.Event()
        context = contextvars.copy_context()  # what callbacks and tracers of the caller hang on
        threading.Thread(target=context.run, args=(self._read, start), name="agentkit-reply", daemon=True).start()

    def __iter__(self) -> Iterator[_Piece]:
        """Raises what the model raises."""
        try:
            while not self._is_over():
                try:
                    chunk = self._chunks.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                if chunk is None:
                    self.is_whole = True
                    return
                if isinstance(chunk, BaseException):
                    raise chunk
                yield chunk
        finally:
            self._is_left.set()

    def _read(self, start: Callable[[], Any]) -> None:
        try:
            with closing(start()) as stream:
                for chunk in stream:
                    if self._is_left.is_set():
                        return
                    self._chunks.put(chunk)
            self._chunks.put(None)
        except BaseException as error:  # noqa: BLE001 handed over to the thread that waits
            self._chunks.put(error)


def awaited(work: Callable[[], _Found], is_over: Callable[[], bool]) -> _Found | None:
    """What `work`, which asks a model, gives; None where it is over before. Replies of a local model end then, too.

    Raises what `work` raises.
    """
    with replies_together() as replies:
        reading: ReplyReading[_Found] = ReplyReading(lambda: (work() for _ in range(1)), is_over)
    try:
        return next(iter(reading), None)
    finally:
        replies.cancel()


def whole_calls(reply: AIMessage) -> AIMessage:
    """The reply with only those calls whose arguments are whole JSON: a stream's partial ones count as invalid."""
    if not isinstance(reply, AIMessageChunk):  # a model that does not stream gives its message whole
        return reply
    calls, invalid = [], []
    known = {call["args"]: call["error"] for call in reply.invalid_tool_calls}
    for part in reply.tool_call_chunks:  # and not `reply.tool_calls`, in which partial ones were completed
        name, written, error = part["name"] or "", part["args"] or "{}", "its arguments are no JSON object"
        try:
            arguments = json.loads(written, strict=False)
        except (ValueError, RecursionError):
            arguments, error = None, "it was cut short"
        if isinstance(arguments, dict) and written not in known:
            calls.append(tool_call(name=name, args=arguments, id=part["id"]))
        else:
            error = known.get(written) or error
            invalid.append(invalid_tool_call(name=name, args=written, id=part["id"], error=error))
    return AIMessage(
        reply.content,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=reply.usage_metadata,
        response_metadata=reply.response_metadata,
    )
