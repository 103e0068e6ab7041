"""DOCX: all that a reader of the document sees, in its order."""

import contextlib
import io
import random
import zipfile
from time import process_time

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from agentkit.errors import DocumentError
from tests.unit.loaders.conftest import Load, Refusal

FOOTNOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"


def packed(document: "docx.document.Document") -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture
def document() -> "docx.document.Document":
    return docx.Document()


def inserted(xml: str) -> object:
    return parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1))


def test_headings_lists_and_tables_keep_their_order(load: Load, document: "docx.document.Document") -> None:
    document.add_heading("Handbook", 0)
    document.add_heading("Power", 2)
    document.add_paragraph("It draws 41 watts.")
    document.add_paragraph("first", style="List Bullet")
    table = document.add_table(2, 2)
    for row, texts in zip(table.rows, (("Model", "Price"), ("A|1", "41 €")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document.add_paragraph("The end.")
    loaded = load("a.docx", packed(document))
    assert loaded.page_content == (
        "# Handbook\n\n## Power\n\nIt draws 41 watts.\n\n- first\n\n"
        "| Model | Price |\n| --- | --- |\n| A\\|1 | 41 € |\n\nThe end."
    )
    assert loaded.metadata["title"] == "Handbook"


def test_the_title_is_the_documents_property(load: Load, document: "docx.document.Document") -> None:
    document.core_properties.title = "The handbook"
    document.add_heading("Power", 1)
    assert load("a.docx", packed(document)).metadata["title"] == "The handbook"


def test_tracked_insertions_are_read_and_deletions_are_not(load: Load, document: "docx.document.Document") -> None:
    paragraph = document.add_paragraph("It draws ")._p
    paragraph.append(inserted('<w:ins w:id="1"><w:r><w:t>41 watts</w:t></w:r></w:ins>'))
    paragraph.append(inserted('<w:del w:id="2"><w:r><w:delText>99</w:delText></w:r></w:del>'))
    assert load("a.docx", packed(document)).page_content == "It draws 41 watts"


def test_content_controls_and_text_boxes_are_read(load: Load, document: "docx.document.Document") -> None:
    document.add_paragraph("Before")._p.append(
        inserted("<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>")
    )
    control = "<w:sdt><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(1, inserted(control))
    assert load("a.docx", packed(document)).page_content == "Before\nboxed\n\ncontrolled"


def test_merged_cells_are_read_once_across_and_repeated_down(load: Load, document: "docx.document.Document") -> None:
    table = document.add_table(3, 3)
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"r{row}c{column}"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    table.cell(2, 2).add_table(1, 1).cell(0, 0).text = "inner"
    assert load("a.docx", packed(document)).page_content == (
        "| r0c0 | wide |  |\n| --- | --- | --- |\n| tall | r1c1 | r1c2 |\n| tall | r2c1 | r2c2 inner |"
    )


def test_footnotes_stand_below_the_text(load: Load, document: "docx.document.Document") -> None:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    document.add_paragraph("Fact")._p.append(inserted('<w:r><w:footnoteReference w:id="2"/></w:r>'))
    note = '<w:footnote w:id="2"><w:p><w:r><w:t>since 2019</w:t></w:r></w:p></w:footnote>'
    notes = f"<w:footnotes {nsdecls('w')}>{note}</w:footnotes>"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
    document.part.relate_to(part, FOOTNOTES)
    assert load("a.docx", packed(document)).page_content == "Fact[^2]\n\n[^2]: since 2019"


def test_a_power_is_no_digit_of_the_number_before_it(load: Load, document: "docx.document.Document") -> None:
    paragraph = document.add_paragraph()
    for text, place in (("10", ""), ("6", "super"), (" H", ""), ("2", "sub"), ("O on the 1", ""), ("st", "super")):
        run = paragraph.add_run(text)
        if place:
            setattr(run.font, f"{place}script", True)
    assert load("a.docx", packed(document)).page_content == "10^6 H2O on the 1st"


def test_a_style_of_the_house_is_a_heading_where_its_base_is(load: Load, document: "docx.document.Document") -> None:
    style = document.styles.add_style("House", 1)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Power", style="House")
    assert load("a.docx", packed(document)).page_content == "## Power"


LEVEL = '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/>{}<w:lvlText w:val="{}"/></w:lvl>'


@pytest.fixture
def contract(document: "docx.document.Document") -> "docx.document.Document":
    """With lists 71 (clauses, and headings of level 2), 72 (the same, begun anew) and 73 (points)."""
    clauses = (
        LEVEL.format(0, 3, "decimal", '<w:pStyle w:val="Heading2"/>', "%1.")
        + LEVEL.format(1, 1, "decimal", "", "%1.%2") + LEVEL.format(2, 1, "lowerLetter", "", "(%3)")
        + LEVEL.format(3, 4, "upperRoman", "", "%4")
    )  # fmt: skip
    root = document.part.numbering_part.element
    anew = '<w:lvlOverride w:ilvl="1"><w:startOverride w:val="7"/></w:lvlOverride>'
    for at, levels in ((91, clauses), (92, LEVEL.format(0, 1, "bullet", "", "o"))):
        root.insert(0, inserted(f'<w:abstractNum w:abstractNumId="{at}">{levels}</w:abstractNum>'))
    for number, at, more in ((71, 91, ""), (72, 91, anew), (73, 92, "")):
        root.append(inserted(f'<w:num w:numId="{number}"><w:abstractNumId w:val="{at}"/>{more}</w:num>'))
    document.styles["Heading 2"].element.get_or_add_pPr().append(inserted('<w:numPr><w:numId w:val="71"/></w:numPr>'))
    return document


def numbered(document: "docx.document.Document", text: str, number: int, level: int | None = None) -> None:
    at = "" if level is None else f'<w:ilvl w:val="{level}"/>'
    document.add_paragraph(text)._p.get_or_add_pPr().append(
        inserted(f'<w:numPr>{at}<w:numId w:val="{number}"/></w:numPr>')
    )


def test_numbers_that_word_counts_stand_before_clauses_and_headings(
    load: Load, contract: "docx.document.Document"
) -> None:
    contract.add_heading("Rent", 2)
    for text, number, level in (
        ("Due monthly.", 71, 1), ("", 71, 1), ("In euro,", 71, 2), ("by transfer.", 71, 2), ("Late rent.", 71, 1),
        ("A point.", 73, 0), ("Deep.", 71, 3), ("Anew.", 72, 1), ("Nowhere.", 74, 0), ("No list.", 0, None),
    ):  # fmt: skip
        numbered(contract, text, number, level)
    contract.add_heading("Term", 2)
    numbered(contract, "A year.", 71, 1)
    assert load("a.docx", packed(contract)).page_content.split("\n\n") == [
        "## 3. Rent", "3.1 Due monthly.", "(a) In euro,", "(b) by transfer.", "3.3 Late rent.", "- A point.",
        "IV Deep.", "3.7 Anew.", "- Nowhere.", "No list.", "## 4. Term", "4.1 A year.",
    ]  # fmt: skip


def test_styles_that_are_based_on_each_other_are_no_headings(load: Load, document: "docx.document.Document") -> None:
    first, second = (document.styles.add_style(name, 1) for name in ("First", "Second"))
    first.base_style, second.base_style = second, first
    document.add_paragraph("Power", style="First")
    assert load("a.docx", packed(document)).page_content == "Power"


def test_a_long_document_is_read_well_within_its_time(load: Load, document: "docx.document.Document") -> None:
    for number in range(4000):
        document.add_paragraph(f"Paragraph {number}.")
    data = packed(document)
    began = process_time()
    assert load("a.docx", data).page_content.endswith("Paragraph 3999.")
    assert process_time() - began < 1.5


def test_what_is_no_docx_is_refused(refusal: Refusal, document: "docx.document.Document") -> None:
    assert "damaged" in refusal("a.docx", b"just text")
    assert "encrypted" in refusal("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert refusal("a.docx", packed(document)) == "no text in it"
    with zipfile.ZipFile(out := io.BytesIO(), "w") as archive:
        archive.writestr("a.txt", "x")
    assert "no word/document.xml" in refusal("a.docx", out.getvalue())


def test_a_zip_bomb_is_not_unpacked(refusal: Refusal) -> None:
    with zipfile.ZipFile(out := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 50_000_000)
    assert "zip bomb" in refusal("a.docx", out.getvalue())
    with zipfile.ZipFile(out := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 210_000_000)
    assert "over the limit" in refusal("a.docx", out.getvalue())


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_is_a_reason_or_harmless(load: Load, document: "docx.document.Document", seed: int) -> None:
    random_source = random.Random(seed)
    document.add_paragraph("A fact that is long enough to be packed. " * 20)
    data = bytearray(packed(document))
    for _ in range(random_source.choice((1, 5, 50))):
        data[random_source.randrange(len(data))] = random_source.randrange(256)
    data = data[: random_source.choice((len(data), random_source.randrange(len(data))))]
    with contextlib.suppress(DocumentError):
        assert load("a.docx", bytes(data)).page_content.strip()
