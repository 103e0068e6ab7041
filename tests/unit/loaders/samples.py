"""Small files of the formats that libraries write or a few lines make, for the tests of several rooms."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence

ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
)


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def odt(body: str, styles: str = "") -> bytes:
    root = "office:document-content"
    xml = f"<{root} {ODF}><office:body><office:text>{body}</office:text></office:body></{root}>"
    rules = f"<office:document-styles {ODF}><office:styles>{styles}</office:styles></office:document-styles>"
    kind = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "content.xml": xml, "styles.xml": rules})


def epub(*chapters: str) -> bytes:
    items = "".join(f'<item id="c{n}" href="c{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Lamp</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    files = {f"OPS/c{n}.xhtml": chapter for n, chapter in enumerate(chapters)}
    return zipped({"META-INF/container.xml": container, "OPS/book.opf": package, **files})


def pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Lamp care"
    slide.placeholders[1].text = "Wipe it weekly"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for row, texts in enumerate([("part", "watts"), ("bulb", "9")]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    slide.notes_slide.notes_text_frame.text = "Say it twice"
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for row in (["Price list"], ["lamp", "euro", "since"], ["desk", 19.5, None], ["wall", 30.0, True]):
        sheet.append(row)
    hidden = book.create_sheet("Secret")
    hidden.append(["a", "b"])
    hidden.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def workbook(
    rows: Sequence[Sequence[object]], *, merged: Sequence[str] = (), formats: Mapping[str, str] | None = None
) -> bytes:
    """An XLSX of one sheet, with merged ranges and the number formats of cells."""
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    for cell, form in (formats or {}).items():
        book.active[cell].number_format = form
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def sheet(rows: str, dimension: str = "A1") -> bytes:
    """An XLSX whose sheet holds rows of XML and says that it is as large as `dimension`."""
    with zipfile.ZipFile(io.BytesIO(xlsx())) as book:
        members = {name: book.read(name) for name in book.namelist()}
    xmlns = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{xmlns}"><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    ).encode()
    return zipped(members)


def notebook() -> str:
    return json.dumps({
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# Lamps\n", "They shine."]},
            {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["\x1b[31m1\x1b[0m\n"]}]},
            {"cell_type": "code", "source": "1/0", "outputs": [{"ename": "ZeroDivisionError", "evalue": "no"}]},
        ],
    })  # fmt: skip


EML = (
    b"From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n"
    b"Content-Type: text/plain; charset=latin-1\r\n\r\nThe caf\xe9 opens at nine.\r\n"
)
MBOX = b"From ada Mon\nSubject: One\n\nFirst body.\n>From here on.\n\nFrom bob Tue\nSubject: Two\n\nSecond body.\n"
SRT = "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> &amp; welcome\n\n2\n00:01:05,500 --> 00:01:07,000\nto lamps\n"
RST = "=====\nLamps\n=====\n\nIntro.\n\nCare\n----\n\nWipe.\n\nDeep\n~~~~\n\nMore.\n\nPrice\n-----\n\nNine.\n"
ADOC = "= Lamps\n\nIntro.\n\n== Care\n\n----\n== no title\n----\n\nWipe.\n"
LATEX = "\\title{Lamps}\n\\section{Care \\emph{well}}\nWipe.\n% \\section{No}\n\\subsection*{Deep}\nMore.\n"
XML = "<shop><title>Lamps</title><item id='7'><name>desk</name><price>19</price></item><p>A <b>good</b> one.</p></shop>"
RTF = r"{\rtf1\ansi\ansicpg1252 {\b Lamps} shine.\par Caf\'e9.}"


def every_format() -> dict[str, bytes]:
    """A good file of each, by name."""
    texts = {
        "a.ipynb": notebook(), "a.srt": SRT, "a.rst": RST, "a.adoc": ADOC, "a.tex": LATEX, "a.xml": XML, "a.rtf": RTF,
        "a.vtt": f"WEBVTT\n\n{SRT.replace(',', '.')}",
    }  # fmt: skip
    body = '<text:h text:outline-level="1">Lamps</text:h><text:p>Shine.</text:p>'
    members = {"docs/a.md": b"# Lamps\n\nShine.\n", "b.py": b"def f():\n    return 1\n", "bad.png": b"\x89PNG\0\0\0\0"}
    return {name: text.encode() for name, text in texts.items()} | {
        "a.eml": EML, "a.mbox": MBOX, "a.odt": odt(body), "a.epub": epub("<h1>One</h1><p>Shine.</p>"),
        "a.pptx": pptx(), "a.xlsx": xlsx(), "a.zip": zipped(members), "a.tar.gz": tarred(members),
    }  # fmt: skip
