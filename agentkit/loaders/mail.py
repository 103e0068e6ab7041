"""Messages (EML) and mailboxes (MBOX) to text: subject, sender, recipients and date, then the body.

The plain body where there is one, else the HTML one. Attachments are named, not read. RFC 5322 and RFC 4155.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import Path

from agentkit.errors import DocumentError
from agentkit.loaders.markup import html_document
from agentkit.loaders.text import damage, decode, normalize

_SHOWN = ("From", "To", "Cc", "Date")
_MOST_MESSAGES = 50_000
_MOST_PARTS = 1000
_BREAKAGES = (MessageError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
"""What the standard parser raises for headers that are no headers."""
_FROM_LINE = re.compile(rb"(?:\A|\n\r?\n)From [^\n]*\n")
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
        subject = " ".join(str(message["Subject"] or "").split())
        shown = [f"{name}: {' '.join(str(message[name]).split())}" for name in _SHOWN if message[name]]
        body = _body(message)
        attached = [name for part in _attachments(message) if (name := part.get_filename())]
    except _BREAKAGES as error:
        raise damage("mail message", error) from error
    if not body.strip() and not subject:
        raise DocumentError("no text in it")
    blocks = [f"# {subject}" if subject else "", "\n".join(shown), body.strip("\n")]
    if attached:
        blocks.append(f"Attachments: {'; '.join(' '.join(name.split()) for name in attached)}")
    return normalize("\n\n".join(filter(None, blocks))), normalize(subject)


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            raise DocumentError(f"more than {_MOST_PARTS:,} parts in a mail message")
        if isinstance(part, EmailMessage) and part.is_attachment():
            yield part


def _body(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        return ""
    if part.get_content_type() == "text/html":
        return html_document(data)[0]
    return decode(data, declared=part.get_content_charset() or "")[0]
