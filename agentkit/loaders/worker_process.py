"""What runs in the process of `LoadingWorker`: a line in is a path, its seconds and whether to use OCR; a line out is a
document or a reason.

Run as `python -m agentkit.loaders.worker_process BYTES [CHUNKING]`; BYTES is the memory it may take beyond what it
starts with. With a `Chunking` as JSON, a document comes with its chunks.
"""

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from agentkit.errors import DocumentError
from agentkit.loaders import ocr
from agentkit.loaders.chunking import Chunking
from agentkit.loaders.load import load_document, mistakes_named


def main(memory_bytes: int, chunking: Chunking | None = None) -> None:
    """Answers until its input ends. What parsers print goes nowhere."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(memory_bytes)
    _send(replies, {"is_ready": True})
    for line in sys.stdin.buffer:
        name, limit_s, reads_scans = json.loads(line)
        _limit_time(limit_s)
        with nullcontext() if reads_scans else ocr.put_off():
            reply = _reply(Path(os.fsdecode(bytes.fromhex(name))), chunking)
        _send(replies, reply)


def _reply(path: Path, chunking: Chunking | None) -> dict[str, object]:
    try:
        with mistakes_named():
            document = load_document(path)
            chunks = chunking.chunks(document) if chunking else ()
    except DocumentError as error:
        is_exhausted = isinstance(error.__cause__, MemoryError)
        return {"reason": str(error), "is_exhausted": is_exhausted, "is_passing": error.is_passing}
    spans = [(chunk.start, chunk.end, chunk.heading_path) for chunk in chunks]
    return {"text": document.page_content, "metadata": document.metadata, "chunks": spans}


def _send(replies: BinaryIO, reply: dict[str, object]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


def _limit_memory(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = Path("/proc/self/statm")
    taken = int(pages.read_text("ascii").split()[0]) * resource.getpagesize() if pages.exists() else 0
    limit = taken + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(limit_s: float) -> None:
    """Of the processor, so that a parser also ends where whoever asked was killed and does not watch the clock."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(time.process_time() + limit_s) + 2
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(Chunking.from_json, sys.argv[2:]))
