"""Headings of plain text: underlined lines, and nothing that only looks like them."""

from agentkit.chunkers.outlines import latex_headings, text_headings


def titles(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in text_headings(text)]


def test_underlined_lines_are_headings_of_plain_text() -> None:
    manual = "git(1)\n======\n\nNAME\n----\ngit\n\nOPTIONS\n-------\n\nVersion 2; since 1:\n-------------------\nfix\n"
    assert titles(manual) == [(1, "git(1)"), (2, "NAME"), (2, "OPTIONS"), (2, "Version 2; since 1:")]
    assert titles("\n====\nLamp\n====\n\n \nCare\n****\n") == [(1, "Lamp"), (2, "Care")]


def test_listings_rules_and_paragraphs_are_none() -> None:
    assert titles("So:\n\n----\nls\n----\n\n....\nls\n....\n") == []
    assert titles("first line\nsecond line\n-----------\n\nlong line\n---\n\n--------\n\nafter\n") == []


def test_titles_of_latex_are_read_as_they_are_printed() -> None:
    source = "\\title{On \\emph{Lamps} \\\\[2ex] and\n  Light}\n\\section[Short]{R\\&D, 5\\,\\%}\nx\n\\section{a\n\nb}"
    assert [heading.title for heading in latex_headings(source)] == ["On Lamps and Light", "R&D, 5 %"]
