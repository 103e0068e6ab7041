"""Mail: all that a message says is read, whatever program wrote it."""

from tests.unit.loaders.conftest import Load
from tests.unit.loaders.test_formats import multipart, paths_of

TEXT = "Content-Type: text/plain\n\n"
PAGE = "Content-Type: text/html\n\n"
DRAWING = 'Content-Type: application/pdf; name="{0}"\nContent-Disposition: inline; filename="{0}"\n\nx'
PICTURE = 'Content-Type: image/png; name="logo.png"\nContent-Disposition: inline; filename="logo.png"\n\nx'


def test_text_behind_a_picture_or_file_in_a_message_is_read(load: Load) -> None:
    parts = (f"{TEXT}Before.", PICTURE, f"{TEXT}Between.", DRAWING.format("gate.pdf"), f"{PAGE}<p>Behind.</p>")
    text = load("a.eml", "Subject: Gate\n" + multipart("mixed", *parts)).page_content
    assert text == "# Gate\n\nBefore.\n\nBetween.\n\nBehind.\n\nAttachments: gate.pdf"


def test_one_of_the_alternatives_of_a_message_is_read_and_the_footer_of_a_list(load: Load) -> None:
    alternatives = multipart("alternative", f"{PAGE}<p>A page.</p>", f"{TEXT}The text.")
    text = load("a.eml", "Subject: Gate\n" + multipart("mixed", alternatives, f"{TEXT}Footer.")).page_content
    assert text == "# Gate\n\nThe text.\n\nFooter."


def test_a_page_with_its_pictures_is_read_once(load: Load) -> None:
    pages = multipart("related", f"{PAGE}<p>A page.</p>", PICTURE, f"{PAGE}<p>A frame.</p>")
    text = load("a.eml", "Subject: Gate\n" + multipart("alternative", f"{TEXT} ", pages)).page_content
    assert text == "# Gate\n\nA page."


def test_the_page_that_a_related_part_names_is_read(load: Load) -> None:
    page = "Content-ID: <2>\n" + PAGE
    related = multipart("related", PICTURE, f"{page}<p>A page.</p>").replace("boundary", 'start="<2>"; boundary', 1)
    assert load("a.eml", f"Subject: Gate\n{related}").page_content == "# Gate\n\nA page."


def test_a_sentence_that_begins_with_from_does_not_end_a_message(load: Load) -> None:
    messages = "From ada Mon\nSubject: One\n\nFirst.\n\nFrom here on: more.\n\nFrom bob Tue\nSubject: Two\n\nSecond.\n"
    document = load("a.mbox", messages)
    assert document.page_content == "# One\n\nFirst.\n\nFrom here on: more.\n\n# Two\n\nSecond."
    assert paths_of(document) == [("One",), ("Two",)]


def test_commands_and_signatures_of_a_message_are_no_headings(load: Load) -> None:
    body = "Run this:\n# apt install lamp\nThen wait.\n\nRegards,\nTom\n-- \nTom Smith\n"
    page = "Content-Type: text/html\n\n<p>Dear all,</p><h2>Care</h2><p>Wipe it.</p>"
    assert paths_of(load("a.eml", f"Subject: Lamps\n{TEXT}{body}")) == [("Lamps",)]
    assert paths_of(load("b.eml", f"Subject: Lamps\n{page}")) == [("Lamps",), ("Lamps", "Care")]
