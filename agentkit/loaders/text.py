"""Plain text, Markdown and source code: bytes to text, with the encoding found out and binary refused."""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from agentkit.errors import DocumentError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64_000
_MOST_CONTROL_CHARACTERS = 0.01


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file and the name of its encoding. Line ends become line feeds; NULs, at which SQLite ends text,
    go.

    Raises:
        DocumentError: it is binary, empty, or in no encoding that can be told.
    """
    return decode(path.read_bytes())


def decode(data: bytes) -> tuple[str, str]:
    """As `read_text`, for bytes at hand."""
    if not data:
        raise DocumentError("empty file")
    text, encoding = _decode(data)
    text = normalize(text)
    if not text.strip():
        raise DocumentError("no text in it")
    return text, encoding


def normalize(text: str) -> str:
    """What every loader does to its text last: one kind of line end, no NULs, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _decode(data: bytes) -> tuple[str, str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strict(data, encoding), encoding
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)
    _refuse_binary(text)
    return text, "utf-8"


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"its byte order mark says {encoding}, but byte {error.start} is not valid in it"
        ) from error


def _guess(data: bytes) -> tuple[str, str]:
    """Neither UTF-8 nor marked: the likeliest encoding of a sample, if the text in it looks like text."""
    if b"\0" in data[:_SAMPLE_BYTES] and data[:_SAMPLE_BYTES].count(b"\0") < len(data[:_SAMPLE_BYTES]) // 4:
        raise DocumentError("binary file")
    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None:
        raise DocumentError("binary file, or text in an encoding that cannot be told")
    text = data.decode(best.encoding, "replace")
    _refuse_binary(text)
    return text, best.encoding


def _refuse_binary(text: str) -> None:
    sample = text[:_SAMPLE_BYTES]
    control = sum(character < " " and character not in "\t\n\r\f\x1b" for character in sample)
    if control > _MOST_CONTROL_CHARACTERS * len(sample):
        raise DocumentError("binary file")
