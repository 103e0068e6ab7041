"""Messages (EML) and mailboxes (MBOX) to text: subject, sender, recipients and date, then the body.

The plain body where it holds text, else the HTML one, and what is said behind pictures and files; then the messages
that are forwarded in it, under headings of their own. Attachments are named, not read. RFC 5322, 2046 and 4155.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import MIMEPart
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.markup import html_document
from agentkit.loaders.text import damage, decode, normalize

_SHOWN = ("From", "To", "Cc", "Date")
_MOST_MESSAGES = 50_000
_MOST_PARTS = 1000
_DEEPEST = 6
"""Levels of messages in messages, as many as there are of headings."""
_BREAKAGES = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
"""What the standard parser raises for headers that are no headers."""
_READERS = {"text/plain": decode, "text/html": html_document}
_FROM_LINE = re.compile(rb"(?:\A|\n\r?\n)From [^\n]*\n(?=>?From |[!-9;-~]+:)")
"""Above a header: a sentence that begins so does not end a message."""
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")


def load_eml(path: Path) -> tuple[str, str]:
    """Text and subject of one message.

    Raises:
        DocumentError: not a message, damaged, or without text.
    """
    data = path.read_bytes()
    if not _HEADER.match(data.lstrip(b"\xef\xbb\xbf")):
        raise DocumentError("not a mail message: it does not begin with a header")
    return _message(data)


def load_mbox(path: Path) -> list[tuple[str, str]]:
    """Text and subject of each message, in order. Messages without text are left out.

    Raises:
        DocumentError: not a mailbox, more than 50,000 messages, or without text.
    """
    data = path.read_bytes()
    starts = list(_FROM_LINE.finditer(data))
    if not starts or starts[0].start():
        raise DocumentError("not a mailbox: it does not begin with a From line")
    if len(starts) > _MOST_MESSAGES:
        raise DocumentError(f"{len(starts):,} messages, over the limit of {_MOST_MESSAGES:,}")
    ends = [*(start.start() for start in starts[1:]), len(data)]
    messages = []
    for start, end in zip(starts, ends, strict=True):
        try:
            messages.append(_message(data[start.end() : end].replace(b"\n>From ", b"\nFrom ")))
        except DocumentError:
            continue
    if not messages:
        raise DocumentError("no text in it")
    return messages


def _message(data: bytes) -> tuple[str, str]:
    try:
        message = message_from_bytes(data, policy=policy.default)
        text, subject = normalize("\n\n".join(_blocks(message, 1))), normalize(_subject(message))
    except _BREAKAGES as error:
        raise damage("mail message", error) from error
    if not text:
        raise DocumentError("no text in it")
    return text, subject


def _blocks(message: MIMEPart, level: int) -> list[str]:
    """Blocks of a message and of those in it; none where nothing is said."""
    parts = list(_parts(message))
    subject, body = _subject(message), _body(message)
    inner = [forwarded for part in parts if (forwarded := _forwarded(part)) is not None]
    read = [block for one in inner for block in _blocks(one, level + 1)] if level < _DEEPEST else []
    if not (subject or body.strip() or read):
        return []
    shown = [f"{name}: {' '.join(str(message[name]).split())}" for name in _SHOWN if message[name]]
    names = [" ".join(name.split()) for part in parts if _is_attached(part) and (name := part.get_filename())]
    names += map(_subject, inner if level == _DEEPEST else [])
    attached = "; ".join(filter(None, names))
    heading = f"{'#' * level} {subject}" if subject else ""
    own = [heading, "\n".join(shown), body, f"Attachments: {attached}" if attached else ""]
    return [*filter(None, own), *read]


def _subject(message: MIMEPart) -> str:
    return " ".join(str(message["Subject"] or "").split())


def _parts(message: MIMEPart) -> Iterator[MIMEPart]:
    """The message and its parts in order, without those of messages in it."""
    waiting = [message]
    for _ in range(_MOST_PARTS):
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            waiting += reversed(list(part.iter_parts()))
        if not waiting:
            return
    raise DocumentError(f"more than {_MOST_PARTS:,} parts in a mail message")


def _is_attached(part: MIMEPart) -> bool:
    """Also a file that is said to stand in the text, as Apple Mail does, unless it is a picture there."""
    return part.is_attachment() or part.get_content_maintype() == "application"


def _forwarded(part: MIMEPart) -> MIMEPart | None:
    """The message that a part holds."""
    if part.get_content_type() != "message/rfc822" or not part.is_multipart():
        return None
    message = next(part.iter_parts())
    return message if message.keys() else None


def _body(part: MIMEPart) -> str:
    """What a message shows below its headers, or a part of it; "" for what is attached or cannot be read."""
    if part.is_attachment():
        return ""
    if part.get_content_maintype() == "multipart":
        return _shown(part.get_content_subtype(), list(part.iter_parts()), str(part.get_param("start")))
    data, kind = part.get_payload(decode=True), part.get_content_type()
    if isinstance(data, bytes) and kind in _READERS:
        with suppress(DocumentError):
            return _READERS[kind](data, declared=part.get_content_charset() or "")[0].strip("\n")
    return ""


def _shown(kind: str, parts: list[MIMEPart], start: str) -> str:
    """Of several parts what a reader of mail shows. `start` names the page that the others are related to."""
    if kind == "related":
        return _body(next((part for part in parts if part["Content-ID"] == start), parts[0])) if parts else ""
    if kind == "alternative":
        parts = sorted(parts, key=lambda part: part.get_content_type() != "text/plain")
    bodies = filter(str.strip, map(_body, parts))
    return next(bodies, "") if kind == "alternative" else "\n\n".join(bodies)
