"""PDF: what a printer did to a text is undone, and nothing that stands in it is lost."""

import io

from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from agentkit.loaders.pdf_pages import with_whole_words, without_running_lines
from tests.unit.loaders.conftest import Load


def test_the_cells_of_a_row_stand_on_one_line(load: Load) -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    for y, row in ((700, ("Year", "Vessels")), (680, ("2021", "1,204"))):
        for x, cell in zip((100, 200), row, strict=True):
            canvas.drawString(x, y, cell)
    canvas.drawString(100, 660, "below")
    canvas.save()
    assert load("a.pdf", out.getvalue()).page_content == "Year  Vessels\n2021  1,204\nbelow"


def test_what_stands_at_the_same_end_of_pages_is_kept_once() -> None:
    bodies = ["The first", "The next", "A third", "The last"]
    pages = [f"Harbour Report\nChapter 1: Dues {n + 7}\n{body}\nline {n * n}\n{n + 7}" for n, body in enumerate(bodies)]
    first = "Harbour Report\nChapter 1: Dues 7\nThe first\nline 0"
    assert without_running_lines(pages) == [first, "The next\nline 1", "A third\nline 4", "The last\nline 9"]
    assert without_running_lines([f"Page {n} of 3\n{n * n}" for n in (1, 2, 3)]) == ["Page 1 of 3\n1", "4", "9"]


def test_numbers_that_are_not_the_page_s_and_lines_of_two_pages_stay() -> None:
    pages = ["Fees\na\n12", "Fees\nb\n900", "c\n31", "}\nd\n7", "}\ne\n5", "}\nf\n1"]
    assert without_running_lines(pages) == pages


def test_titles_of_a_few_slides_or_with_a_number_of_their_own_stay() -> None:
    pages = [f"Results\n{n * n} lamps" if 3 < n < 7 else f"Question {n}\n{n * n} lamps" for n in range(20)]
    assert without_running_lines(pages) == pages


def test_the_head_of_a_table_stays_on_each_of_its_pages() -> None:
    pages = [f"Accounts\nDate  Payee  Amount\n{n}  Mill  {n * n}" for n in range(1, 6)]
    kept = without_running_lines(pages)
    assert kept == [pages[0], *(page.removeprefix("Accounts\n") for page in pages[1:])]


def test_a_hyphen_that_breaks_a_word_goes_where_the_document_has_the_word() -> None:
    page = "A wave-\nlength is no wavelength. See the well-\nknown Smith-\nJones, 3-\n5, well-known."
    assert with_whole_words([page]) == [
        "A wavelength is no wavelength. See the well-\nknown Smith-\nJones, 3-\n5, well-known."
    ]
    assert with_whole_words(["a tide-\nmill"]) == ["a tide-\nmill"]


def test_a_word_that_is_only_broken_is_taken_as_most_are() -> None:
    page = "Infor-\nmation and inter-\nnational informa-\ntion. Information, international"
    assert with_whole_words([page]) == ["Information and international information. Information, international"]
    assert with_whole_words([f"{page} tide\nmill, tide-\nmill"]) == [
        "Information and international information. Information, international tide\nmill, tide-\nmill"
    ]


@given(st.lists(st.lists(st.sampled_from(["", "a b", "fee 1", "fee 2", "7", "a-", "report"]), max_size=6), max_size=7))
def test_pages_stay_pages_and_every_wording_stays_somewhere(lines: list[list[str]]) -> None:
    pages = ["\n".join(page).strip() for page in lines]
    kept = without_running_lines(pages)
    assert len(kept) == len(pages)
    for word in ("a b", "fee", "a-", "report"):
        assert any(word in page for page in pages) == any(word in page for page in kept)
