"""Whatever a tool gives back, as clean text of bounded length: what the model reads."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from agentkit.tools.arguments import validation_problems

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor movements (ECMA-48)
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links, device strings, where they are closed
    r"|\x1b[ -/]*[0-~]"
)
"""Those of 7 bits alone: a character that begins one of 8 bits, such as U+009D, is far more often text that was decoded
wrongly, and is replaced by itself.
"""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOTHING = "(the tool gave nothing back)"


def as_text(value: Any) -> str:  # Any: whatever a tool gave
    """The text of a tool's result: strings as they are, bytes decoded, content blocks joined, all else as JSON, also
    pydantic and data classes.
    """
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return value or _NOTHING
    if isinstance(value, bytes | bytearray | memoryview):
        return _decoded(bytes(value))
    if isinstance(value, list) and value and all(_is_block(item) for item in value):
        return "\n".join(map(_block_text, value))
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def _plain(value: Any) -> Any:
    """What json can write of it: the fields of a pydantic or data class, the members of a set, ISO 8601 of a date."""
    if isinstance(value, Iterator):  # may have no end
        return str(value)
    return to_jsonable_python(value, fallback=str)


def observation(text: str, max_chars: int) -> tuple[str, bool]:
    """`text` without escape sequences and control characters, and whether it was cut to `max_chars`.

    A cut is said at the end of the text, beyond the limit.
    """
    length = len(text)
    clean = _clean(text[: 4 * max_chars])
    is_cut = len(clean) > max_chars or length > 4 * max_chars
    if not is_cut:
        return clean or _NOTHING, False
    shown = clean[:max_chars]
    return f"{shown}\n[cut here: the first {len(shown):,} of {length:,} characters]", True


def describe_error(error: BaseException) -> str:
    """Type and message of an exception, on one line and without a traceback; of pydantic's the fields and reasons."""
    kind = type(error).__name__
    try:
        text = "; ".join(validation_problems(error)) if isinstance(error, ValidationError) else str(error)
        message = " ".join(text.split())
    except Exception:  # noqa: BLE001 a message that cannot be made says as much as none
        message = ""
    return f"{kind}: {message}" if message else kind


def _clean(text: str) -> str:
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8") or _NOTHING
    except UnicodeDecodeError:
        return f"({len(data):,} bytes that are not text)"


def _is_block(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") in {"text", "image", "image_url", "audio", "file", "json"}


def _block_text(block: dict[str, Any]) -> str:
    if block["type"] == "text":
        return str(block.get("text", ""))
    if block["type"] == "json":
        return as_text(block.get("json"))
    return f"({block['type']} left out: only text is read)"
