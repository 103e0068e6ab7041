"""Any file to one `Document`: the loader is chosen by suffix, and an unknown suffix is tried as plain text."""

import re
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document

from agentkit.errors import DocumentError
from agentkit.loaders.docx import load_docx
from agentkit.loaders.markup import load_html
from agentkit.loaders.pdf import load_pdf
from agentkit.loaders.records import load_csv, load_json
from agentkit.loaders.text import read_text

_LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "js", ".mjs": "js", ".jsx": "js", ".ts": "ts", ".tsx": "ts", ".go": "go",
    ".rs": "rust", ".java": "java", ".kt": "kotlin", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp",
    ".cs": "csharp", ".rb": "ruby", ".php": "php", ".swift": "swift", ".scala": "scala", ".lua": "lua", ".pl": "perl",
    ".sh": "shell", ".bash": "shell", ".sql": "sql", ".r": "r", ".jl": "julia", ".hs": "haskell", ".ex": "elixir",
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".ini": "ini", ".cfg": "ini", ".css": "css",
}  # fmt: skip
_PLAIN = frozenset({".txt", ".text", ".log", ".rst", ".adoc"})
_TITLE_LINES = 30


def load_document(path: Path) -> Document:
    """The text of a file as `page_content`, and what is known of it.

    Metadata: `title` (never empty), `format`; where they apply `encoding`, `language` (source code) and
    `page_offsets` (PDF: where each page starts in the text).

    Raises:
        DocumentError: the file cannot be turned into text; the message is one line that says why.
    """
    suffix = path.suffix.lower()
    try:
        return _LOADERS.get(suffix, _load_plain)(path)
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise DocumentError("too large for the memory there is") from error


def supported_suffixes() -> frozenset[str]:
    """Suffixes that have a loader of their own, such as `.pdf`; other text files are read as plain text."""
    return frozenset(_LOADERS) | _PLAIN


def _load_plain(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, path.stem, "text", encoding=encoding)


def _load_markdown(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, _markdown_title(text) or path.stem, "markdown", encoding=encoding)


def _load_html(path: Path) -> Document:
    text, title = load_html(path)
    return _document(text, title or _markdown_title(text) or path.stem, "html")


def _load_pdf(path: Path) -> Document:
    text, title, page_offsets = load_pdf(path)
    return _document(text, title or path.stem, "pdf", page_offsets=page_offsets)


def _load_docx(path: Path) -> Document:
    text, title = load_docx(path)
    return _document(text, title or _markdown_title(text) or path.stem, "docx")


def _load_csv(path: Path) -> Document:
    text, encoding = load_csv(path)
    return _document(text, path.stem, "csv", encoding=encoding)


def _load_json(path: Path) -> Document:
    text, encoding = load_json(path)
    return _document(text, path.stem, "json", encoding=encoding)


def _load_code(path: Path) -> Document:
    text, encoding = read_text(path)
    return _document(text, path.name, "code", encoding=encoding, language=_LANGUAGES[path.suffix.lower()])


def _document(text: str, title: str, form: str, **metadata: object) -> Document:
    return Document(page_content=text, metadata={"title": " ".join(title.split()), "format": form, **metadata})


def _markdown_title(text: str) -> str:
    """The front matter's title, or the first heading near the beginning."""
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if front and (named := re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", front[1], re.MULTILINE)):
        return named[1]
    head = "\n".join(text.split("\n", _TITLE_LINES)[:_TITLE_LINES])
    heading = re.search(r"^#{1,6}\s+(.+?)\s*#*$", head, re.MULTILINE)
    return heading[1] if heading else ""


_LOADERS: dict[str, Callable[[Path], Document]] = {
    **dict.fromkeys((".md", ".markdown"), _load_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _load_html),
    **dict.fromkeys((".csv", ".tsv"), _load_csv),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _load_json),
    **dict.fromkeys(_LANGUAGES, _load_code),
    ".pdf": _load_pdf,
    ".docx": _load_docx,
}
