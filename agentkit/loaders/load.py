"""Any file to one `Document`: the loader is chosen by suffix, and an unknown suffix is tried as plain text."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from agentkit.chunkers.markdown import front_matter_end, headings
from agentkit.errors import DocumentError
from agentkit.loaders.docx import load_docx
from agentkit.loaders.markup import load_html
from agentkit.loaders.pdf import load_pdf
from agentkit.loaders.records import load_csv, load_json
from agentkit.loaders.text import normalize, read_text

_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "js", ".mjs": "js", ".jsx": "js", ".ts": "ts", ".tsx": "ts", ".go": "go",
    ".rs": "rust", ".java": "java", ".kt": "kotlin", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp",
    ".cs": "csharp", ".rb": "ruby", ".php": "php", ".swift": "swift", ".scala": "scala", ".lua": "lua", ".pl": "perl",
    ".sh": "shell", ".bash": "shell", ".sql": "sql", ".r": "r", ".jl": "julia", ".hs": "haskell", ".ex": "elixir",
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".ini": "ini", ".cfg": "ini", ".css": "css",
}  # fmt: skip
_PLAIN = frozenset({".txt", ".text", ".log", ".rst", ".adoc"})
_TITLE_CHARS = 4000
"""How far into a text its first heading is taken for the title."""
_LONGEST_TITLE = 200


def load_document(path: Path) -> Document:
    """The text of a file as `page_content`, and what is known of it.

    Metadata: `title` (never empty), `format`; where they apply `encoding`, `language` (source code) and
    `page_offsets` (PDF: where each page starts in the text).

    Raises:
        DocumentError: the file cannot be turned into text; the message is one line that says why.
    """
    suffix = path.suffix.lower()
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError("not a regular file")
        if status.st_size == 0:
            raise DocumentError("empty file")
        return _LOADERS.get(suffix, _load_plain)(path)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error
    except MemoryError as error:
        raise DocumentError("too large for the memory there is") from error


def supported_suffixes() -> frozenset[str]:
    """Suffixes that have a loader of their own, such as `.pdf`; other text files are read as plain text."""
    return frozenset(_LOADERS) | _PLAIN


def _load_plain(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, path, "text", encoding=encoding)


def _load_markdown(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, path, "markdown", title=_markdown_title(text), encoding=encoding)


def _load_html(path: Path) -> Document:
    text, title, encoding = load_html(path)
    return _document(text, path, "html", title=title or _markdown_title(text), encoding=encoding)


def _load_pdf(path: Path) -> Document:
    text, title, page_offsets = load_pdf(path)
    return _document(text, path, "pdf", title=title, page_offsets=page_offsets)


def _load_docx(path: Path) -> Document:
    text, title = load_docx(path)
    return _document(text, path, "docx", title=title or _markdown_title(text))


def _load_csv(path: Path) -> Document:
    text, encoding = load_csv(path)
    return _document(text, path, "csv", encoding=encoding)


def _load_json(path: Path) -> Document:
    text, encoding = load_json(path)
    return _document(text, path, "json", encoding=encoding)


def _load_code(path: Path) -> Document:
    language = _LANGUAGES[path.suffix.lower()]
    text, encoding = read_text(path, declared=_coding_cookie(path) if language == "python" else "")
    return _document(text, path, "code", title=path.name, encoding=encoding, language=language)


def _document(text: str, path: Path, form: str, *, title: str = "", **metadata: object) -> Document:
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
    **dict.fromkeys((".md", ".markdown"), _load_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _load_html),
    **dict.fromkeys((".csv", ".tsv"), _load_csv),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _load_json),
    **dict.fromkeys(_LANGUAGES, _load_code),
    ".pdf": _load_pdf,
    ".docx": _load_docx,
}
