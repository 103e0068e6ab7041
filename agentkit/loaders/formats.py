"""The format of a file, by its suffix, and the version of what reads each format."""

from pathlib import Path

from agentkit.loaders.archive import ARCHIVE_SUFFIXES

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "js", ".mjs": "js", ".jsx": "js", ".ts": "ts", ".tsx": "ts",
    ".go": "go", ".rs": "rust", ".java": "java", ".kt": "kotlin", ".kts": "kotlin", ".c": "c", ".h": "c",
    ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".hh": "cpp", ".cs": "csharp", ".rb": "ruby",
    ".php": "php", ".swift": "swift", ".scala": "scala", ".lua": "lua", ".pl": "perl", ".sh": "shell",
    ".bash": "shell", ".sql": "sql", ".r": "r", ".jl": "julia", ".hs": "haskell", ".ex": "elixir", ".toml": "toml",
    ".yaml": "yaml", ".yml": "yaml", ".ini": "ini", ".cfg": "ini", ".css": "css",
}  # fmt: skip
"""Suffix -> language of source code."""

FORMATS = {
    **dict.fromkeys((".txt", ".text", ".log"), "text"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys(LANGUAGES, "code"),
    ".pdf": "pdf", ".docx": "docx", ".pptx": "pptx", ".xlsx": "xlsx", ".odt": "odt", ".epub": "epub",
    ".ipynb": "notebook", ".eml": "mail", ".mbox": "mailbox", ".rtf": "rtf", ".xml": "xml", ".rst": "rst",
    **dict.fromkeys((".srt", ".vtt"), "subtitles"),
    **dict.fromkeys((".adoc", ".asciidoc"), "asciidoc"),
    **dict.fromkeys((".tex", ".latex"), "latex"),
    **dict.fromkeys(ARCHIVE_SUFFIXES, "archive"),
}  # fmt: skip
"""Suffix -> format. Files of other suffixes are tried as text."""

VERSIONS = {
    "text": 1, "markdown": 1, "html": 2, "csv": 1, "json": 1, "code": 1, "pdf": 1, "docx": 1, "pptx": 1, "xlsx": 1,
    "odt": 1, "epub": 2, "notebook": 1, "mail": 2, "mailbox": 2, "rtf": 1, "xml": 2, "subtitles": 1, "rst": 1,
    "asciidoc": 1, "latex": 1, "archive": 1,
}  # fmt: skip
"""Format -> a number that is raised whenever the same file would give another text, other metadata or another refusal:
an index reads its files of that format again. `tests/unit/loaders/test_versions.py` reminds of it."""


def format_of(path: Path) -> str:
    """The format that a file is read as."""
    return FORMATS.get(path.suffix.lower(), "text")


def versioned_format(path: Path) -> str:
    """The format and its version, such as `html-2`. An archive counts all versions: its members are of any format."""
    form = format_of(path)
    return f"{form}-{sum(VERSIONS.values()) if form == 'archive' else VERSIONS[form]}"
