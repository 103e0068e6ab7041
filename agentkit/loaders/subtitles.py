"""Subtitles (SubRip, WebVTT) to text: a line a cue with the time it begins at and who speaks, without styles.

What two cues share is said once: captions that roll up repeat the line above. WebVTT: https://www.w3.org/TR/webvtt1/.
"""

import html
import re
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.text import read_text

_TIMES = re.compile(r"[ \t]*((?:\d+:)?\d{1,2}:\d{2})[,.]\d{1,3}[ \t]*-->[ \t]*(?:\d+:)?\d{1,2}:\d{2}[,.]\d{1,3}")
_TAG = re.compile(
    r"</?(?:a|b|br|c|div|em|i|p|rt|ruby|s|span|strong|u)(?:\.[^\s<>]{0,100}|\s[^<>\n]{0,100}=[^<>\n]{0,100})?\s{0,9}/?>"
    r"|</?(?:font|lang|v)\b[^<>\n]{0,100}>|<(?:\d+:)?\d\d:\d\d[.,]\d{3}>|\{\\[^{}\n]{0,100}\}",
    re.IGNORECASE,
)
"""Those that players know: `a <5 and c> 3` is none."""
_SPEAKER = re.compile(r"<v(?:\.[^\s<>]{0,100})?[ \t]+([^<>\n]{1,100})>", re.IGNORECASE)


def load_subtitles(path: Path) -> tuple[str, str]:
    """One line a cue, `[00:01:05] text`, and the encoding.

    Raises:
        DocumentError: binary, empty, or without cues.
    """
    source, encoding = read_text(path)
    lines: list[str] = []
    said = ""
    for block in re.split(r"\n[ \t]*\n", source.strip()):
        cue = block.split("\n")
        at = next((n for n, line in enumerate(cue[:2]) if _TIMES.match(line)), None)
        if at is None:
            continue
        found = _TIMES.match(cue[at])
        spoken = [" ".join(html.unescape(_TAG.sub("", line)).split()) for line in map(_with_speaker, cue[at + 1 :])]
        new = [line for line in spoken if line and line != said]
        if found and new:
            lines.append(f"[{found[1]}] {' '.join(new)}")
            said = new[-1]
    if not lines:
        raise DocumentError("no subtitles in it")
    return "\n".join(lines), encoding


def _with_speaker(line: str) -> str:
    """`<v Ada>Yes.</v>` says who speaks; meetings are written down so."""
    return _SPEAKER.sub(lambda found: f" {found[1].strip()}: ", line)
