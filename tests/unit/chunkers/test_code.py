"""Source code by definitions."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_the_comment_above_a_python_definition_goes_with_it() -> None:
    text = (
        "import os  # for all\n# A lamp.\nclass Lamp:\n    x = 1\n    # No more\n    # than 41.\n    @cache\n"
        "    def light(self):\n        return self.x\n        # End.\n    def off(self):\n        pass\n"
    )
    assert [body.split("\n")[0] for _, body in sections(text, max_chars=60)] == [
        "import os  # for all", "# A lamp.", "# No more", "# End.", "def off(self):",
    ]  # fmt: skip


def test_lines_are_counted_as_the_parser_counts_them() -> None:
    text = "x = 'a\u2028b'\n\x0c\ndef f():\n    pass\n"
    assert dict(sections(text))["f",] == "def f():\n    pass"


@pytest.mark.parametrize("text", ["def f(:\n    pass\n", "x = '", "print 'python 2'\n\ndef f():\n    pass\n"])
def test_a_file_that_does_not_parse_is_cut_like_other_languages(text: str) -> None:
    assert sections(text) == sections(text, "perl")


def test_another_language_is_cut_between_its_top_level_blocks() -> None:
    blocks = [f"// f{n}\nfunc f{n}() {{\n\n    return {n}\n\n}}" for n in range(6)]
    found = sections("\n\n".join(blocks), "perl", max_chars=90)
    assert [text for _, text in found] == ["\n\n".join(blocks[at : at + 2]) for at in (0, 2, 4)]


DEFINED = {
    "js": ("export default function main(a) {}\nconst f = (x) => x\nclass A { m() {} }\n", "main f A"),
    "ts": ("export interface I { a: string }\nexport abstract class C { private m(): void {} }\n", "I C"),
    "tsx": ("export const App = () => <div>hi</div>;\nfunction X() { return <a/> }\n", "App X"),
    "go": ("package m\n\ntype T struct { a int }\n\nfunc (t *T) Start() {}\nfunc main() {}\n", "T T.Start main"),
    "rust": ("struct P { x: i32 }\nimpl P { fn new() {} }\nmod m { pub fn g() {} }\n", "P P m"),
    "java": ("package a;\npublic class A { @Override public void run() {} }\nrecord R(int a) {}\n", "A R"),
    "kotlin": ("class A { fun f(): Int = 1 }\nobject O { }\nfun top() {}\n", "A O top"),
    "c": ("#ifndef X\nstatic int add(int a) { return a; }\nchar *name(void) { return 0; }\n#endif\n", "add name"),
    "cpp": ("namespace n { class A { void f() {} }; }\nvoid n::A::h() {}\n", "n n::A::h"),
    "csharp": ("namespace N { class A { public void F() {} } }\ninterface I {}\n", "N I"),
    "ruby": ("module M\n class A\n  def f; end\n end\nend\ndef g; end\n", "M g"),
    "php": ("<?php\nclass B { function c() {} }\nfunction d() {}\n", "B d"),
    "swift": ("class A { func f() {} }\nprotocol P { func h() }\n", "A P"),
    "scala": ("object O { def f(x: Int) = x }\nclass C\n", "O C"),
    "lua": ("local function f() end\nfunction M.g() end\n", "f M.g"),
    "shell": ("f() { echo; }\nfunction g { echo; }\n", "f g"),
}


@pytest.mark.parametrize("language", DEFINED)
def test_the_definitions_of_a_language_are_sections_under_their_names(language: str) -> None:
    text, names = DEFINED[language]
    assert [path[0] for path, _ in sections(text, language) if path] == names.split()


def test_a_long_definition_is_cut_into_those_within_it_with_their_comments() -> None:
    text = (
        "import x\n\n/** A lamp. */\nexport class Lamp {\n  watts = 41; // é\n\n  // Shines.\n  @cached()\n"
        "  light() { return this.watts }; // done\n\n  fade() { return 0 }\n}\nlast()\n"
    )
    assert dict(sections(text, "ts"))["Lamp",].startswith("/** A lamp. */\nexport class Lamp {")
    assert sections(text, "ts", max_chars=60)[1:] == [
        (("Lamp",), "/** A lamp. */\nexport class Lamp {\n  watts = 41; // é"),
        (("Lamp", "light"), "// Shines.\n  @cached()\n  light() { return this.watts }; // done"),
        (("Lamp",), ""),
        (("Lamp", "fade"), "fade() { return 0 }"),
        (("Lamp",), "}"),
        ((), "last()"),
    ]


def test_minified_code_keeps_its_names_apart() -> None:
    text = "var a=1;" + "".join(f"function f{n}(){{return {n}}}" for n in range(50))
    assert [path for path, _ in sections(text, "js")][-3:] == [("f47",), ("f48",), ("f49",)]


@given(language=st.sampled_from(sorted(DEFINED)), text=st.text(alphabet="fé(){}[]<>:;\n \t'\"/*#=@,.x1-", max_size=80))
def test_any_text_is_covered_by_the_sections_of_any_language(language: str, text: str) -> None:
    start, _ = DEFINED[language]
    sections(start + text + start, language, max_chars=20)


@pytest.mark.parametrize("text", ["{" * 200_000, "a<" * 60_000, "'\"`" * 40_000])
@pytest.mark.parametrize("language", ["cpp"])
def test_hostile_source_takes_no_time(language: str, text: str) -> None:
    started = time.thread_time()
    sections(text, language)
    assert time.thread_time() - started < 10


@pytest.mark.parametrize(
    "source", ['"(" * 100_000', '"-" * 200_000 + "1"', '"a" + "+b" * 100_000', '"[" * 99 + "]" * 99']
)
def test_source_nested_without_end_does_not_end_the_process(source: str) -> None:
    program = f"from agentkit.chunkers.code import code_sections; code_sections({source}, 'python', max_chars=1000)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_several_threads_cut_source_at_once() -> None:
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from agentkit.chunkers.definitions import definitions
sys.setswitchinterval(1e-4)
sources = ["function f(a){ return a }\\nclass C { m(x){ return x } }\\n" * (80 + more) for more in range(8)]
with ThreadPoolExecutor(8) as threads:
    found = list(threads.map(lambda source: len(definitions(source, "js")), sources * 15))
assert found == [2 * (80 + more) for more in range(8)] * 15
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
