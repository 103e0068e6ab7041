"""Plain text, Markdown and source code: bytes to text, with the encoding found out and binary refused.

Encodings of seven bits first, where they are declared or their escape sequences tell them; then UTF-8, since text that
is valid UTF-8 by chance hardly exists; then what the file declares; then a guess. A guess is made from the lines that
are not ASCII, wherever in the file they stand.
"""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from agentkit.errors import DocumentError
from agentkit.loaders.alphabets import latin_encoding

SOFT_HYPHEN = "\u00ad"
"""Where a word may be broken; it shows nothing elsewhere, and would make two words of one in a search."""
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "iso8859_5", "koi8_r",
    "cp874", "cp932", "euc_jp", "gb18030", "big5", "cp949",
]  # fmt: skip
"""Encodings that files are found in. With all that Python has, a short text is taken for one of 1980."""
_SEVEN_BITS = {"hz": "hz", "utf-7": "utf-7", "iso2022_kr": "iso2022_kr", "iso2022_jp": "iso2022_jp_ext"}
"""Encodings whose bytes are ASCII, and what reads them: Japanese mail holds more than its encoding allows."""
_JAPANESE_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\(J)")
_SAMPLE_BYTES = 64_000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters below the space that no text holds: not tab, the line ends, form feed and the escape of terminals."""
_INLINED = re.compile(r"(data:[\w/+.-]{1,100}(?:;[\w=.-]{1,100}){0,3};base64,)[A-Za-z0-9+/=_%-]{100,}")
"""A picture or a font within a text, in letters."""
_MOST_CONTROL_CHARACTERS = 0.01
_LONGEST_REASON = 160
_LONGEST_LINE = 5_000_000
"""Characters. Nobody has written that; it would be thousands of passages of no use."""


def read_text(path: Path, *, declared: str = "") -> tuple[str, str]:
    r"""The text of a file and the name of its encoding. Line ends become `\n`; NULs, which SQLite ends text at, go, and
    so do the letters that inlined pictures are made of (`data:image/png;base64,…`), which are thousands of passages.

    `declared` is the encoding that the file says it has, used where the bytes are not UTF-8, or are ASCII and it is one
    of seven bits.

    Raises:
        DocumentError: it is binary, empty, or in no encoding that can be told.
    """
    return decode(path.read_bytes(), declared=declared)


def decode(data: bytes, *, declared: str = "") -> tuple[str, str]:
    """As `read_text`, for bytes at hand."""
    if not data:
        raise DocumentError("empty file")
    text, encoding = _decode(data, declared)
    _refuse_binary(text)
    text = _INLINED.sub(r"\1…", normalize(text))
    if not text.strip():
        raise DocumentError("no text in it")
    return text, encoding


def refuse_long_lines(text: str) -> None:
    """For what a file becomes: all of a page or of a JSON file may stand on one line of it.

    Raises:
        DocumentError: a line is longer than anybody writes.
    """
    if len(text) > _LONGEST_LINE and (longest := max(map(len, text.split("\n")))) > _LONGEST_LINE:
        raise DocumentError(f"a line of {longest:,} characters: data rather than text")


def codec_name(declared: str) -> str:
    """Python's name of an encoding; "" for an unknown one, and for ASCII, which says nothing of what is not ASCII.

    Latin-1 means Windows-1252, as browsers take it (https://encoding.spec.whatwg.org).
    """
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        return ""
    return {"iso8859-1": "cp1252", "ascii": ""}.get(name, name)


def normalize(text: str) -> str:
    """What every loader does to its text last: one kind of line end, no NULs, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def damage(kind: str, error: Exception) -> DocumentError:
    """A third party's exception as a reason of one short line."""
    detail = " ".join(normalize(str(error)).split())
    return DocumentError(f"damaged {kind}: {type(error).__name__}{': ' if detail else ''}{detail}"[:_LONGEST_REASON])


def _decode(data: bytes, declared: str) -> tuple[str, str]:
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), "")
    if encoding := marked or _unmarked_utf16(data):
        return _strict(data, encoding), encoding
    declared = codec_name(declared)
    if data.isascii() and (encoding := _seven_bits(data, declared)):
        return data.decode(encoding, "replace"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    if _is_damaged_utf8(text):
        return text, "utf-8"
    try:
        return data.decode(declared), declared
    except (LookupError, ValueError):  # none declared, none of text, or a wrong one
        return _guess(data)


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"it begins like {encoding}, but byte {error.start} is not valid in it") from error


def _unmarked_utf16(data: bytes) -> str:
    """Every other byte of Western text in UTF-16 is NUL; "" where that is not so."""
    sample = data[:_SAMPLE_BYTES]
    even, odd, half = sample[0::2].count(0), sample[1::2].count(0), len(sample) // 2
    if odd > half * 0.3 and even < half * 0.02:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.3 and odd < half * 0.02 else ""


def _seven_bits(data: bytes, declared: str) -> str:
    """The encoding of bytes that are ASCII where they mean more; else ""."""
    if _JAPANESE_ESCAPE.search(data):
        return _SEVEN_BITS["iso2022_jp"]
    try:
        data.decode(_SEVEN_BITS.get(declared, ""))
    except (LookupError, ValueError):
        return ""
    return _SEVEN_BITS[declared]


def _is_damaged_utf8(text: str) -> bool:
    """A few bad bytes in much good UTF-8: a log that was cut, or one line of another encoding."""
    bad = text.count("\ufffd")
    return len(text.encode()) - len(text) - 2 * bad >= 4 * bad  # bytes that only well-formed sequences account for


def _guess(data: bytes) -> tuple[str, str]:
    """The likeliest encoding of the lines that are not ASCII."""
    if b"\0" in data:
        raise DocumentError("binary file")
    sample = _telling_sample(data)
    matches = from_bytes(sample, cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is None:
        raise DocumentError("binary file, or text in an encoding that cannot be told")
    names = [best.encoding, *(match.encoding for match in matches)]
    western = max((match.coherence for match in matches if match.encoding == "cp1252"), default=0.0)
    if western >= best.coherence and sum(byte > 127 for byte in sample) < 0.4 * len(sample):
        names.insert(0, "cp1252")  # its language cannot be told and most of it is ASCII: what browsers take, then
    for name in (latin_encoding(sample, names[0]), *names):
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    return data.decode(best.encoding, "replace"), best.encoding


def _telling_sample(data: bytes) -> bytes:
    """Lines that are not ASCII, cut where no character of several bytes can be cut."""
    lines, size = [], 0
    for line in data.split(b"\n"):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size >= _SAMPLE_BYTES:
                break
    sample = b"\n".join(lines)
    space = sample.find(b" ", _SAMPLE_BYTES)
    return sample if space < 0 else sample[:space]


def _refuse_binary(text: str) -> None:
    sample = text[:_SAMPLE_BYTES]
    if len(_CONTROL.findall(sample)) > max(1, _MOST_CONTROL_CHARACTERS * len(sample)):
        raise DocumentError("binary file")
