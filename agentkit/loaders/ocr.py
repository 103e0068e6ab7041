"""Text of pictures of pages, through the program tesseract where it is installed.

Languages are those of `AGENTKIT_OCR_LANGUAGES` (tesseract's own form, `eng+deu`), by default English.
"""

import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from agentkit.errors import DocumentError

if TYPE_CHECKING:
    from PIL.Image import Image

HOW_TO = "run OCR on it first, or install tesseract-ocr and pip install 'agentkit-local[ocr]'"
_LONGEST_PAGE_S = 60
_LANGUAGES = re.compile(r"[A-Za-z_]+(?:\+[A-Za-z_]+)*")


_is_put_off: ContextVar[bool] = ContextVar("is_put_off", default=False)


@contextmanager
def put_off() -> Iterator[None]:
    """Within it there is no OCR: it takes more time than reading does."""
    token = _is_put_off.set(True)
    try:
        yield
    finally:
        _is_put_off.reset(token)


def is_available() -> bool:
    """Whether there is a tesseract to ask, and a library to hand it pictures."""
    if _is_put_off.get() or shutil.which("tesseract") is None:
        return False
    try:
        import PIL  # noqa: F401
    except ImportError:
        return False
    return True


def read_picture(picture: "Image") -> str:
    """The text that a picture shows, empty where it shows none.

    Raises:
        DocumentError: tesseract fails or takes over a minute.
    """
    program = shutil.which("tesseract")
    languages = os.environ.get("AGENTKIT_OCR_LANGUAGES") or "eng"
    if program is None or not _LANGUAGES.fullmatch(languages):
        raise DocumentError(
            f"OCR cannot be done with the languages {languages!r}: write them as eng+deu", is_passing=True
        )
    data = io.BytesIO()
    picture.convert("L").save(data, "PNG")
    try:
        done = subprocess.run(  # noqa: S603  # a program of the system's, without a shell
            [program, "stdin", "stdout", "-l", languages], input=data.getvalue(), capture_output=True,
            timeout=_LONGEST_PAGE_S, check=False, env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"OCR of a page takes over {_LONGEST_PAGE_S} s", is_passing=True) from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[0][:120] if lines else f"tesseract ended with {done.returncode}"
        raise DocumentError(f"OCR failed: {reason}", is_passing=True)
    return done.stdout.decode("utf-8", "replace").replace("\f", "").strip()
