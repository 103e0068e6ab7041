"""Any file to one `Document`: the loader is chosen by suffix, and an unknown suffix is tried as plain text.

`register_loader` gives a suffix to a loader from outside, such as one of LangChain's.
"""

import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from langchain_core.documents import Document

from agentkit.chunkers.markdown import front_matter_end, headings
from agentkit.chunkers.outlines import FIND_HEADINGS
from agentkit.errors import AgentkitError, DocumentError
from agentkit.loaders.archive import load_archive
from agentkit.loaders.docx import load_docx
from agentkit.loaders.epub import load_epub
from agentkit.loaders.formats import FORMATS, LANGUAGES, format_of, versioned_format
from agentkit.loaders.front_matter import front_matter
from agentkit.loaders.mail import load_eml, load_mbox
from agentkit.loaders.markup import load_html
from agentkit.loaders.notebook import load_notebook
from agentkit.loaders.opendocument import load_odt
from agentkit.loaders.pdf import load_pdf
from agentkit.loaders.records import load_csv, load_json
from agentkit.loaders.richtext import load_rtf
from agentkit.loaders.sheets import load_xlsx
from agentkit.loaders.slides import load_pptx
from agentkit.loaders.subtitles import load_subtitles
from agentkit.loaders.text import damage, normalize, read_text, refuse_long_lines
from agentkit.loaders.xml import load_xml
from agentkit.paths import StrPath

_HTML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE_CHARS = 4000
"""How far into a text its first heading is taken for the title."""
_LONGEST_TITLE = 200


def load_document(path: StrPath) -> Document:
    """The text of a file as `page_content`, and what is known of it.

    Metadata: `title` (never empty), `format`; where they apply `encoding`, `language` (source code), `page_offsets`
    (PDF: where each page starts in the text), `custom` (what the front matter says) and `skipped` (archives: `name` and
    `reason` of members that cannot be read).

    Raises:
        DocumentError: the file cannot be turned into text; the message is one line that says why.
    """
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError("not a regular file")
        if status.st_size == 0:
            raise DocumentError("empty file")
        return (_registered.get(path.suffix.lower()) or _LOADERS[format_of(path)])(path)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}", is_passing=True) from error
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error
    except MemoryError as error:
        raise DocumentError("too large for the memory there is") from error


@contextmanager
def mistakes_named() -> Iterator[None]:
    """A parser's mistake must not end a run of many files: whatever is raised inside is the file's reason.

    Raises:
        DocumentError: as inside, or for an exception that nobody thought of.
    """
    try:
        yield
    except AgentkitError:
        raise
    except Exception as error:
        raise DocumentError(f"cannot be parsed: {type(error).__name__}") from error


def supported_suffixes() -> frozenset[str]:
    """Suffixes that have a loader of their own, such as `.pdf`; other text files are read as plain text."""
    return frozenset(FORMATS) | frozenset(_registered)


def register_loader(suffix: str, load: Callable[[Path], Iterable[Document]], *, version: str = "") -> None:
    """Lets `load` read the files of a suffix, in this process, also where agentkit has a loader of its own.

    The documents that it gives are joined, with a blank line between them; the first one's `title` and `format` are
    kept. Any LangChain loader fits: `register_loader(".drawio", lambda path: SomeLoader(str(path)).lazy_load())`.

    An index reads its files of the suffix again where another loader than one from outside read them, or one that
    stated another `version`.

    Raises:
        ValueError: the suffix does not begin with a dot, or has a second one.
    """
    if not suffix.startswith(".") or len(suffix) < 2:
        raise ValueError(f"suffix {suffix!r} must begin with a dot, such as '.drawio'")
    if suffix.count(".") > 1:
        raise ValueError(f"suffix {suffix!r} must have one dot: loaders are chosen by what follows a name's last one")
    _registered[suffix.lower()] = partial(_load_registered, load)
    _stated_versions[suffix.lower()] = version


def is_registered(suffix: str) -> bool:
    """Whether the suffix has a loader from outside."""
    return suffix.lower() in _registered


def loader_of(path: Path) -> str:
    """What reads a file in this process, such as `html-2`: the name changes when the same file is read differently."""
    if is_registered(path.suffix):
        return f"{_FROM_OUTSIDE}-{_stated_versions.get(path.suffix.lower(), '')}".rstrip("-")
    return versioned_format(path)


def is_current(loader: str, path: Path) -> bool:
    """Whether a file that `loader` read would be read so now.

    What a loader from outside gave is not called outdated by a process that has none for the suffix: two programs that
    share an index would undo each other's work for ever.
    """
    is_from_outside = loader.partition("-")[0] == _FROM_OUTSIDE
    return loader == loader_of(path) or (is_from_outside and not is_registered(path.suffix))


def _load_registered(load: Callable[[Path], Iterable[Document]], path: Path) -> Document:
    try:
        documents = list(load(path))
    except DocumentError:
        raise
    except Exception as error:  # a third party's code: whatever it raises is the file's reason
        raise damage(f"{path.suffix} file", error) from error
    text = normalize("\n\n".join(document.page_content for document in documents))
    if not text.strip():
        raise DocumentError("no text in it")
    metadata = documents[0].metadata
    return _document(text, path, str(metadata.get("format") or "text"), title=str(metadata.get("title") or ""))


def _load_plain(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, path, "text", encoding=encoding)


def _load_markdown(path: Path) -> Document:
    text, encoding = read_text(path)
    custom = front_matter(text)
    title = custom.get("title") or _markdown_title(text)
    return _document(
        text, path, "markdown", title=str(title), encoding=encoding, **({"custom": custom} if custom else {})
    )


def _load_html(path: Path) -> Document:
    text, title, encoding = load_html(path)
    return _document(text, path, "html", title=title or _markdown_title(text), encoding=encoding)


def _load_pdf(path: Path) -> Document:
    with path.open("rb") as file:
        head = file.read(1024)
    if _HTML_START.match(head):  # what a shop's server sends instead of the file
        return _load_html(path)
    pdf = load_pdf(path)
    return _document(pdf.text, path, "pdf", title=pdf.title, page_offsets=pdf.page_offsets, outline=pdf.outline)


def _load_titled(load: Callable[[Path], tuple[str, str]], form: str, path: Path) -> Document:
    """Formats whose loader gives Markdown-flavoured text and a title."""
    text, title = load(path)
    return _document(text, path, form, title=title or _markdown_title(text))


def _load_outlined(path: Path) -> Document:
    text, encoding = read_text(path)
    form = format_of(path)
    title = next((heading.title for heading in FIND_HEADINGS[form](text[:_TITLE_CHARS]) if heading.title), "")
    return _document(text, path, form, title=title, encoding=encoding)


def _load_rtf(path: Path) -> Document:
    return _document(load_rtf(path), path, "rtf")


def _load_subtitles(path: Path) -> Document:
    text, encoding = load_subtitles(path)
    return _document(text, path, "subtitles", encoding=encoding)


def _load_xml(path: Path) -> Document:
    text, title = load_xml(path)
    return _document(text, path, "xml", title=title)


def _load_mbox(path: Path) -> Document:
    parts: list[dict[str, object]] = []
    texts, offset = [], 0
    for text, _ in load_mbox(path):
        parts.append({"offset": offset, "format": "mail"})
        texts.append(text)
        offset += len(text) + 2
    return _document("\n\n".join(texts), path, "mailbox", parts=parts)


def _load_archive(path: Path) -> Document:
    text, parts, skipped = load_archive(path, mistakes_named()(load_document))
    return _document(text, path, "archive", title=path.name, parts=parts, **({"skipped": skipped} if skipped else {}))


def _load_csv(path: Path) -> Document:
    text, encoding = load_csv(path)
    return _document(text, path, "csv", encoding=encoding)


def _load_json(path: Path) -> Document:
    text, encoding = load_json(path)
    return _document(text, path, "json", encoding=encoding)


def _load_code(path: Path) -> Document:
    language = LANGUAGES[path.suffix.lower()]
    text, encoding = read_text(path, declared=_coding_cookie(path) if language == "python" else "")
    return _document(text, path, "code", title=path.name, encoding=encoding, language=language)


def _document(text: str, path: Path, form: str, *, title: str = "", **metadata: object) -> Document:
    refuse_long_lines(text)
    shown = next(filter(None, (" ".join(normalize(name).split()) for name in (title, path.stem))), "untitled")
    return Document(page_content=text, metadata={"title": shown[:_LONGEST_TITLE], "format": form, **metadata})


def _markdown_title(text: str) -> str:
    """The front matter's title, or the first heading near the beginning."""
    start = front_matter_end(text)
    if named := re.search(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", text[:start], re.MULTILINE):
        return named[1]
    head = text[start : start + _TITLE_CHARS]
    return next((heading.title for heading in headings(head) if heading.title), "")


def _coding_cookie(path: Path) -> str:
    """The encoding that the first lines of a Python file declare (PEP 263)."""
    with path.open("rb") as file:
        found = re.search(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", file.read(400), re.MULTILINE)
    return found[1].decode("ascii", "replace") if found else ""


_LOADERS: dict[str, Callable[[Path], Document]] = {
    "text": _load_plain,
    "markdown": _load_markdown,
    "html": _load_html,
    "csv": _load_csv,
    "json": _load_json,
    "code": _load_code,
    "pdf": _load_pdf,
    "docx": partial(_load_titled, load_docx, "docx"),
    "pptx": partial(_load_titled, load_pptx, "pptx"),
    "xlsx": partial(_load_titled, load_xlsx, "xlsx"),
    "odt": partial(_load_titled, load_odt, "odt"),
    "epub": partial(_load_titled, load_epub, "epub"),
    "notebook": partial(_load_titled, load_notebook, "notebook"),
    "mail": partial(_load_titled, load_eml, "mail"),
    "mailbox": _load_mbox,
    "rtf": _load_rtf,
    "xml": _load_xml,
    "subtitles": _load_subtitles,
    **dict.fromkeys(("rst", "asciidoc", "latex"), _load_outlined),
    "archive": _load_archive,
}
_FROM_OUTSIDE = "outside"
_registered: dict[str, Callable[[Path], Document]] = {}
_stated_versions: dict[str, str] = {}
"""Suffix -> what whoever registered its loader says of its version."""
