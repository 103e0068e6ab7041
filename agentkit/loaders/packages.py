"""Zip packages (Office, OpenDocument, EPUB) before they are opened: is it one, is it whole, and does it stay small.

XML from inside of them is parsed here too, without entities, DTDs or network (https://owasp.org, XXE prevention).
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from agentkit.errors import DocumentError

MOST_UNPACKED_BYTES = 200_000_000
LARGEST_RATIO = 200
"""Unpacked to packed size of one member; text rarely passes 20, a zip bomb passes 1,000."""
_OLE = b"\xd0\xcf\x11\xe0"
"""How Office's older formats and its documents with a password begin."""
DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, IndexError, TypeError, ValueError,
    AttributeError, NotImplementedError, RuntimeError, OverflowError, AssertionError,
)  # fmt: skip
"""What the parsers of packages raise for a damaged one, beside their own errors."""


def check_package(path: Path, kind: str, needed: str) -> None:
    """Refuses what is no package of this kind or is not safe to unpack. Only the list of members is read.

    Raises:
        DocumentError: encrypted or of the older format, without the member `needed`, or a zip bomb.
        zipfile.BadZipFile: not a zip file.
    """
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            old = {"DOCX": ".doc", "PPTX": ".ppt", "XLSX": ".xls"}.get(kind, "Office file")
            raise DocumentError(f"encrypted {kind} or old {old}: save a copy as {kind} without a password")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    check_sizes(members, kind)
    if needed not in {member.filename for member in members}:
        raise DocumentError(f"not {'an' if kind[0] in 'EOX' else 'a'} {kind}: it has no {needed}")


def check_sizes(members: list[zipfile.ZipInfo], kind: str) -> None:
    """Refuses members that unpack to too much, all together or for what they take packed."""
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED_BYTES:
        raise DocumentError(f"{kind} that unpacks to {unpacked:,} bytes, over the limit of {MOST_UNPACKED_BYTES:,}")
    if any(m.file_size > 1_000_000 and m.file_size > LARGEST_RATIO * max(1, m.compress_size) for m in members):
        raise DocumentError(f"{kind} that unpacks like a zip bomb")


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member, which may not be longer than all of a package may be."""
    with archive.open(name) as member:
        data = member.read(MOST_UNPACKED_BYTES + 1)
    if len(data) > MOST_UNPACKED_BYTES:
        raise DocumentError(f"{name} unpacks to over {MOST_UNPACKED_BYTES:,} bytes")
    return data


def parse_xml(data: bytes) -> Any:
    """The root element (lxml gives it no useful type), without comments and instructions.

    An entity of the file's own is not expanded: the reference to it stays as text, `&name;`.

    Raises:
        lxml.etree.XMLSyntaxError: not well-formed, or nested deeper than libxml2's 256 levels.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(data, parser)
    for reference in list(root.iter(etree.Entity)):
        reference.tail = f"{reference.text}{reference.tail or ''}"
    etree.strip_tags(root, etree.Entity)
    return root


def local_name(element: Any) -> str:
    """The name without its namespace; "" for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """The value of an attribute, whatever its namespace; "" where there is none."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def whole_number(text: str, otherwise: int) -> int:
    """A number of up to five digits, as an attribute has it; `otherwise` for anything else."""
    return int(text) if text.isdecimal() and len(text) < 6 else otherwise
