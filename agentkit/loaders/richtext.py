"""RTF to plain text, through striprtf. Its headings are fonts and sizes, so no structure is told.

Footnotes, which striprtf leaves out, stand in parentheses where they are referred to.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.text import damage, normalize

_MARK = "\x01"
"""At both ends of a footnote, where its white space goes."""
_MARKED = re.compile(rf"(?<=\(){_MARK}\s*|\s*{_MARK}(?=\))")
_TOKEN = re.compile(r"\\[\\{}]|(?:\\\*\s?)?\\footnote(?![a-z])-?\d* ?|[{}]")


def load_rtf(path: Path) -> str:
    """The text of an RTF file.

    Raises:
        DocumentError: not RTF, damaged, or without text.
    """
    from striprtf.striprtf import rtf_to_text

    data = path.read_bytes()
    if not data.lstrip().startswith(b"{\\rtf"):
        raise DocumentError("not RTF: it does not begin with {\\rtf")
    try:
        text = rtf_to_text("".join(_with_footnotes(data.decode("cp1252", "replace"))), errors="replace")
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = normalize(_MARKED.sub("", text))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise damage("RTF", error) from error
    if not text.strip():
        raise DocumentError("no text in it")
    return text.strip("\n")


def _with_footnotes(source: str) -> Iterator[str]:
    """The pieces of a source whose footnotes are ordinary groups, in parentheses."""
    notes: list[int] = []
    depth = at = 0
    for found in _TOKEN.finditer(source):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            if notes and notes[-1] == depth:
                notes.pop()
                yield f"{source[at : found.start()]}{_MARK})"
                at = found.start()
            depth -= 1
        elif "footnote" in found[0]:
            notes.append(depth)
            yield f"{source[at : found.start()]} ({_MARK}"
            at = found.end()
    yield source[at:]
