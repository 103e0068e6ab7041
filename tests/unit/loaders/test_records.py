"""CSV and JSON: each record says what its values mean."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.loaders.records import load_csv, load_json
from tests.unit.loaders.conftest import Load, Refusal


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", "id,name\n1,lamp\n2,\n", "id: 1; name: lamp\nid: 2"),
        ("a.csv", 'id,note\n1,"two\nlines, one cell"\n', "id: 1; note: two lines, one cell"),
        ("a.csv", "name;price\nlamp;1,5\nbulb;2,5\n", "name: lamp; price: 1,5\nname: bulb; price: 2,5"),
        ("a.csv", 'id,"note; more"\n1,"a;b"\n', "id: 1; note; more: a;b"),
        ("a.csv", "a|b\n1|2\n", "a: 1; b: 2"),
        ("a.csv", ",name\n1,lamp,extra\n", "column 1: 1; name: lamp; column 3: extra"),
        ("a.csv", "only,a header\n", "only; a header"),
        ("a.csv", "\ufeffid,name\r\n1,lamp\r\n", "id: 1; name: lamp"),
        ("a.csv", "sep=;\nname;note\nlamp;a,b,c\n", "name: lamp; note: a,b,c"),
        ("a.csv", "sep=^\na^b\n1^2\n", "a: 1; b: 2"),
        (
            "a.csv",
            'id,size\n1,"5 inch\n2,6\n3,"7 inch\n4,8\n',
            'id: 1; size: "5 inch\nid: 2; size: 6\nid: 3; size: "7 inch\nid: 4; size: 8',
        ),
        ("a.csv", 'id,note\n1,"a, b" \n2,"c, d"\n', "id: 1; note: a, b\nid: 2; note: c, d"),
        ("a.csv", 'id,size\n1,5" pipe\n2,"a, b"\n', 'id: 1; size: 5" pipe\nid: 2; size: a, b'),
        ("a.tsv", 'id\tsize\n1\t"5 inch\n2\t6\n3\t7 "x"\n', 'id: 1; size: "5 inch\nid: 2; size: 6\nid: 3; size: 7 "x"'),
        ("a.csv", f'id,note\n1,"{"x" * 200_000}"\n', f"id: 1; note: {'x' * 200_000}"),
        (
            "a.csv",
            "Boats in 2024\n\nday;price;note\n1.2.;12,50;teal, new\n2.2.;3,20;old\n",
            "Boats in 2024\nday: 1.2.; price: 12,50; note: teal, new\nday: 2.2.; price: 3,20; note: old",
        ),
        ("a.csv", "Boats,,\nday,price,note\n1,2,x\n", "Boats\nday: 1; price: 2; note: x"),
        ("a.csv", "name,\nlamp,teal\n", "name: lamp; column 2: teal"),
        ("a.csv", "name\nlamp, teal\nbulb, red\n", "name: lamp; column 2: teal\nname: bulb; column 2: red"),
        ("a.csv", "said\nlamp, teal, new\nbulb\n", "said: lamp; column 2: teal; column 3: new\nsaid: bulb"),
        ("a.tsv", "id\tname, full\n1\tlamp, teal\n", "id: 1; name, full: lamp, teal"),
    ],
)
def test_a_row_names_its_columns(load: Load, name: str, content: str, text: str) -> None:
    assert load(name, content).page_content == text


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.json", '{"a": {"w": 41, "on": true, "tags": ["x", "y"]}}', "a.w: 41; a.on: true; a.tags: x, y"),
        ("a.json", '[{"id": 1}, {"id": 2}]', "id: 1\n\nid: 2"),
        ("a.json", '{"rows": [{"id": 1}, {"id": 2}]}', "rows[1].id: 1; rows[2].id: 2"),
        ("a.json", "[1, 2.50, 3e2]", "1, 2.50, 3e2"),
        ("a.json", '{"errors": [], "meta": {}, "x": null}', "errors: []; meta: {}; x: null"),
        ("a.json", '"\\ud800 x"', "\ufffd x"),
        ("a.jsonl", '{"id": 1}\n\n{"id": 2}\n', "id: 1\n\nid: 2"),
        ("a.jsonl", '"one"\n"two"\n', "one, two"),
        ("a.json", '{"id": 1}\n\n{"id": 2}\n', "id: 1\n\nid: 2"),
    ],
)  # fmt: skip
def test_a_value_names_its_path(load: Load, name: str, content: str, text: str) -> None:
    assert load(name, content).page_content == text


def test_a_long_record_has_a_line_for_each_value(load: Load) -> None:
    text = load("a.json", json.dumps({"one": "x" * 600, "two": "y" * 600})).page_content
    assert text == f"one: {'x' * 600}\ntwo: {'y' * 600}"


def test_an_integer_of_any_length_is_kept(load: Load) -> None:
    assert load("a.json", "9" * 5000).page_content == "9" * 5000


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", ",,,\n,,\n", "no text in it"),
        ("a.json", '{"a": 1,\n "b"}', "not valid JSON: line 2"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '{"a":' * 150 + "1" + "}" * 150, "nested deeper than 100"),
        ("a.json", "[]", "no text in it"),
        ("a.json", "{}", "no text in it"),
        ("a.jsonl", '{"a": 1}\n{"a"', "not valid JSON Lines: line 2"),
        ("a.json", '{"a": 1}\n{"a"', "not valid JSON: line 2: Extra data"),
        ("a.json", '{"a": 1} {"a": 2}', "not valid JSON: line 1: Extra data"),
        ("a.jsonl", "1\n" + "[" * 100_000, "line 2: nested too deeply"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(refusal: Refusal, name: str, content: str, reason: str) -> None:
    assert reason in refusal(name, content)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(lambda t: "\ufeff" not in t)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=2, max_size=5))
def test_every_cell_of_a_table_is_in_the_text(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "cells.tsv"
    out = io.StringIO()
    csv.writer(out, delimiter="\t").writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    text, _ = load_csv(path)
    assert all(cell in text for row in rows[1:] for cell in row)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1),
)


@given(VALUES)
def test_every_value_of_a_json_file_is_in_the_text(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = Path(tmp_path_factory.getbasetemp() / "value.json")
    path.write_text(json.dumps([value, "end"]), encoding="utf-8")
    text, _ = load_json(path)

    def leaves(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [leaf for inner in node.values() for leaf in leaves(inner)]
        if isinstance(node, list):
            return [leaf for inner in node for leaf in leaves(inner)]
        return [node if isinstance(node, str) else json.dumps(node)]

    assert all(leaf in text for leaf in leaves(value))
