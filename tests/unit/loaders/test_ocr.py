"""Scanned PDFs: read where tesseract is installed, and said to be scans where it is not."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from agentkit.errors import DocumentError
from agentkit.loaders import LoadingWorker, ocr

needs_tesseract = pytest.mark.skipif(not ocr.is_available(), reason="tesseract is not installed")


def scan(*pages: str, rotation: int = 0) -> bytes:
    """A PDF whose pages are pictures of a text."""
    from pypdf import PdfReader, PdfWriter

    pictures = []
    for text in pages:
        picture = Image.new("L", (1200, 400), 255)
        ImageDraw.Draw(picture).text((40, 150), text, font=ImageFont.load_default(60), fill=0)
        pictures.append(picture.rotate(rotation, expand=True))
    out = io.BytesIO()
    pictures[0].save(out, "PDF", save_all=True, append_images=pictures[1:])
    if not rotation:
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(out))
    for page in writer.pages:
        page.rotate(rotation)
    turned = io.BytesIO()
    writer.write(turned)
    return turned.getvalue()


@needs_tesseract
@pytest.mark.parametrize("rotation", [0, 90])
def test_the_text_of_a_scan_is_read_page_by_page(tmp_path: Path, rotation: int) -> None:
    (tmp_path / "scan.pdf").write_bytes(scan("The lamp draws 41 watts", "The ferry leaves at noon", rotation=rotation))
    with LoadingWorker() as worker:
        document = worker.load(tmp_path / "scan.pdf")
    first, second = document.metadata["page_offsets"]
    assert "lamp draws 41 watts" in document.page_content[first:second]
    assert "ferry leaves at noon" in document.page_content[second:]


def test_without_tesseract_a_scan_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "scan.pdf").write_bytes(scan("The lamp"))
    with LoadingWorker() as worker, pytest.raises(DocumentError) as refused:
        worker.load(tmp_path / "scan.pdf")
    assert "1 scanned or empty pages" in str(refused.value)
    assert "tesseract" in str(refused.value)


@needs_tesseract
def test_languages_that_are_none_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scan.pdf").write_bytes(scan("The lamp"))
    for languages, reason in {"--help": "write them as", "xyz": "OCR failed"}.items():
        monkeypatch.setenv("AGENTKIT_OCR_LANGUAGES", languages)
        with LoadingWorker() as worker, pytest.raises(DocumentError, match=reason):
            worker.load(tmp_path / "scan.pdf")
