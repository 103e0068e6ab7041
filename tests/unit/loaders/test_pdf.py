"""PDF: text with page numbers, and a reason for every file that has none."""

import contextlib
import io
import random
import re
from collections.abc import Sequence

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, NumberObject
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from agentkit.chunkers import ChunkLimits, chunk_document, page_at
from agentkit.errors import DocumentError
from agentkit.loaders.pdf import pypdf_silence
from tests.unit.loaders.conftest import Load, Refusal


def pdf(pages: Sequence[str], title: str = "") -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    if title:
        canvas.setTitle(title)
    for page in pages:
        canvas.drawString(100, 700, page)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_a_span_of_the_text_has_a_page(load: Load) -> None:
    document = load("a.pdf", pdf(["The first fact", "", "The third fact"], title="Survey"))
    offsets = document.metadata["page_offsets"]
    assert document.metadata["title"] == "Survey"
    assert len(offsets) == 3
    assert page_at(offsets, document.page_content.index("first")) == 1
    assert page_at(offsets, document.page_content.index("third")) == 3
    assert page_at(offsets, len(document.page_content) - 1) == 3


def test_ligatures_and_words_that_a_line_breaks_are_as_they_are_spelled(load: Load) -> None:
    registerFont(TTFont("Vera", "Vera.ttf"))
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setFont("Vera", 12)
    canvas.drawString(100, 700, "a \ufb01n of a long sluice\u00ad")
    canvas.drawString(100, 680, "gate, and a well\u00adknown \ufb02oor")
    canvas.save()
    assert load("a.pdf", out.getvalue()).page_content == "a fin of a long sluicegate, and a well-known floor"


def test_what_pypdf_says_is_heard_unless_the_file_is_read_by_a_loader(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    irregular = re.sub(rb"startxref\n\d+", b"startxref\n1", pdf(["The first fact"]))
    with pypdf_silence:  # of another thread's loader
        assert load("a.pdf", irregular).page_content == "The first fact"
        assert load("a.pdf", irregular).page_content == "The first fact"
    assert caplog.records == []
    PdfReader(io.BytesIO(irregular))
    assert {record.name.partition(".")[0] for record in caplog.records} == {"pypdf"}


def test_a_file_without_a_title_is_called_by_its_name(load: Load) -> None:
    assert load("harbour.pdf", pdf(["fact"])).metadata["title"] == "harbour"


def test_a_pdf_without_a_text_layer_says_so(refusal: Refusal) -> None:
    assert "text layer (2 scanned" in refusal("a.pdf", pdf(["", ""]))


def encrypted(password: str, algorithm: str = "RC4-128") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(["a secret fact"])))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_with_a_password_is_refused_and_one_without_is_read(load: Load, refusal: Refusal) -> None:
    assert "encrypted" in refusal("a.pdf", encrypted("word"))
    assert load("b.pdf", encrypted("")).page_content == "a secret fact"


@pytest.mark.parametrize("algorithm", ["AES-128", "AES-256"])
def test_aes_with_an_empty_password_is_read(load: Load, refusal: Refusal, algorithm: str) -> None:
    assert load("a.pdf", encrypted("", algorithm)).page_content == "a secret fact"
    assert refusal("b.pdf", encrypted("word", algorithm)) == "encrypted PDF: save a copy without its password"


def outlined() -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for number, lines in enumerate([["Preface", "1 Lamps", "They shine."], ["They age."], ["2 Ships", "They sail."]]):
        for row, line in enumerate(lines):
            canvas.drawString(100, 700 - 20 * row, line)
        if number != 1:
            canvas.bookmarkPage(str(number))
            canvas.addOutlineEntry("Lamps" if number == 0 else "Ships", str(number), level=0)
        else:
            canvas.bookmarkPage("1")
            canvas.addOutlineEntry("Age of a lamp", "1", level=1)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def test_the_outline_gives_the_headings_of_the_chunks(load: Load) -> None:
    chunks = chunk_document(load("a.pdf", outlined()), ChunkLimits(), lambda text: len(text.split()))
    assert [(chunk.text, chunk.heading_path) for chunk in chunks] == [
        ("Preface", ()),
        ("1 Lamps\nThey shine.", ("Lamps",)),
        ("They age.", ("Lamps", "Age of a lamp")),
        ("2 Ships\nThey sail.", ("Ships",)),
    ]


def test_an_outline_entry_stands_at_its_own_line_and_not_at_a_sentence_that_begins_so(load: Load) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for row, line in enumerate(["Lamps age.", "Careful.", "Lamps", "They shine.", "Care: weekly"]):
        canvas.drawString(100, 700 - 20 * row, line)
    for title in ("Lamps", "Care"):
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title, level=0)
    canvas.save()
    document = load("a.pdf", out.getvalue())
    assert [document.page_content[at:].split("\n")[0] for at, _, _ in document.metadata["outline"]] == [
        "Lamps", "Care: weekly",
    ]  # fmt: skip


def test_the_values_of_a_form_are_text(load: Load) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.drawString(100, 700, "Order")
    canvas.acroForm.textfield(name="lamp", value="desk", x=100, y=600)
    canvas.acroForm.textfield(name="note", value="", x=100, y=500)
    canvas.save()
    assert load("a.pdf", out.getvalue()).page_content == "Order\n\nlamp: desk"


@pytest.mark.parametrize("data", [b"plain words", b"%PDF-1.7", b"%PDF-1.7\n" + bytes(300), pdf(["fact"])[:200]])
def test_what_is_no_pdf_is_refused(refusal: Refusal, data: bytes) -> None:
    assert "PDF" in refusal("a.pdf", data)


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_a_reason_or_harmless(load: Load, seed: int) -> None:
    random_source = random.Random(seed)
    data = bytearray(pdf(["The first fact", "The second fact"]))
    for _ in range(random_source.choice((1, 5, 50))):
        data[random_source.randrange(len(data))] = random_source.randrange(256)
    with contextlib.suppress(DocumentError):
        document = load("a.pdf", bytes(data))
        assert document.metadata["page_offsets"] == sorted(document.metadata["page_offsets"])


def test_nothing_is_written_about_a_damaged_file(load: Load, capfd: pytest.CaptureFixture[str]) -> None:
    load("a.pdf", pdf(["fact"]).replace(b"/WinAnsiEncoding", b"/WinAnsiEncodin_"))
    assert capfd.readouterr() == ("", "")


def test_a_pdf_of_more_pages_than_the_limit_is_refused_before_they_are_counted(refusal: Refusal) -> None:
    writer = PdfWriter()
    writer.add_blank_page(9, 9)
    pages = writer.root_object["/Pages"].get_object()
    assert isinstance(pages, DictionaryObject)
    out = io.BytesIO()
    pages[NameObject("/Count")] = NumberObject(200_000)
    writer.write(out)
    assert refusal("a.pdf", out.getvalue()) == "200,000 pages, over the limit of 20,000"
