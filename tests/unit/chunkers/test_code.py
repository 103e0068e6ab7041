"""Source code by definitions."""

import subprocess
import sys

import pytest

from agentkit.chunkers.code import code_sections

SOURCE = '''"""A module."""

import os


@cache
def first(x):
    return x


class Lamp:
    """A lamp."""

    watts = 41

    def light(self):
        return self.watts

    async def fade(self):
        return 0


LAST = 1
'''


def sections(text: str, language: str = "python", max_chars: int = 1000) -> list[tuple[tuple[str, ...], str]]:
    found = code_sections(text, language, max_chars=max_chars)
    assert "".join(text[section.start : section.end] for section in found) == text
    return [(section.heading_path, text[section.start : section.end].strip()) for section in found]


def test_a_definition_is_a_section_under_its_name() -> None:
    names = [path for path, _ in sections(SOURCE)]
    assert names == [(), ("first",), (), ("Lamp",), ()]
    by_name = dict(sections(SOURCE))
    assert by_name["first",].startswith("@cache\ndef first")
    assert by_name["Lamp",].endswith("return 0")


def test_a_long_class_is_cut_into_its_methods() -> None:
    by_name = dict(sections(SOURCE, max_chars=60))
    assert by_name["Lamp", "light"].startswith("def light")
    assert by_name["Lamp", "fade"].startswith("async def fade")
    assert any(path == ("Lamp",) and "watts = 41" in text for path, text in sections(SOURCE, max_chars=60))


def test_lines_are_counted_as_the_parser_counts_them() -> None:
    text = "x = 'a\u2028b'\n\x0c\ndef f():\n    pass\n"
    assert dict(sections(text))["f",] == "def f():\n    pass"


@pytest.mark.parametrize("text", ["def f(:\n    pass\n", "x = '", "print 'python 2'\n\ndef f():\n    pass\n"])
def test_a_file_that_does_not_parse_is_cut_like_other_languages(text: str) -> None:
    assert sections(text) == sections(text, "go")


def test_another_language_is_cut_between_its_top_level_blocks() -> None:
    blocks = [f"// f{n}\nfunc f{n}() {{\n\n    return {n}\n\n}}" for n in range(6)]
    found = sections("\n\n".join(blocks), "go", max_chars=90)
    assert [text for _, text in found] == ["\n\n".join(blocks[at : at + 2]) for at in (0, 2, 4)]


@pytest.mark.parametrize(
    "source", ['"(" * 100_000', '"-" * 200_000 + "1"', '"a" + "+b" * 100_000', '"[" * 99 + "]" * 99']
)
def test_source_nested_without_end_does_not_end_the_process(source: str) -> None:
    program = f"from agentkit.chunkers.code import code_sections; code_sections({source}, 'python', max_chars=1000)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
