"""Merged cells: each row stands below the right columns and can be read on its own."""

from time import perf_counter

import pytest

from agentkit.loaders.merged import unmerged
from tests.unit.loaders import samples
from tests.unit.loaders.conftest import Load

TABLE = "| town | sales |  |\n| --- | --- | --- |\n| Fennay | 1 | 2 |\n| Fennay | 3 | 4 |\n| in all |  | 10 |"


def test_a_table_of_a_page(load: Load) -> None:
    page = (
        "<table><tr><th>town<th colspan=2>sales<tr><td rowspan=2>Fennay<td>1<td>2<tr><td>3<td>4"
        "<tr><td colspan=2>in all<td>10</table>"
    )
    assert load("a.html", page).page_content == TABLE


def test_a_table_of_odt(load: Load) -> None:
    def cell(text: str, columns: int = 1, rows: int = 1) -> str:
        spans = f'table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}"'
        return f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>"

    covered = "<table:covered-table-cell/>"
    rows = (
        cell("town") + cell("sales", 2) + covered, cell("Fennay", 1, 2) + cell("1") + cell("2"),
        covered + cell("3") + cell("4"), cell("in all", 2) + covered + cell("10"),
    )  # fmt: skip
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    assert load("a.odt", samples.odt(f"<table:table>{body}</table:table>")).page_content == TABLE


def test_a_table_of_a_slide(load: Load) -> None:
    import io

    from pptx import Presentation

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    table = slide.shapes.add_table(4, 3, 0, 0, 900, 900).table
    rows = [("town", "sales", ""), ("Fennay", "1", "2"), ("", "3", "4"), ("in all", "", "10")]
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    for (row, column), (last_row, last_column) in (((0, 1), (0, 2)), ((1, 0), (2, 0)), ((3, 0), (3, 1))):
        table.cell(row, column).merge(table.cell(last_row, last_column))
    out = io.BytesIO()
    deck.save(out)
    assert load("a.pptx", out.getvalue()).page_content == f"# Slide 1\n\n{TABLE}"


@pytest.mark.parametrize("height", [1, 65_534])
def test_a_table_that_says_it_is_huge_stays_small(height: int) -> None:
    began = perf_counter()
    rows = list(unmerged([[("x" * 50, 10**9, height)] * 20, *[[("y", 1, 1)]] * 10_000]))
    assert sum(map(len, rows)) < 2_000_000
    assert len("".join(map("".join, rows))) < 300_000
    assert perf_counter() - began < 2
