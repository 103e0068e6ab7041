"""Formats of offices, books, mail, notebooks, subtitles and archives: what their text becomes, and what is refused."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document

from agentkit.chunkers import ChunkLimits, chunk_document
from agentkit.loaders import register_loader, supported_suffixes
from agentkit.loaders.load import _registered
from tests.unit.loaders import samples
from tests.unit.loaders.conftest import Load, Refusal


def paths_of(document: Document) -> list[tuple[str, ...]]:
    return [chunk.heading_path for chunk in chunk_document(document, ChunkLimits(), lambda text: len(text.split()))]


def test_a_slide_is_a_heading_with_its_text_table_and_notes(load: Load) -> None:
    document = load("a.pptx", samples.pptx())
    assert document.page_content == (
        "# Lamp care\n\nWipe it weekly\n\n| part | watts |\n| --- | --- |\n| bulb | 9 |\n\nNotes: Say it twice"
    )
    assert document.metadata["title"] == "Lamp care"


def test_a_row_of_a_sheet_names_its_columns_and_hidden_sheets_are_left_out(load: Load) -> None:
    assert load("a.xlsx", samples.xlsx()).page_content == (
        "# Prices\n\nPrice list\nlamp: desk; euro: 19.5\nlamp: wall; euro: 30; since: yes"
    )


@pytest.mark.parametrize("dimension", ["A1", "A1:XFD1048576"])
def test_a_sheet_is_read_whole_whatever_size_it_says_it_has(load: Load, dimension: str) -> None:
    rows = "".join(f'<row><c r="A{n}"><v>{n}</v></c><c r="C{n}"><v>7</v></c></row>' for n in (1, 2, 9))
    text = load("a.xlsx", samples.sheet(rows, dimension)).page_content
    assert text == "# Prices\n\n1: 2; 7: 7\n1: 9; 7: 7"


def test_empty_places_of_a_wide_sheet_are_no_cells(load: Load) -> None:
    rows = "".join(f'<row><c r="A{n}"><v>{n}</v></c><c r="XFD{n}"><v>0</v></c></row>' for n in range(1, 400))
    assert load("a.xlsx", samples.sheet(rows, "A1:XFD399")).page_content.endswith("\n1: 399; 0: 0")


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="9000000000"><c><v>1</v></c></row>',
        "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 1300)),
    ],
    ids=["far down", "wide"],
)
def test_a_sheet_that_is_mostly_of_nothing_is_refused(refusal: Refusal, rows: str) -> None:
    assert "too many empty ones" in refusal("a.xlsx", samples.sheet(rows))


def test_the_footnotes_of_a_book_are_read(load: Load) -> None:
    book = samples.epub("<p>Fact<a href='#n'>1</a></p><aside epub:type='footnote' id='n'>Since 2019.</aside>")
    assert load("a.epub", book).page_content == "Fact1\n\nSince 2019."


def test_epub_chapters_are_read_in_the_order_of_the_spine(load: Load) -> None:
    document = load("a.epub", samples.epub("<h1>One</h1><p>x</p>", "<img src='a.png'/>", "<h1>Two</h1><p>y</p>"))
    assert document.page_content == "# One\n\nx\n\n# Two\n\ny"
    assert document.metadata["title"] == "The Lamp"


def test_a_notebook_shows_its_text_code_and_output(load: Load) -> None:
    assert load("a.ipynb", samples.notebook()).page_content == (
        "# Lamps\nThey shine.\n\n```python\nprint(1)\n```\n\n```\n1\n```\n\n```python\n1/0\n```\n\n"
        "```\nZeroDivisionError: no\n```"
    )


def test_what_a_notebook_shows_as_markdown_is_read(load: Load) -> None:
    data = {"text/plain": ["<IPython.core.display.Markdown object>"], "text/markdown": ["**41** watts"]}
    cell = {"cell_type": "code", "source": "", "outputs": [{"output_type": "display_data", "data": data}]}
    assert load("a.ipynb", json.dumps({"cells": [cell]})).page_content == "```\n**41** watts\n```"


def test_pictures_and_bars_of_progress_are_no_text_of_a_notebook(load: Load) -> None:
    figure = {"text/plain": "<Figure size 640x480 with 1 Axes>", "image/png": "iVBOR"}
    outputs = [
        {"output_type": "stream", "text": ["\r 50%|#####     |\r100%|##########|\n", "done\r\n", "  1\r"]},
        {"output_type": "display_data", "data": figure},
        {"output_type": "display_data", "data": {"text/plain": "a lamp", "image/png": "iVBOR"}},
    ]
    cell = {"cell_type": "code", "source": "", "outputs": outputs}
    assert load("a.ipynb", json.dumps({"cells": [cell]})).page_content == (
        "```\n100%|##########|\ndone\n  1\n```\n\n```\na lamp\n```"
    )


def test_the_figures_of_a_chart_are_those_of_a_table(load: Load) -> None:
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData, XyChartData
    from pptx.enum.chart import XL_CHART_TYPE

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    bars = CategoryChartData()
    bars.categories = ["East", "West|"]
    bars.add_series("2022", (19.5, None))
    bars.add_series("2023", (22, 28))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 9, 9, bars).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Dues"
    points = XyChartData()
    points.add_series("Depth").add_data_point(1, 2.5)
    slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, 0, 0, 9, 9, points)
    out = io.BytesIO()
    deck.save(out)
    assert load("a.pptx", out.getvalue()).page_content == (
        "# Slide 1\n\nDues\n\n|  | 2022 | 2023 |\n| --- | --- | --- |\n| East | 19.5 | 22 |\n| West\\| |  | 28 |"
    )


def test_a_message_shows_who_wrote_what(load: Load) -> None:
    document = load("a.eml", samples.EML)
    assert document.page_content == (
        "# Café\n\nFrom: Ada <ada@example.org>\nTo: bob@example.org\n\nThe café opens at nine."
    )
    assert document.metadata["title"] == "Café"


def multipart(kind: str, *parts: str) -> str:
    return f"Content-Type: multipart/{kind}; boundary=b{kind}\n\n" + "".join(f"--b{kind}\n{part}\n" for part in parts)


@pytest.mark.parametrize("blank", ["", "=C2=A0"])
def test_a_message_whose_plain_body_is_blank_is_read_from_its_html(load: Load, blank: str) -> None:
    plain = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{blank}"
    page, pictures = (f"Content-Type: text/html\n\n<p>{text}</p>" for text in ("It is <b>nine</b>.", "<img src=a>"))
    head = "Subject: Hours\n"
    assert load("a.eml", head + multipart("alternative", plain, page)).page_content == "# Hours\n\nIt is nine."
    assert load("b.eml", head + multipart("alternative", plain, pictures)).page_content == "# Hours"


@pytest.mark.parametrize(("charset", "sent"), [("gb2312", "中文"), ("iso-2022-jp", "日本"), ("iso-8859-1", "“é”")])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_body_is_in_the_encoding_that_its_part_says(load: Load, kind: str, charset: str, sent: str) -> None:
    head = f"Subject: x\nContent-Type: text/{kind}; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    body = sent.encode("cp1252" if "“" in sent else charset)
    assert load("a.eml", head.encode() + body).page_content == f"# x\n\n{sent}"


def test_a_page_in_a_message_names_its_encoding_where_its_part_does_not(load: Load) -> None:
    head = 'Subject: x\nContent-Type: text/html; charset=us-ascii\n\n<meta charset="koi8-r"><p>'
    assert load("a.eml", head.encode() + "лампа".encode("koi8-r")).page_content == "# x\n\nлампа"


def test_a_part_without_headers_is_plain_text(load: Load) -> None:
    assert load("a.eml", "Subject: Hours\n" + multipart("mixed", "\nNine.")).page_content == "# Hours\n\nNine."


def test_a_message_that_is_forwarded_is_read_below_the_one_it_is_in(load: Load) -> None:
    note = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nx"
    inner = "Subject: Hours\nFrom: Ada <ada@example.org>\n" + multipart(
        "alternative", "Content-Type: text/plain\n\nNine."
    )
    sent = multipart(
        "mixed", "Content-Type: text/plain\n\nSee below.", f"Content-Type: message/rfc822\n\n{inner}", note
    )
    document = load("a.eml", f"Subject: Fwd\n{sent}")
    assert document.page_content == (
        "# Fwd\n\nSee below.\n\nAttachments: a.txt\n\n## Hours\n\nFrom: Ada <ada@example.org>\n\nNine."
    )
    assert paths_of(document) == [("Fwd",), ("Fwd", "Hours")]


def test_messages_forwarded_in_each_other_are_read_to_some_depth_and_named_beyond_it(load: Load) -> None:
    text = load("a.eml", "".join(f"Subject: {n}\nContent-Type: message/rfc822\n\n" for n in range(1, 9))).page_content
    assert text == "# 1\n\n## 2\n\n### 3\n\n#### 4\n\n##### 5\n\n###### 6\n\nAttachments: 7"


def test_a_mailbox_is_cut_at_its_messages(load: Load) -> None:
    document = load("a.mbox", samples.MBOX)
    assert "First body.\nFrom here on." in document.page_content
    assert paths_of(document) == [("One",), ("Two",)]


def test_subtitles_keep_their_times_and_lose_their_tags(load: Load) -> None:
    assert load("a.srt", samples.SRT).page_content == "[00:00:01] Hello & welcome\n[00:01:05] to lamps"


def test_only_tags_are_taken_out_of_subtitles(load: Load) -> None:
    cue = "<v Ada><c.loud>a<5 and c>3</c></v> <00:00:01.500><font color=red>{\\an8}x</font><b.x> y</b><br/> <Ada>"
    assert load("a.vtt", f"00:01.000 --> 00:02.000\n{cue}").page_content == "[00:01] Ada: a<5 and c>3 x y <Ada>"


def test_subtitles_say_who_speaks(load: Load) -> None:
    cues = ("<v Ada Teal>Shall we?</v>\n<v.loud Bob>Yes.</v>", "<v>No.</v>")
    shown = "".join(f"00:0{at}.000 --> 00:09.000\n{cue}\n\n" for at, cue in zip((1, 3), cues, strict=True))
    text = load("a.vtt", f"WEBVTT\n\n{shown}").page_content
    assert text == "[00:01] Ada Teal: Shall we? Bob: Yes.\n[00:03] No."


def test_rtf_is_read_as_text(load: Load) -> None:
    assert load("a.rtf", samples.RTF).page_content == "Lamps shine.\nCafé."


def test_rtf_keeps_footnotes_and_characters_of_two_parts(load: Load) -> None:
    note = r"{\*\footnote\pard\plain{\super\chftn} Since {\i 2019} \{sic\}.}"
    source = rf"{{\rtf1\ansi Lamps{{\super\chftn{note}}} shine \u-10179?\u-8704?.\footnotesep\par}}"
    assert load("a.rtf", source).page_content == "Lamps (Since 2019 {sic}.) shine \U0001f600."


def test_xml_records_name_their_values_and_prose_is_a_paragraph(load: Load) -> None:
    document = load("a.xml", samples.XML)
    assert document.page_content == "title: Lamps\n\nitem@id: 7; item.name: desk; item.price: 19\n\nA good one."
    assert document.metadata["title"] == "Lamps"


def test_lines_and_items_inside_of_xml_prose_are_apart(load: Load) -> None:
    prose = "<p>Wipe<br/>weekly: <list><item>H<sub>2</sub>O</item><item>soap</item></list>, dry.</p>"
    assert load("a.xml", f"<doc>{prose}<p>x</p></doc>").page_content == "Wipe weekly: H2O soap , dry.\n\np: x"


def test_code_inside_of_xml_keeps_its_lines(load: Load) -> None:
    code = "\n\nif lamp:\n    <b>dim</b>()\n\n  "
    prose = f"<para>Then\n run: <screen>{code}</screen> and\n <code>wait</code>.</para>"
    listing = "<section><title>Care</title><programlisting>a = 1\n  b = 2\n</programlisting></section>"
    text = load("a.xml", f"<book>{prose}{listing}<pre>one</pre></book>").page_content
    assert text == (
        "Then run:\nif lamp:\n    dim()\nand wait.\n\n"
        "section.title: Care\nsection.programlisting:\na = 1\n  b = 2\n\npre: one"
    )


def test_xml_keeps_white_space_where_it_says_so(load: Load) -> None:
    page = '<page><title>Lamps</title><text xml:space="preserve">== Care ==\n* wipe\n  * dry\n</text></page>'
    within = '<data xml:space="preserve"><value>a\nb</value><note xml:space="default">c\n d</note></data>'
    assert load("a.xml", f"<wiki>{page}{within}</wiki>").page_content == (
        "page.title: Lamps\npage.text:\n== Care ==\n* wipe\n  * dry\n\ndata.value:\na\nb\ndata.note: c d"
    )


def test_a_reference_to_an_entity_of_an_xml_file_stays_as_it_is_written_and_so_does_what_follows(load: Load) -> None:
    entity = '<!DOCTYPE r [<!ENTITY co "Acme Ltd">]>'
    item = "<item><who>&co;</who><x>Owes &co; 500</x></item>"
    text = load("a.xml", f"{entity}<r><p>Paid by &co; on Monday <b>in euro</b> &co;.</p>{item}</r>").page_content
    assert text == "Paid by &co; on Monday in euro &co;.\n\nitem.who: &co;; item.x: Owes &co; 500"


def test_comments_and_instructions_of_xml_are_left_out_as_if_they_were_not_there(load: Load) -> None:
    text = load(
        "a.xml", "<r><name><!-- c -->Ali<?pi x?>ce</name><p>One <!-- c -->two <b>three</b></p></r>"
    ).page_content
    assert text == "name: Alice\n\nOne two three"


@pytest.mark.parametrize(
    ("name", "source", "paths"),
    [
        ("a.rst", samples.RST, [("Lamps",), ("Lamps", "Care"), ("Lamps", "Care", "Deep"), ("Lamps", "Price")]),
        ("a.adoc", samples.ADOC, [("Lamps",), ("Lamps", "Care")]),
        ("a.tex", samples.LATEX, [("Lamps", "Care well"), ("Lamps", "Care well", "Deep")]),
    ],
)
def test_markup_is_kept_as_written_and_its_headings_travel_with_the_chunks(
    load: Load, name: str, source: str, paths: list[tuple[str, ...]]
) -> None:
    document = load(name, source)
    assert document.page_content == source
    assert document.metadata["title"] == "Lamps"
    assert paths_of(document) == paths


MEMBERS = {
    "docs/a.md": b"# Lamps\n\nShine.\n",
    "b.py": b"def f():\n    return 1\n",
    "c.bin": b"\0\1\2\3" * 9,
    ".x": b"n",
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", samples.zipped(MEMBERS)),
        ("a.tar", samples.tarred(MEMBERS, "w:")),
        ("a.tgz", samples.tarred(MEMBERS)),
        ("a.tar.xz", samples.tarred(MEMBERS, "w:xz")),
    ],
)
def test_members_of_an_archive_are_read_as_files_and_name_their_chunks(load: Load, name: str, content: bytes) -> None:
    document = load(name, content)
    assert document.page_content == "# Lamps\n\nShine.\n\n\ndef f():\n    return 1\n"
    assert paths_of(document) == [("docs/a.md", "Lamps"), ("b.py", "f")]
    assert document.metadata["title"] == name


def test_members_of_an_archive_that_cannot_be_read_are_named(load: Load) -> None:
    names = ("broken.pdf", "inner.zip", "locked.txt", "vast.txt", "flipped.txt", "squeezed.txt", ".hidden")
    content = bytearray(samples.zipped({**dict.fromkeys(names, b"x"), "good.txt": b"good"}))
    listed = {name: content.rindex(name.encode()) - 46 for name in names}  # in the list at the end
    locked, vast = listed["locked.txt"], listed["vast.txt"]
    content[locked + 8] |= 1  # the flag of encryption
    content[listed["flipped.txt"] + 16] ^= 1  # the sum
    content[listed["squeezed.txt"] + 10] = 9  # Deflate64, which Windows makes of large files
    content[vast + 20 : vast + 28] = (60_000_000).to_bytes(4, "little") * 2  # packed and unpacked
    document = load("a.zip", bytes(content))
    assert document.page_content == "good"
    assert [(member["name"], member["reason"]) for member in document.metadata["skipped"]] == [
        ("broken.pdf", "not a PDF: it has no %PDF header"),
        ("inner.zip", "an archive inside of an archive"),
        ("locked.txt", "encrypted: unpack it with its password"),
        ("vast.txt", "over 50,000,000 bytes"),
        ("flipped.txt", "damaged file: BadZipFile: Bad CRC-32 for file 'flipped.txt'"),
        ("squeezed.txt", "damaged file: NotImplementedError: That compression method is not supported"),
    ]
    assert "skipped" not in load("b.zip", samples.zipped({"good.txt": b"good", ".x": b""})).metadata


@pytest.mark.parametrize("mistake", [ZeroDivisionError, TypeError])
def test_a_parser_s_mistake_in_a_member_of_an_archive_costs_that_member_alone(
    load: Load, monkeypatch: pytest.MonkeyPatch, mistake: type[Exception]
) -> None:
    def fail(_: Path) -> Document:
        raise mistake

    monkeypatch.setitem(_registered, ".odd", fail)
    document = load("a.zip", samples.zipped({"b.odd": b"x", "good.txt": b"good"}))
    assert document.page_content == "good"
    assert document.metadata["skipped"] == [{"name": "b.odd", "reason": f"cannot be parsed: {mistake.__name__}"}]


def test_a_member_of_an_archive_has_its_own_name_for_a_title(load: Load) -> None:
    members = {"x/my notes-2.txt": b"x", "win\\é.txt": b"y", "b-c.py": b"z", " ": b"a", f"{'n' * 300}.md": b"b"}
    parts = load("a.zip", samples.zipped(members)).metadata["parts"]
    assert [part["title"] for part in parts] == ["my notes-2", "é", "b-c.py", "untitled", "n" * 200]


def test_a_file_that_is_compressed_on_its_own_is_read(load: Load) -> None:
    document = load("notes.txt.gz", gzip.compress(b"The lamp shines."))
    assert document.page_content == "The lamp shines."
    assert paths_of(document) == [("notes.txt",)]


def test_a_page_that_is_called_pdf_is_read_as_the_page_that_it_is(load: Load) -> None:
    document = load("a.pdf", "<!DOCTYPE html><html><body><p>Not found</p></body></html>")
    assert (document.page_content, document.metadata["format"]) == ("Not found", "html")


@pytest.fixture
def drawio() -> Iterator[None]:
    def read(path: Path) -> Iterator[Document]:
        if path.read_bytes() == b"bad":
            raise ZeroDivisionError("upset")
        yield Document("one", metadata={"title": "Plan"})
        yield Document("two")

    register_loader(".DrawIO", read)
    yield
    del _registered[".drawio"]


@pytest.mark.usefixtures("drawio")
def test_a_loader_from_outside_reads_its_suffix(load: Load, refusal: Refusal) -> None:
    document = load("a.drawio", b"good")
    assert (document.page_content, document.metadata["title"]) == ("one\n\ntwo", "Plan")
    assert ".drawio" in supported_suffixes()
    assert refusal("b.drawio", b"bad") == "damaged .drawio file: ZeroDivisionError: upset"


@pytest.mark.parametrize(("suffix", "reason"), [("drawio", "begin with a dot"), (".foo.bar", "one dot")])
def test_a_suffix_that_no_file_can_have_is_refused(suffix: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"must .*{reason}"):
        register_loader(suffix, lambda path: [])
