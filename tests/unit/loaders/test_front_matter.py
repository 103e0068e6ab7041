"""Front matter: what it says is kept as plain values, and nothing in it can do harm."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.loaders.front_matter import front_matter
from tests.unit.loaders.conftest import Load


def test_values_are_kept_as_json_can_hold_them(load: Load) -> None:
    text = (
        "---\ntitle: 'Mill: a survey'\ndate: 2024-03-28\nread: 2024-03-28 10:30:00\ntags: [water, 5, [x], null]\n"
        "author:\n  name: Coyle\n  age: 41\nempty:\nratio: .nan\ndraft: yes\n---\n# Heading\n"
    )
    document = load("a.md", text)
    assert document.metadata["title"] == "Mill: a survey"
    assert document.metadata["custom"] == {
        "title": "Mill: a survey", "date": "2024-03-28", "read": "2024-03-28T10:30:00", "tags": ["water", 5],
        "author.name": "Coyle", "author.age": 41, "ratio": "nan", "draft": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a: 2024-02-31", "2024-02-31"),
        ("a: [2024-02-31, x]", ["2024-02-31", "x"]),
        ("a: @ada", "@ada"),
        ("a: Plan: phase 2\n  and three", "Plan: phase 2 and three"),
        ("a: [Draft] Plan", "[Draft] Plan"),
        ('a: "He said "no""', 'He said "no"'),
        ("a: &x [1, 1]\nb: *x", [1, 1]),
        ("a: !!python/object:os.system x", "!!python/object:os.system x"),
    ],
)
def test_a_value_that_is_no_yaml_is_text_and_the_others_are_kept(line: str, value: object) -> None:
    around = f"first: [1, 2]\n{line}\n# b: 1\n'last one':\n- x\n- y\nurl:\n  at: http://x"
    fields = front_matter(f"---\n{around}\n---\nText.\n")
    assert fields["a"] == value
    assert fields.items() >= {"first": [1, 2], "last one": ["x", "y"], "url.at": "http://x"}.items()


def test_nested_values_that_are_no_yaml_are_passed_over() -> None:
    assert front_matter("---\na:\n  b: @x\nc: 1\n---\n") == {"c": 1}


@pytest.mark.parametrize("body", ["a: " + "[" * 5000, "a: " + "x" * 70_000, "a: 0x" + "f" * 4000])
def test_front_matter_that_is_too_much_is_passed_over_and_the_text_is_read(load: Load, body: str) -> None:
    document = load("a.md", f"---\n{body}\n---\nThe text.\n")
    assert "custom" not in document.metadata
    assert "The text." in document.page_content


def test_thousands_of_brackets_are_not_scanned() -> None:
    started = time.process_time()
    assert front_matter(f"---\na: {'[' * 30_000}\n---\n") == {}
    assert time.process_time() - started < 1


@given(st.text(alphabet="ab:-[]{}&*!|>'\"\\ \n0.#,?%@`~x\0", max_size=60))
def test_any_front_matter_is_read_or_passed_over(body: str) -> None:
    json.loads(json.dumps(front_matter(f"---\na: 1\n{body}\n---\n"), allow_nan=False))
