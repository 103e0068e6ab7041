"""What a vector store's files were when it was closed: read before Chroma is let near them.

Chroma (1.5) answers from a spoilt HNSW file as if nothing were wrong, or ends the process with a segmentation fault.
`chroma.sqlite3` is left out: Chroma touches it whenever it opens a store, and SQLite notices damage by itself. So are
HNSW files without an `index_metadata.pickle` beside them: Chroma makes those anew from its log.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentkit.indexes.sqlite_errors import full_disk_named

_NAME = "manifest.json"
_PERSISTED = "index_metadata.pickle"
_BLOCK_BYTES = 1 << 20


def write_manifest(directory: Path, generation: str) -> None:
    """Remember the files of a store that was just closed, and the generation of the catalog that it belongs to."""
    files = {
        path.relative_to(directory).as_posix(): [path.stat().st_size, path.stat().st_mtime_ns, _digest(path)]
        for path in _persisted_files(directory)
    }
    with full_disk_named(directory):
        (directory / _NAME).write_text(json.dumps({"generation": generation, "files": files}), "utf-8")


def forget_manifest(directory: Path) -> None:
    """From now on the store is not known to be sound."""
    (directory / _NAME).unlink(missing_ok=True)


def manifest_problem(directory: Path, generation: str) -> str:
    """What is wrong with the files, in words; empty where nothing is. A file of the same stamp is not read."""
    return _problem(directory, generation, reads_all=False)


def manifest_problem_by_content(directory: Path, generation: str) -> str:
    """As `manifest_problem`, and every file is read."""
    return _problem(directory, generation, reads_all=True)


def _problem(directory: Path, generation: str, *, reads_all: bool) -> str:
    try:
        manifest: dict[str, Any] = json.loads((directory / _NAME).read_text("utf-8"))
        remembered: dict[str, list[Any]] = dict(manifest["files"])
        if manifest["generation"] != generation:
            return f"{directory} belongs to another state of the catalog"
        found = (_file_problem(directory / name, *facts, reads_all=reads_all) for name, facts in remembered.items())
        return next(filter(None, found), "")
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{directory / _NAME} cannot be read ({type(error).__name__})"


def _file_problem(path: Path, size: int, mtime_ns: int, digest: str, *, reads_all: bool) -> str:
    status = path.stat()
    if status.st_size != size:
        return f"{path} has {status.st_size} bytes instead of {size}"
    if (reads_all or status.st_mtime_ns != mtime_ns) and _digest(path) != digest:
        return f"{path} is not what was written"
    return ""


def _persisted_files(directory: Path) -> Iterator[Path]:
    for folder in sorted(path.parent for path in directory.glob(f"*/{_PERSISTED}")):
        yield from sorted(path for path in folder.iterdir() if path.is_file())


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
