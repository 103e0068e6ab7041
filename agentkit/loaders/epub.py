"""EPUB to Markdown-flavoured text: the chapters in reading order, each read as the HTML that it is.

EPUB 3.3 (https://www.w3.org/TR/epub-33/): `container.xml` names the package file, whose spine is the order. Left out:
the navigation document, and books that are locked by their shop (DRM).
"""

import posixpath
import warnings
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from agentkit.errors import DocumentError
from agentkit.loaders.markup import html_document
from agentkit.loaders.packages import DAMAGES, check_package, local_name, parse_xml, read_member
from agentkit.loaders.text import damage, normalize

_CONTAINER = "META-INF/container.xml"
_MOST_CHAPTERS = 5000


def load_epub(path: Path) -> tuple[str, str]:
    """Text and title ("" where there is none).

    Raises:
        DocumentError: not an EPUB, locked, damaged, a zip bomb, or without text.
    """
    from lxml.etree import LxmlError

    try:
        check_package(path, "EPUB", _CONTAINER)
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile's, of members of one name
            root = parse_xml(read_member(archive, _CONTAINER))
            package = next(e.get("full-path") for e in root.iter() if local_name(e) == "rootfile")
            opf = parse_xml(read_member(archive, package))
            names = set(archive.namelist())
            chapters = [name for name in _spine(opf, posixpath.dirname(package)) if name in names]
            if chapters and _is_locked(archive, chapters[0]):
                raise DocumentError("locked EPUB (DRM): only its own reader can open it")
            texts = [_chapter(read_member(archive, name)) for name in chapters[:_MOST_CHAPTERS]]
    except StopIteration as error:
        raise DocumentError("not an EPUB: its container names no package file") from error
    except (LxmlError, *DAMAGES) as error:
        raise damage("EPUB", error) from error
    text = normalize("\n\n".join(filter(None, texts)))
    if not text.strip():
        raise DocumentError("no text in it")
    return text, next((e.text or "" for e in opf.iter() if local_name(e) == "title"), "").strip()


def _spine(opf: Any, folder: str) -> list[str]:
    """Names of the chapters' members in reading order (lxml has no types for its elements)."""
    items = {e.get("id"): e for e in opf.iter() if local_name(e) == "item"}
    order = [items.get(e.get("idref")) for e in opf.iter() if local_name(e) == "itemref"]
    read = [e for e in order if e is not None and "nav" not in (e.get("properties") or "").split()]
    names = [posixpath.normpath(posixpath.join(folder, unquote(e.get("href") or ""))) for e in read]
    return list(dict.fromkeys(names))


def _is_locked(archive: zipfile.ZipFile, chapter: str) -> bool:
    name = "META-INF/encryption.xml"
    return name in archive.namelist() and chapter.encode() in read_member(archive, name)


def _chapter(data: bytes) -> str:
    """A cover or a page of pictures has no text."""
    try:
        return html_document(data)[0]
    except DocumentError:
        return ""
