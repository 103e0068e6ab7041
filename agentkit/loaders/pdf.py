"""PDF to text, page by page, through pypdf (the only module that imports it).

`page_offsets` tell where each page starts in the text, so that a span of it has a page number; the outline tells under
which headings it stands. The values of a form's fields follow the last page. Scanned pages have no text; a file of
nothing else is refused and says so.
"""

import io
import logging
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import ContextDecorator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentkit.errors import DocumentError
from agentkit.loaders import ocr
from agentkit.loaders.pdf_pages import page_text, with_whole_words, without_running_lines
from agentkit.loaders.text import SOFT_HYPHEN, damage, normalize

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_MOST_PAGES = 20_000
_PAGE_SEPARATOR = "\n\n"
_DEEPEST_OUTLINE = 20
_MOST_ENTRIES = 20_000
_LONGEST_TITLE = 200
_PRINTED = str.maketrans({
    "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st",
    SOFT_HYPHEN: "-",
})  # fmt: skip
_NO_TITLES = frozenset({"untitled", "(anonymous)", "anonymous", "none"})
"""What programs write where nobody gave a title."""


@dataclass(frozen=True, slots=True)
class PdfText:
    """What a PDF holds."""

    text: str
    title: str
    """"" where there is none."""
    page_offsets: list[int]
    """Where each page starts in the text."""
    outline: list[tuple[int, int, str]]
    """Offset, level (from 1) and title of each heading that the outline names; offsets ascend."""


class _Silence(ContextDecorator):
    """Nothing of pypdf's log, in which it reports every irregularity, some in 3,000 characters; as long as one thread
    or more is inside, so that a program hears what pypdf says of its own files.
    """

    def __init__(self) -> None:
        self._logger = logging.getLogger("pypdf")
        self._lock = threading.Lock()
        self._inside = 0
        self._level = logging.NOTSET

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._level = self._logger.level
                self._logger.setLevel(logging.CRITICAL + 1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._logger.setLevel(self._level)


pypdf_silence = _Silence()


@pypdf_silence
def load_pdf(path: Path) -> PdfText:
    """The text of a PDF.

    Raises:
        DocumentError: not a PDF, damaged, encrypted with a password, or without a text layer.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    data = path.read_bytes()
    if b"%PDF" not in data[:1024]:
        raise DocumentError("not a PDF: it has no %PDF header")
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError("encrypted PDF: save a copy without its password")
        if (count := _stated_pages(reader) or len(reader.pages)) > _MOST_PAGES:
            raise DocumentError(f"{count:,} pages, over the limit of {_MOST_PAGES:,}")
        pages = [_in_letters(page_text(page)) for page in reader.pages]
        is_scan = not any(pages) and ocr.is_available()
        if is_scan:
            pages = [normalize(_read_scan(page)) for page in reader.pages]
        pages = with_whole_words(without_running_lines(pages))
        if pages and (values := _form_values(reader)):
            pages[-1] = f"{pages[-1]}\n\n{values}".strip()
        title, entries = _title(reader), _outline(reader)
    except DocumentError:
        raise
    except DependencyError as error:
        raise DocumentError(
            "encrypted PDF (AES): pip install cryptography, or save a copy without encryption"
        ) from error
    except (PyPdfError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError,
            ArithmeticError, NotImplementedError, MemoryError, AssertionError, EOFError, StopIteration, struct.error,
            zlib.error) as error:  # fmt: skip
        # pypdf promises its own errors only; damaged files also raise these from deep inside it.
        raise damage("PDF", error) from error
    if not any(pages):
        advice = "OCR finds no text on them" if is_scan else ocr.HOW_TO
        raise DocumentError(f"PDF without a text layer ({len(pages)} scanned or empty pages): {advice}")
    text, offsets = _join(pages)
    return PdfText(text, title, offsets, _placed(entries, text, offsets))


def _in_letters(page: str) -> str:
    """The text of a page without signs of printing: ligatures, and soft hyphens, which show where a word is broken."""
    return normalize(page).replace(f"{SOFT_HYPHEN}\n", "").translate(_PRINTED).strip()


def _read_scan(page: "PageObject") -> str:
    """The text of a page's pictures, turned as the page is."""
    turned = (image.image.rotate(-page.rotation, expand=True) for image in page.images if image.image)
    return "\n\n".join(filter(None, map(ocr.read_picture, turned)))


def _stated_pages(reader: "PdfReader") -> int:
    """How many pages the file says it has, where that is over the limit: to count a hundred thousand takes long."""
    pages = reader.root_object.get("/Pages")
    count = pages.get_object().get("/Count") if pages is not None else 0
    return int(count) if isinstance(count, int) and count > _MOST_PAGES else 0


def _title(reader: "PdfReader") -> str:
    title = str((reader.metadata.title if reader.metadata else None) or "").strip()
    return "" if title.lower() in _NO_TITLES else title


def _join(pages: list[str]) -> tuple[str, list[int]]:
    offsets, length = [], 0
    for page in pages:
        offsets.append(length)
        length += len(page) + len(_PAGE_SEPARATOR)
    return _PAGE_SEPARATOR.join(pages), offsets


def _form_values(reader: "PdfReader") -> str:
    """`field: value` lines of the fields that are filled in."""
    values = {name: field.get("/V") for name, field in (reader.get_fields() or {}).items()}
    shown = {name: " ".join(normalize(str(value)).split()) for name, value in values.items() if value is not None}
    return "\n".join(f"{normalize(name)}: {value.removeprefix('/')}" for name, value in shown.items() if value)


def _outline(reader: "PdfReader") -> list[tuple[int, int, str]]:
    """Page (from 0), level and title of the outline's entries; none where it is damaged: the text is what counts."""
    try:
        return list(_entries(reader, reader.outline, 1))
    except Exception as error:  # noqa: BLE001  # pypdf raises a dozen kinds for a damaged outline
        logging.getLogger(__name__).debug("outline left out: %s", type(error).__name__)
        return []


def _entries(reader: "PdfReader", outline: Any, level: int) -> Iterator[tuple[int, int, str]]:
    """`outline` is pypdf's own shape: entries, and after an entry the list of those below it."""
    for entry in outline:
        if isinstance(entry, list):
            if level < _DEEPEST_OUTLINE:
                yield from _entries(reader, entry, level + 1)
            continue
        page = reader.get_destination_page_number(entry)
        title = " ".join(normalize(str(entry.title or "")).split())[:_LONGEST_TITLE]
        if page is not None and page >= 0 and title:
            yield page, level, title


def _placed(entries: list[tuple[int, int, str]], text: str, page_offsets: list[int]) -> list[tuple[int, int, str]]:
    """Entries at the line of their page that is their title, else at one that begins with it; at the page's start where
    there is none.
    """
    placed, at = [], 0
    for page, level, title in entries[:_MOST_ENTRIES]:
        if page >= len(page_offsets):
            continue
        end = page_offsets[page + 1] if page + 1 < len(page_offsets) else len(text)
        words = r"\s+".join(re.escape(word) for word in title.split())
        lines = (rf"^(?:[\d.]+\s+)?{words}{behind}" for behind in (r"[ \t]*$", r"(?!\w)"))
        patterns = (re.compile(line, re.MULTILINE | re.IGNORECASE) for line in lines)
        begin = max(at, page_offsets[page])
        found = next(filter(None, (pattern.search(text, begin, end) for pattern in patterns)), None)
        start = found.start() if found else page_offsets[page]
        if start >= at:
            placed.append((start, level, title))
            at = start
    return placed
