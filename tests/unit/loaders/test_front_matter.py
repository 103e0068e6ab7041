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
    "body",
    ["a: &x [1, 1]\nb: *x", "a: [unclosed", "a: 2024-02-31", "a: " + "[" * 5000, "a: !!python/object:os.system x",
     "a: " + "x" * 70_000, "a: 0x" + "f" * 4000],
    ids=["alias", "unclosed", "no such day", "deep", "an object of Python's", "long", "a number of 4,000 digits"],
)  # fmt: skip
def test_what_is_not_plain_yaml_is_passed_over_and_the_text_is_read(load: Load, body: str) -> None:
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
