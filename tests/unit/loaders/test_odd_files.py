"""Odd and hostile files: each is read or named with a reason, in bounded time and memory, and the next one is read."""

import bz2
import io
import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document

from agentkit.chunkers import ChunkLimits
from agentkit.errors import DocumentError
from agentkit.loaders import LoadingWorker
from tests.unit.chunkers.test_chunker import check, words
from tests.unit.loaders import samples

GOOD = samples.every_format()
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]><l><p>{}</p>&m;</l>"
)
BOMB = samples.zipped({"a.txt": b"0" * 30_000_000})
DEEP = 100_000


def pdf(body: str, *, tail: str = "trailer<</Root 1 0 R/Size 9>>\nstartxref\n0") -> bytes:
    return f"%PDF-1.4\n{body}\n{tail}\n%%EOF".encode()


def lying_zip() -> bytes:
    """A member that says it is 10 bytes and unpacks to 3 million."""
    data = bytearray(samples.zipped({"a.txt": b"0" * 3_000_000}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def many_members() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(5001):
            archive.writestr(f"{number}.txt", "x")
    return buffer.getvalue()


LOOP = "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>endobj"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><p>safe</p>&x;</a>'

ODD: dict[str, bytes] = {
    # readable, whatever they look like
    "utf16.txt": "lamp".encode("utf-16"),
    "utf16-unmarked.txt": "The lamp shines for hours.".encode("utf-16-le"),
    "latin1.txt": "Le café est fermé à midi.".encode("latin-1"),
    "one-line.txt": b"word " * 900_000,
    "no-newline.md": b"#" * 1_000_000,
    "deep.html": b"<div>" * DEEP + b"lamp",
    "open-tags.html": b"<b><i>" * 50_000 + b"lamp",
    "page.pdf": b"<html><body>lamp</body></html>",
    "xxe.xml": XXE.encode(),
    "nul.txt": b"lamp\0" + b"lamp " * 200,
    "brackets.md": b"[" * 500_000,
    "wide.csv": b"," * 100_000 + b"\nx",
    "quotes.csv": b'a,b\n"' + b"x," * 100_000,
    "long-number.json": b'{"a": ' + b"9" * 100_000 + b"}",
    "long-number.ipynb": b'{"cells": [{"cell_type": "heading", "level": 2, "source": "lamp"}], "a": %s}'
    % (b"9" * 5000),
    "deep.tex": b"\\section{" * 50_000,
    "rules.rst": b"===\n" * 100_000,
    "blocks.adoc": b"----\n" * 100_000,
    "backslashes.rtf": b"{\\rtf1 " + b"\\a" * 50_000 + b" lamp}",
    "braces.rtf": b"{\\rtf1 " + b"{" * 50_000 + b"lamp",
    "cues.srt": b"00:00:01,000 --> 00:00:02,000\n" * 50_000 + b"lamp",
    "parts.eml": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nlamp\n" * 500,
    # refused, with a reason
    "empty.txt": b"",
    "blank.txt": b" \n\t\n",
    "longest-line.txt": b"word " * 2_000_000,
    "binary.txt": bytes(range(256)) * 40,
    "elf.md": b"\x7fELF" + bytes(900),
    "bad-utf16.txt": b"\xff\xfea\0b",
    "deep.json": b"[" * DEEP + b"]" * DEEP,
    "deep-objects.json": b'{"a":' * 500 + b"1" + b"}" * 500,
    "open.json": b'{"a": ',
    "deep.xml": b"<a>" * DEEP + b"</a>" * DEEP,
    "open.xml": b"<a><b>",
    "laughs.xml": LAUGHS.replace("<p>{}</p>", "").encode(),
    "entity-loop.xml": b'<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>',
    "empty.xml": b"<a/>",
    "deep.ipynb": b"[" * DEEP,
    "list.ipynb": b"[1, 2]",
    "odd.ipynb": b'{"cells": {"a": 1}}',
    "numbers.ipynb": b'{"cells": [1, {"cell_type": "code", "source": 5, "outputs": 7}], "metadata": 3}',
    "text.pdf": b"just text",
    "cut.pdf": b"%PDF-1.7\n1 0 obj\n<< /Type",
    "loop.pdf": pdf(LOOP),
    "no-pages.pdf": pdf("1 0 obj<</Type/Catalog>>endobj"),
    "self.pdf": pdf("1 0 obj 1 0 R endobj"),
    "deep.pdf": pdf("1 0 obj " + "[" * 50_000 + " endobj"),
    "scan.pdf": pdf(
        "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj"
    ),
    "old.docx": OLE,
    "old.pptx": OLE,
    "old.xlsx": OLE,
    "text.docx": b"just text",
    "other.docx": samples.zipped({"a": "b"}),
    "other.xlsx": GOOD["a.pptx"],
    "other.epub": GOOD["a.odt"],
    "cut.docx": GOOD["a.pptx"][:500],
    "cut.pptx": GOOD["a.pptx"][:-500],
    "cut.xlsx": GOOD["a.xlsx"][: len(GOOD["a.xlsx"]) // 2],
    "broken.xlsx": samples.zipped({"xl/workbook.xml": "<a>", "[Content_Types].xml": "<b>"}),
    "broken.pptx": samples.zipped({"ppt/presentation.xml": "<a>", "[Content_Types].xml": "<b>"}),
    "laughs.docx": samples.zipped({"word/document.xml": LAUGHS, "[Content_Types].xml": LAUGHS}),
    "laughs.odt": samples.zipped({"content.xml": LAUGHS.replace("<p>{}</p>", "")}),
    "bomb.odt": samples.zipped({"content.xml": b"<a>" + b" " * 30_000_000 + b"</a>"}),
    "deep.odt": samples.zipped({"content.xml": "<a>" * 5000 + "</a>" * 5000}),
    "locked.odt": samples.zipped({"content.xml": "x", "META-INF/manifest.xml": "<encryption-data/>"}),
    "bomb.epub": samples.zipped({"META-INF/container.xml": b" " * 30_000_000}),
    "no-spine.epub": samples.zipped({"META-INF/container.xml": "<container/>"}),
    "cut.epub": GOOD["a.epub"][:300],
    "bomb.zip": BOMB,
    "nested.zip": samples.zipped({"a.zip": BOMB}),
    "lying.zip": lying_zip(),
    "many.zip": many_members(),
    "escape.zip": samples.zipped({"../../etc/agentkit-test": "x", "/abs": "y"}),
    "empty.zip": samples.zipped({}),
    "cut.zip": GOOD["a.zip"][:-10],
    "text.zip": b"just text",
    "cut.tar.gz": GOOD["a.tar.gz"][:60],
    "bomb.bz2": bz2.compress(b"0" * 60_000_000),
    "text.gz": b"just text",
    "not.rtf": b"lamp",
    "not.eml": b"\xffno header at all",
    "not.mbox": b"Subject: x\n\nbody",
    "not.srt": b"just text",
}
READABLE = list(ODD)[: list(ODD).index("empty.txt")]
SLOWEST_S = 10.0


@pytest.fixture(scope="module")
def worker() -> Iterator[LoadingWorker]:
    with LoadingWorker() as one:
        yield one


def test_there_are_enough_of_them() -> None:
    assert len(ODD) >= 60


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_read_or_named_with_a_reason_in_time(worker: LoadingWorker, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(ODD[name])
    started = time.monotonic()
    outcome = outcome_of(worker, path)
    assert time.monotonic() - started < SLOWEST_S
    assert isinstance(outcome, str) == (name not in READABLE), outcome
    if isinstance(outcome, str):
        assert outcome.strip()
        assert "\n" not in outcome
        assert len(outcome) <= 220
    else:
        assert outcome.page_content.strip()
        assert "root:" not in outcome.page_content
        check(outcome, ChunkLimits(), words)


def outcome_of(worker: LoadingWorker, path: Path) -> Document | str:
    """The document, or the reason for which there is none."""
    try:
        return worker.load(path)
    except DocumentError as error:
        return str(error)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_beside_them_is_read(worker: LoadingWorker, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(GOOD[name])
    assert check(worker.load(path), ChunkLimits(max_chars=40, overlap_chars=10), words)


def test_a_file_that_takes_too_long_is_named_and_the_next_one_is_read(tmp_path: Path) -> None:
    slow, good = tmp_path / "pipe.pdf", tmp_path / os.fsdecode(b"\xff.odt")
    slow.write_bytes(pdf("1 0 obj" + "<<" * 1000))
    good.write_bytes(GOOD["a.odt"])
    with LoadingWorker(base_s=0.0) as worker, pytest.raises(DocumentError, match="not read within 0 s") as refused:
        worker.load(slow)
    assert refused.value.is_passing
    with LoadingWorker() as worker:
        assert worker.load(good).page_content == "# Lamps\n\nShine."


@pytest.fixture(scope="module")
def long_odt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes a second or more to parse."""
    path = tmp_path_factory.mktemp("long") / "long.odt"
    path.write_bytes(samples.odt("".join(f"<text:p>{number}</text:p>" for number in range(300_000))))
    return path


def test_a_file_that_keeps_its_parser_busy_for_all_of_its_time_is_not_tried_again(
    long_odt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.loaders.worker._S_PER_MEGABYTE", 0.0)
    monkeypatch.setattr("agentkit.loaders.worker._BUSY", 0.1)  # the cores may be shared
    with LoadingWorker(base_s=0.3) as worker, pytest.raises(DocumentError, match="not read within") as refused:
        worker.load(long_odt)
    assert refused.value.is_passing
    assert refused.value.recurs


def test_a_file_whose_parser_had_no_time_to_compute_is_tried_again(
    long_odt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentkit.loaders.worker._S_PER_MEGABYTE", 0.0)
    with LoadingWorker(base_s=0.3) as worker:
        worker._started().send_signal(signal.SIGSTOP)
        with pytest.raises(DocumentError, match="not read within") as refused:
            worker.load(long_odt)
    assert not refused.value.recurs


@pytest.mark.parametrize(("number", "recurs"), [(signal.SIGSEGV, True), (signal.SIGKILL, False)])
def test_a_parser_that_crashes_does_so_again_unlike_one_that_the_kernel_killed(
    worker: LoadingWorker, long_odt: Path, number: signal.Signals, recurs: bool
) -> None:
    threading.Timer(0.3, worker._started().send_signal, [number]).start()
    with pytest.raises(DocumentError, match="crashed") as refused:
        worker.load(long_odt)
    assert refused.value.recurs == recurs


def test_a_file_that_takes_too_much_memory_is_named_and_the_next_one_is_read(tmp_path: Path) -> None:
    large, good = tmp_path / "large.json", tmp_path / "a.odt"
    large.write_bytes(b"[" + b"12," * 1_500_000 + b"1]")
    good.write_bytes(GOOD["a.odt"])
    with LoadingWorker(memory_bytes=60_000_000) as worker:
        with pytest.raises(DocumentError, match="memory"):
            worker.load(large)
        assert worker.load(good).page_content == "# Lamps\n\nShine."


def test_a_file_that_is_gone_says_so(worker: LoadingWorker, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        worker.load(tmp_path / "gone.pdf")
