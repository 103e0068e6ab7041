"""Archives (zip, tar and its compressed forms) to the text of their members, one after the other.

Nothing is unpacked under a name of the archive's choosing: a member is written to a temporary file that has only its
suffix from it, read by the loader of that suffix, and deleted. Archives inside of archives are not opened.
"""

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from langchain_core.documents import Document

from agentkit.errors import DocumentError
from agentkit.loaders.packages import DAMAGES, MOST_UNPACKED_BYTES, check_sizes
from agentkit.loaders.text import damage, normalize

_MOST_MEMBERS = 5000
_LARGEST_MEMBER = 50_000_000
_SEPARATOR = "\n\n"
_LONGEST_NAME = 200
_COMPRESSED = frozenset({".gz", ".bz2", ".xz"})
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".tgz", ".tbz2", ".txz"}) | _COMPRESSED

_MEMBER_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
_Member = tuple[str, Callable[[], bytes]]


def load_archive(
    path: Path, load: Callable[[Path], Document]
) -> tuple[str, list[dict[str, object]], list[dict[str, str]]]:
    """The members' text; of each the `name`, where its text starts (`offset`), and the metadata `load` gave; and of
    those that cannot be read the `name` and the `reason`.

    Hidden members are left out, and those whose path leads out of the archive.

    Raises:
        DocumentError: damaged, encrypted, unpacks to too much, too many members, or nothing in it can be read.
    """
    parts: list[dict[str, object]] = []
    skipped: list[dict[str, str]] = []
    texts: list[str] = []
    offset = 0
    try:
        for name, read in _members(path):
            try:
                document = _load_member(name, read, load)
            except DocumentError as error:
                skipped.append({"name": name[:_LONGEST_NAME], "reason": str(error)})
                continue
            parts.append({"name": name, "offset": offset, **document.metadata})
            texts.append(document.page_content)
            offset += len(document.page_content) + len(_SEPARATOR)
    except (tarfile.TarError, OSError, lzma.LZMAError, *DAMAGES) as error:
        raise damage("archive", error) from error
    if not parts:
        reason = "{name:.80}: {reason}".format(**skipped[-1]) if skipped else "it has no files"
        raise DocumentError(f"no file in the archive can be read: {reason}"[:_LONGEST_NAME])
    return _SEPARATOR.join(texts), parts, skipped


def _load_member(name: str, read: Callable[[], bytes], load: Callable[[Path], Document]) -> Document:
    own = PurePosixPath(name.replace("\\", "/"))
    if own.suffix.lower() in ARCHIVE_SUFFIXES:
        raise DocumentError("an archive inside of an archive")
    safe = own.suffix if own.suffix[1:].isalnum() and len(own.suffix) < 20 else ""
    with tempfile.TemporaryDirectory(prefix="agentkit-") as folder:
        file = Path(folder, Path(folder).name + safe)
        file.write_bytes(read())
        document = load(file)
    title = document.metadata["title"]
    shown = " ".join({file.name: own.name, file.stem: own.stem}.get(title, title).split()) or "untitled"
    return Document(document.page_content, metadata={**document.metadata, "title": shown[:_LONGEST_NAME]})


def _members(path: Path) -> Iterator[_Member]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _zip_members(path)
    is_tar = suffix not in _COMPRESSED or path.stem.lower().endswith(".tar")
    return _tar_members(path) if is_tar else _compressed_file(path)


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        check_sizes(members, "archive")
        _check_count(len(members))
        if members and all(member.flag_bits & 1 for member in members):
            raise DocumentError("encrypted archive: unpack it with its password")
        budget = [MOST_UNPACKED_BYTES]
        for member in members:
            if _is_read(member.filename):
                yield normalize(member.filename), partial(_zip_member, archive, member, budget)


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: list[int]) -> bytes:
    if member.flag_bits & 1:
        raise DocumentError("encrypted: unpack it with its password")
    _check_member(member.file_size)
    try:
        return _take(archive.open(member), budget)
    except _MEMBER_DAMAGES as error:  # the others stand by themselves, unlike those of a tar
        raise damage("file", error) from error


def _tar_members(path: Path) -> Iterator[_Member]:
    """Read as a stream: one pass, and a compressed archive is unpacked no further than the limit."""
    budget = [MOST_UNPACKED_BYTES]
    with tarfile.open(path, "r|*") as archive:
        for seen, member in enumerate(archive, start=1):
            _check_count(seen)
            if member.offset_data + member.size > MOST_UNPACKED_BYTES:
                raise DocumentError(f"archive that unpacks to over {MOST_UNPACKED_BYTES:,} bytes")
            file = archive.extractfile(member) if member.isreg() else None
            if file and _is_read(member.name):
                yield normalize(member.name), partial(_tar_member, file, member, budget)


def _tar_member(file: IO[bytes], member: tarfile.TarInfo, budget: list[int]) -> bytes:
    _check_member(member.size)
    return _take(file, budget)


def _compressed_file(path: Path) -> Iterator[_Member]:
    """A file that is compressed on its own: `notes.txt.gz`."""
    kinds = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile}
    file = cast("IO[bytes]", kinds[path.suffix.lower()](path))
    yield normalize(path.stem), partial(_take, file, [_LARGEST_MEMBER])


def _take(file: IO[bytes], budget: list[int]) -> bytes:
    """The content, taken off the `budget` of bytes that all members share: a header may lie about a size."""
    with file:
        data = file.read(budget[0] + 1)
    budget[0] -= len(data)
    if budget[0] < 0:
        raise ValueError("unpacks to more than 200 MB, or 50 MB where it holds one file")
    return data


def _is_read(name: str) -> bool:
    """As in folders, hidden files are not read, nor those of a Mac's resource forks."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    is_inside = ".." not in parts and not name.startswith(("/", "\\"))
    return is_inside and not any((part.startswith(".") and part != ".") or part == "__MACOSX" for part in parts)


def _check_member(size: int) -> None:
    if size > _LARGEST_MEMBER:
        raise DocumentError(f"over {_LARGEST_MEMBER:,} bytes")


def _check_count(count: int) -> None:
    if count > _MOST_MEMBERS:
        raise DocumentError(f"more than {_MOST_MEMBERS:,} files in the archive")
