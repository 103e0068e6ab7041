"""Files are loaded in a process of their own, with a limit of memory and time; one process for many files.

PDF, Office files, archives, and markup and records that are large, are parsed by code that a hostile or damaged file
can keep busy for ever or make take all memory. A process that oversteps is killed, the file is named, and the next one
gets a new process. The process is started afresh (no fork: threads of torch do not survive one), speaks JSON Lines, and
imports neither torch nor Chroma. On Windows there is the limit of time only.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import psutil
from langchain_core.documents import Document

from agentkit.chunkers import Chunk
from agentkit.errors import DocumentError
from agentkit.loaders import ocr
from agentkit.loaders.archive import ARCHIVE_SUFFIXES
from agentkit.loaders.chunking import Chunking
from agentkit.loaders.load import is_registered, load_document, mistakes_named

_RISKY = ARCHIVE_SUFFIXES | {".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".epub", ".rtf", ".eml", ".mbox"}
_RISKY_IF_LARGE = frozenset({".xml", ".html", ".htm", ".xhtml", ".json", ".ipynb"})
_LARGE_BYTES = 1_000_000
_BASE_S = 8.0
_S_PER_MEGABYTE = 15.0
"""pypdf takes up to 10 s a megabyte on a slow core."""
_OCR_S = 60.0
_OCR_S_PER_MEGABYTE = 60.0
_MEMORY_BYTES = 900_000_000
"""Beyond what the process takes when it has started."""
_BUSY = 0.8
"""Of its time a parser computed: the file is what takes long, and not a machine or disk that had other things to do."""
_FAULTS = frozenset(
    -getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGXCPU")
    if hasattr(signal, name)
)
"""Ends that the same file would bring about again. SIGKILL is not one: the kernel sends it where memory is short."""


class LoadingWorker:
    """Loads documents as `load_document` does, the risky ones at arm's length. A context manager; not thread-safe.

    The process starts with the first file that it is to load (about a second) and ends with the context.
    """

    def __init__(
        self, *, chunking: Chunking | None = None, memory_bytes: int = _MEMORY_BYTES, base_s: float = _BASE_S
    ) -> None:
        """`base_s` is the time a file of no size may take; 15 s are added for each megabyte."""
        self._chunking = chunking
        self._memory_bytes = memory_bytes
        self._base_s = base_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, path: Path) -> Document:
        """As `load_document`.

        Raises:
            DocumentError: as there; or it took more time or memory than it may, or the parser crashed.
        """
        try:
            size = path.stat().st_size
        except OSError:  # load_document says why
            return load_document(path)
        if _is_risky(path, size):
            return _document(self._ask_process(path, size))
        with mistakes_named():
            return load_document(path)

    def load_chunks(self, path: Path) -> tuple[Document, list[Chunk]]:
        """A document and its chunks, both made in the process, so that this one is free. Needs `chunking`.

        Raises:
            DocumentError: as `load`.
        """
        if self._chunking is None:
            raise ValueError("a LoadingWorker without chunking cannot make chunks")
        if is_registered(path.suffix):
            with mistakes_named():
                document = load_document(path)
                return document, self._chunking.chunks(document)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise DocumentError(f"cannot be read: {error.strerror}", is_passing=True) from error
        reply = self._ask_process(path, size)
        document = _document(reply)
        text = document.page_content
        return document, [Chunk(at, end, text[at:end], tuple(names)) for at, end, names in reply["chunks"]]

    def close(self) -> None:
        """Ends the process, also while another thread waits for it; the next file would start another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ask_process(self, path: Path, size: int) -> dict[str, Any]:
        """The reply for a file. A scan, which is told by having no text, is asked for again with the time OCR takes."""
        limit_s = self._base_s + _S_PER_MEGABYTE * size / 1e6
        try:
            return self._reply(path, limit_s, reads_scans=False)
        except DocumentError as error:
            if not str(error).endswith(ocr.HOW_TO) or not ocr.is_available():
                raise
        return self._reply(path, limit_s + _OCR_S + _OCR_S_PER_MEGABYTE * size / 1e6, reads_scans=True)

    def _reply(self, path: Path, limit_s: float, *, reads_scans: bool) -> dict[str, Any]:
        process = self._started()
        began_s = _processor_s(process)
        computed_s: list[float] = []

        def stop() -> None:
            computed_s.append(_processor_s(process) - began_s)
            process.kill()

        clock = threading.Timer(limit_s, stop)
        clock.start()
        try:
            reply = _ask(process, path, limit_s, reads_scans=reads_scans)
        finally:
            clock.cancel()
            clock.join()
        if computed_s or not reply:  # killed, perhaps when the reply was just there
            self.close()
        if not reply:
            if computed_s:
                reason, recurs = f"not read within {limit_s:.0f} s", computed_s[0] >= _BUSY * limit_s
            else:
                reason, recurs = "its parser crashed, or took too much memory", process.returncode in _FAULTS
            raise DocumentError(reason, is_passing=True, recurs=recurs)
        if "reason" in reply:
            if reply.get("is_exhausted"):  # what is left after running out of memory is not to be trusted
                self.close()
            raise DocumentError(reply["reason"], is_passing=reply["is_passing"])
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # -P: the working directory may hold a file that is called like a module
            command = [sys.executable, "-P", "-m", "agentkit.loaders.worker_process", str(self._memory_bytes)]
            if self._chunking:
                command.append(self._chunking.to_json())
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
            if not _answer(self._process):
                self.close()
                raise DocumentError(
                    "the process that reads risky files did not start: see `agentkit doctor`", is_passing=True
                )
        return self._process


def _processor_s(process: subprocess.Popen[bytes]) -> float:
    """What a process and its children that ended have computed; 0 where it is gone."""
    try:
        return float(sum(psutil.Process(process.pid).cpu_times()[:4]))
    except psutil.Error:
        return 0.0


def _document(reply: dict[str, Any]) -> Document:
    return Document(page_content=reply["text"], metadata=reply["metadata"])


def _is_risky(path: Path, size: int) -> bool:
    suffix = path.suffix.lower()
    if is_registered(suffix):  # a loader that the other process does not know
        return False
    return suffix in _RISKY or (suffix in _RISKY_IF_LARGE and size > _LARGE_BYTES)


def _ask(process: subprocess.Popen[bytes], path: Path, limit_s: float, *, reads_scans: bool) -> dict[str, Any]:
    """The reply, or nothing where the process ended. The path goes as bytes: a name need not be valid Unicode."""
    line = json.dumps([os.fsencode(path.absolute()).hex(), limit_s, reads_scans]).encode() + b"\n"
    try:
        if process.stdin:
            process.stdin.write(line)
            process.stdin.flush()
    except OSError:
        return {}
    return _answer(process)


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout else b""
    reply = json.loads(line) if line.endswith(b"\n") else {}
    return reply if isinstance(reply, dict) else {}
