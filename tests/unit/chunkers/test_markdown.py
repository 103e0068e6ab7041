"""Markdown by headings: what is one, what is not, and which stand above a section."""

from time import perf_counter

import pytest

from agentkit.chunkers.markdown import front_matter_end, headings, markdown_sections


def paths(text: str) -> list[tuple[tuple[str, ...], str]]:
    return [(section.heading_path, text[section.start : section.end].strip()) for section in markdown_sections(text)]


def titles(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in headings(text)]


def test_a_section_knows_the_headings_above_it() -> None:
    text = "Before\n\n# Lamp\n\nIntro\n\n## Power\n\n41 watts\n\n### Night\n\n3 watts\n\n## Mass\n\n2 kg\n"
    assert paths(text) == [
        ((), "Before"),
        (("Lamp",), "# Lamp\n\nIntro"),
        (("Lamp", "Power"), "## Power\n\n41 watts"),
        (("Lamp", "Power", "Night"), "### Night\n\n3 watts"),
        (("Lamp", "Mass"), "## Mass\n\n2 kg"),
    ]


def test_a_heading_without_a_body_goes_with_the_next() -> None:
    assert paths("# Lamp\n\n## Power\n\n41 watts") == [(("Lamp", "Power"), "# Lamp\n\n## Power\n\n41 watts")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n", [(1, "A")]),
        ("###### F ##\n", [(6, "F")]),
        ("# C#\n", [(1, "C#")]),
        ("#\n", [(1, "")]),
        ("   ## B", [(2, "B")]),
        ("A\n===\nB\n---\n", [(1, "A"), (2, "B")]),
        ("#hashtag\n####### seven\n    # code\n", []),
        ("- item\n---\n\n1. item\n---\n\n> quote\n---\n\n---\n", []),
        ("| a |\n---\n", []),
        ("A\n\n---\n", []),
        ("a\x0c# b\u2028# c\n", []),
    ],
)
def test_headings_are_those_of_commonmark(text: str, expected: list[tuple[int, str]]) -> None:
    assert titles(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "```\n# a\n```\n# B\n",
        "~~~~ sh\n# a\n~~~\n# a\n~~~~~\n# B\n",
        "```\n~~~\n# a\n```\n# B\n",
        "- ```\n  # a\n  ```\n\n# B\n",
        "1. text\n   ```sh\n   # a\n   ```\n# B\n",
        "> ```\n> # a\n> ```\n# B\n",
        "```inline``` code opens nothing\n\n# B\n",
        "---\ntitle: x\n# comment: y\n---\n# B\n",
        "---\n# comment\ntitle: x\n---\n# B\n",
    ],
)
def test_code_and_front_matter_hold_no_headings(text: str) -> None:
    assert titles(text) == [(1, "B")]


def test_a_rule_at_the_beginning_is_no_front_matter() -> None:
    assert titles("---\n\n# A\n\ntext\n\n---\n\n# B\n") == [(1, "A"), (1, "B")]
    assert front_matter_end("---\nnever: closed\n") == 0


def test_a_fence_that_is_never_closed_runs_to_the_end() -> None:
    assert titles("# A\n```\n# b\n") == [(1, "A")]


@pytest.mark.parametrize(
    "line", ["# " + " \t" * 50_000 + "x", "# " + "a #" * 50_000, "`" * 100_000, "> " * 50_000, "---\n" * 30_000]
)
def test_a_hostile_line_takes_no_time(line: str) -> None:
    started = perf_counter()
    assert all(len(title) <= 200 for _, title in titles(line + "\n"))
    assert perf_counter() - started < 2
