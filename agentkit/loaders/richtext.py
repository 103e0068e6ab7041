"""RTF to plain text, through striprtf. Its headings are fonts and sizes, so no structure is told."""

from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.text import damage, normalize


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
        text = normalize(rtf_to_text(data.decode("cp1252", "replace"), errors="replace"))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise damage("RTF", error) from error
    if not text.strip():
        raise DocumentError("no text in it")
    return text.strip("\n")
