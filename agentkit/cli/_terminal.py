"""What may reach a terminal, and what the terminal can do.

Text of documents, file names and model output is data. A terminal obeys control characters in it (move the cursor,
retitle the window, answer back as if typed), and bidirectional controls make it show another text than there is
("Trojan Source", CVE-2021-42574). Each such character is replaced by a visible one, singly, so that it makes no
difference how a text is cut into pieces on its way.
"""

import codecs
import errno
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LINE_SEPARATORS = "\u2028\u2029"
_SURROGATES = "\ud800-\udfff"
_UNSAFE_IN_JSON = re.compile(f"[\x7f-\x9f{_BIDI}{_LINE_SEPARATORS}{_SURROGATES}]")

_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20)},  # Unicode's pictures of the control characters
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    **{ord(mark): _REPLACEMENT for mark in _BIDI + _LINE_SEPARATORS},
    **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT),
    ord("\t"): " ",
    ord("\r"): " ",
}
_VISIBLE_LINE = {**_VISIBLE, ord("\n"): "\N{SYMBOL FOR NEWLINE}"}
_VISIBLE_TEXT = {**_VISIBLE, ord("\n"): "\n"}

_LINK_PROGRAMS = {"iterm.app", "wezterm", "vscode", "ghostty", "hyper", "tabby", "rio", "warpterminal"}
_LINK_TERMS = ("xterm-kitty", "foot", "alacritty", "wezterm", "xterm-ghostty", "contour")


def neutralise(text: str) -> str:
    """`text` with line ends kept and everything else that a terminal would obey made visible."""
    return text.replace("\r\n", "\n").translate(_VISIBLE_TEXT)


def neutralise_line(text: str) -> str:
    """As `neutralise`, for a text that must stay on one line, such as a file name."""
    return text.translate(_VISIBLE_LINE)


def to_json(value: Any) -> str:  # Any: whatever json can write
    r"""`value` as JSON that keeps every character and is safe to show: the unsafe ones are `\uXXXX` escapes.

    So is all that is not ASCII where stdout is not UTF-8, as JSON must be.
    """
    return _safe_json(json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout), indent=2))


def to_json_line(value: Any) -> str:  # Any: whatever json can write
    """As `to_json`, on one line."""
    return _safe_json(json.dumps(value, ensure_ascii=not _is_utf8(sys.stdout)))


def is_terminal(stream: TextIO) -> bool:
    """True where a person is looking at `stream`."""
    return not stream.closed and stream.isatty()


def uses_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """True on a terminal, unless NO_COLOR is set (no-color.org) or it is a dumb one."""
    return is_terminal(stream) and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def supports_links(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """True where the terminal is known to make OSC 8 links clickable. There is no way to ask it."""
    if not is_terminal(stream) or environment.get("TERM") == "dumb":
        return False
    if "FORCE_HYPERLINK" in environment:  # the variable that the supports-hyperlinks family of tools reads
        return environment["FORCE_HYPERLINK"] != "0"
    if environment.get("TERM", "").startswith(("tmux", "screen")) or "CI" in environment:
        return False
    return (
        environment.get("TERM_PROGRAM", "").lower() in _LINK_PROGRAMS
        or environment.get("TERM", "").startswith(_LINK_TERMS)
        or _number(environment.get("VTE_VERSION")) >= 5000
        or any(name in environment for name in ("WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID"))
    )


def as_text(value: str | None) -> str | None:
    """What was typed, as text: bytes that the locale does not know are read as UTF-8, and replaced where they are none.

    For what is to be read; a path is the bytes that it is.
    """
    return value and value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@contextmanager
def stdout_kept_for_results() -> Iterator[None]:
    """Meanwhile what is printed goes to stderr, also by other programs and threads, which a tool may start."""
    _flush_stdout()
    try:
        ours = os.dup(1)
    except OSError:  # stdout is closed
        yield
        return
    try:
        with suppress(OSError):  # stderr is closed
            os.dup2(2, 1)
        yield
    finally:
        _flush_stdout()
        os.dup2(ours, 1)
        os.close(ours)


def _flush_stdout() -> None:
    with suppress(OSError, ValueError):  # it is closed, or nobody reads it
        sys.stdout.flush()


def read_piped_text() -> str:
    """What was piped to standard input; empty where it is a terminal or closed. Bad UTF-8 is replaced."""
    stream = sys.stdin
    if stream is None or stream.closed or stream.isatty():
        return ""
    try:
        data = stream.buffer.read()
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return ""  # it can only be written to, as what nohup gives
    return data.decode("utf-8", "replace").strip()


def _is_utf8(stream: TextIO) -> bool:
    return codecs.lookup(stream.encoding or "utf-8").name == "utf-8"


def _safe_json(text: str) -> str:
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
