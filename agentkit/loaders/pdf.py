"""PDF to text, page by page, through pypdf (the only module that imports it).

`page_offsets` tell where each page starts in the text, so that a span of it has a page number. Scanned pages have no
text; a file of nothing else is refused and says so.
"""

import io
import logging
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from agentkit.errors import DocumentError
from agentkit.loaders.text import damage, normalize

if TYPE_CHECKING:
    from pypdf import PdfReader

_MOST_PAGES = 20_000
_PAGE_SEPARATOR = "\n\n"
_NO_TITLES = frozenset({"untitled", "(anonymous)", "anonymous", "none"})
"""What programs write where nobody gave a title."""


def load_pdf(path: Path) -> tuple[str, str, list[int]]:
    """Text, title ("" where there is none) and the offset in the text at which each page starts.

    Raises:
        DocumentError: not a PDF, damaged, encrypted with a password, or without a text layer.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # it reports every irregularity, some in 3,000 characters
    data = path.read_bytes()
    if b"%PDF" not in data[:1024]:
        raise DocumentError("not a PDF: it has no %PDF header")
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError("encrypted PDF: save a copy without its password")
        if len(reader.pages) > _MOST_PAGES:
            raise DocumentError(f"{len(reader.pages):,} pages, over the limit of {_MOST_PAGES:,}")
        pages = [normalize(page.extract_text()).strip() for page in reader.pages]
        title = _title(reader)
    except DocumentError:
        raise
    except DependencyError as error:
        raise DocumentError("encrypted PDF (AES): save a copy without encryption") from error
    except (PyPdfError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError,
            ArithmeticError, NotImplementedError, MemoryError, AssertionError, EOFError, StopIteration, struct.error,
            zlib.error) as error:  # fmt: skip
        # pypdf promises its own errors only; damaged files also raise these from deep inside it.
        raise damage("PDF", error) from error
    if not any(pages):
        raise DocumentError(f"PDF without a text layer ({len(pages)} scanned or empty pages): run OCR on it first")
    text, offsets = _join(pages)
    return text, title, offsets


def _title(reader: "PdfReader") -> str:
    title = str((reader.metadata.title if reader.metadata else None) or "").strip()
    return "" if title.lower() in _NO_TITLES else title


def _join(pages: list[str]) -> tuple[str, list[int]]:
    offsets, length = [], 0
    for page in pages:
        offsets.append(length)
        length += len(page) + len(_PAGE_SEPARATOR)
    return _PAGE_SEPARATOR.join(pages), offsets
