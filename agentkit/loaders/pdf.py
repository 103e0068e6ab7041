"""PDF to text, page by page, through pypdf (the only module that imports it).

`page_offsets` tell where each page starts in the text, so that a span of it has a page number. Scanned pages have no
text; a file of nothing else is refused and says so.
"""

import logging
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.text import normalize

_MOST_PAGES = 20_000
_PAGE_SEPARATOR = "\n\n"


def load_pdf(path: Path) -> tuple[str, str, list[int]]:
    """Text, title ("" where there is none) and the offset in the text at which each page starts.

    Raises:
        DocumentError: not a PDF, damaged, encrypted with a password, or without a text layer.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns on stderr about every small irregularity
    try:
        with path.open("rb") as file:
            if b"%PDF" not in file.read(1024):
                raise DocumentError("not a PDF: it has no %PDF header")
            reader = PdfReader(file, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise DocumentError("encrypted PDF: save a copy without its password")
            if len(reader.pages) > _MOST_PAGES:
                raise DocumentError(f"{len(reader.pages):,} pages, over the limit of {_MOST_PAGES:,}")
            pages = [normalize(page.extract_text()).strip() for page in reader.pages]
            title = str((reader.metadata.title if reader.metadata else None) or "").strip()
    except DocumentError:
        raise
    except (PyPdfError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError,
            ArithmeticError, NotImplementedError, MemoryError, AssertionError) as error:  # fmt: skip
        # pypdf promises its own errors only; damaged files also raise these from deep inside it.
        raise DocumentError(f"damaged PDF: {type(error).__name__}: {str(error).partition(chr(10))[0]}") from error
    if not any(pages):
        raise DocumentError(f"PDF without a text layer ({len(pages)} scanned or empty pages): run OCR on it first")
    text, offsets = _join(pages)
    return text, title, offsets


def _join(pages: list[str]) -> tuple[str, list[int]]:
    offsets, length = [], 0
    for page in pages:
        offsets.append(length)
        length += len(page) + len(_PAGE_SEPARATOR)
    return _PAGE_SEPARATOR.join(pages), offsets
