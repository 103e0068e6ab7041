"""XLSX: a cell is what Excel shows of it, and a row says what its columns mean."""

import pytest

from tests.unit.loaders import samples
from tests.unit.loaders.conftest import Load


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (0.155, "0%", "15.5%"), (0.07, "0.00%", "7%"), (0.5, '0.0 "%"', "0.5"), (1, '"%" 0', "1"), (2, "0%", "200%"),
        (1234, "00000", "01234"), (1234, "0", "1234"), (1234.56, "0.0", "1234.56"),
        (1e20, "General", "100000000000000000000"), (True, "0%", "yes"),
        (123456789012345, "General", "123456789012345"),
    ],
)  # fmt: skip
def test_a_number_is_what_excel_shows_or_all_of_it(load: Load, value: float, form: str, shown: str) -> None:
    book = samples.workbook([("a", "b"), (value, "x")], formats={"A2": form})
    assert load("a.xlsx", book).page_content == f"# Sheet\n\na: {shown}; b: x"


def test_a_sum_is_not_shown_with_the_digits_that_a_processor_adds(load: Load) -> None:
    cells = '<c r="A{0}"><v>{1}</v></c><c r="B{0}"><v>0.30000000000000004</v></c>'
    rows = "".join(f'<row r="{row}">{cells.format(row, value)}</row>' for row, value in ((1, 1), (2, 10**400)))
    assert load("a.xlsx", samples.sheet(rows)).page_content == f"# Prices\n\n1: {10**400}; 0.3: 0.3"


def test_a_cell_that_is_merged_down_stands_in_each_of_its_rows(load: Load) -> None:
    rows = [("town", "pier", "boats"), ("Fennay", "east", 2), (None, "west", 3), ("Holm", "old", 1), (None, "new", 4)]
    text = load("a.xlsx", samples.workbook(rows, merged=["A2:A3"])).page_content
    assert text.split("\n")[2:] == [
        "town: Fennay; pier: east; boats: 2", "town: Fennay; pier: west; boats: 3", "town: Holm; pier: old; boats: 1",
        "pier: new; boats: 4",
    ]  # fmt: skip


def test_a_name_that_is_merged_across_is_that_of_its_columns_but_a_caption_is_none(load: Load) -> None:
    rows = [("Boats", None, None), (None, "May", None), ("town", "built", None), ("Fennay", 1, 2)]
    text = load("a.xlsx", samples.workbook(rows, merged=["A1:C1", "A1:A2", "B3:C3"])).page_content
    assert text == "# Sheet\n\nBoats\nMay\ntown: Fennay; built: 1; built: 2"


def test_a_header_of_two_rows_is_read_as_one(load: Load) -> None:
    rows = [
        ("town", "2023", None, "2024"),
        (None, "spring", "autumn", None),
        ("Fennay", 1, 2, 3),
        (None, 4, None, None),
    ]
    text = load("a.xlsx", samples.workbook(rows, merged=["A1:A2", "B1:C1", "D1:D2"])).page_content
    assert text.split("\n")[2:] == ["town: Fennay; 2023 spring: 1; 2023 autumn: 2; 2024: 3", "2023 spring: 4"]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (41.5, '#,##0.00 "€"', "41.5 €"), (-41, '"$"#,##0_);[Red]("$"#,##0)', "-$41"), (2, "[$£-809]#,##0", "£2"),
        (1234, "#,##0.00 [$CHF]", "1234 CHF"), (5, '0.0" kg"', "5 kg"), (7, r"[$USD] 0", "USD 7"),
        (1234567, '#,##0,"K"', "1234567"), (3, '0 "(net)"', "3"), (4, "[Red]0_-", "4"), (8, '_-"€"* #,##0', "€8"),
    ],
)  # fmt: skip
def test_a_number_has_its_currency_or_unit(load: Load, value: float, form: str, shown: str) -> None:
    book = samples.workbook([("a", "b"), (value, "x")], formats={"A2": form})
    assert load("a.xlsx", book).page_content == f"# Sheet\n\na: {shown}; b: x"


def test_a_second_table_of_a_sheet_has_its_own_names(load: Load) -> None:
    rows = [
        ("town", "2023", None), ("Fennay", 1, None), (None, None, None), ("Prices", None, None),
        ("item", "price", "VAT"), ("lamp", 41.5, "8 %"), (None, None, None), ("name", "key", None),
        (None, None, None), ("day", "fee", None),
        ("2024-03-01", 7, None), (None, None, None), ("Source: the harbour", None, None),
    ]  # fmt: skip
    text = load("a.xlsx", samples.workbook(rows, formats={"B6": '0.00 "€"'})).page_content
    assert text.split("\n")[2:] == [
        "town: Fennay; 2023: 1", "Prices", "item: lamp; price: 41.5 €; VAT: 8 %", "item: name; price: key",
        "day: 2024-03-01; fee: 7", "Source: the harbour",
    ]  # fmt: skip
