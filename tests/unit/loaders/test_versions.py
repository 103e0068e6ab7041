"""Who changes what a loader gives is reminded to raise its version: indexes read files again by that alone."""

import hashlib
import json
from pathlib import Path

import pytest

from agentkit.errors import DocumentError
from agentkit.loaders import load_document
from agentkit.loaders.formats import FORMATS, LANGUAGES, VERSIONS, format_of
from agentkit.loaders.load import _LOADERS
from tests.unit.loaders.samples import every_format

EXAMPLES = Path(__file__).parents[3] / "examples"
HTML = """<!DOCTYPE html><html><head><title>Lamps</title></head><body><nav><a href="/">Home</a></nav><h1>Care</h1>
<p>Wipe it in 1912<sup>3</sup> ways.<ul><li>One<li>Two</ul><table><tr><th>part<th>watts<tr><td>bulb<td>9</table>
<dl><dt>lamp<dd>It shines.</dl><pre>x = 1</pre></body></html>"""
MARKDOWN = "---\ntitle: Lamps\ntags: [a, b]\n---\n# Care\n\n![](data:image/png;base64,AAAA)\n\nWipe it.\n"
FINGERPRINTS = {
    "archive": (1, "ca6576f12e1b"),
    "asciidoc": (1, "d7ffcdfad8c8"),
    "code": (1, "02c512e071cc"),
    "csv": (1, "4e20b87be44b"),
    "docx": (1, "c722d0261e12"),
    "epub": (2, "ca1d443879fb"),
    "html": (2, "91aef8d15514"),
    "json": (1, "1c7d7da541c4"),
    "latex": (1, "33b688009f3a"),
    "mail": (2, "a49b0ac7c0d8"),
    "mailbox": (2, "8c3091eaaeb7"),
    "markdown": (1, "f8491458ac27"),
    "notebook": (1, "e5873488714f"),
    "odt": (1, "8e0b9ebbceb6"),
    "pdf": (1, "74b916e04b05"),
    "pptx": (1, "0cc1d09d4d1b"),
    "rst": (1, "e4972313dc64"),
    "rtf": (1, "ad12bf0f7be8"),
    "subtitles": (1, "f75d358c5187"),
    "text": (1, "78ca91a02259"),
    "xlsx": (1, "8585ee4d015a"),
    "xml": (2, "fd6cb837769b"),
}
"""Format -> the version, and what its loader gives for the examples."""


def examples(folder: Path) -> list[Path]:
    """Files of every format, by name: reports and minutes of the repository, and files that are written to `folder`."""
    texts = {
        "a.html": HTML, "page.pdf": HTML, "a.md": MARKDOWN, "a.txt": "Caf\xe9\r\n\r\nLamps\n=====\n", "a.css": "a { }",
        "a.csv": "sep=;\nname;price\nlamp;9\n", "a.json": '{"a": [{"b": 1}, {"b": null}]}',
        "a.jsonl": '{"a": 1}\n{"a": 2}',
        **{f"code{suffix}": "#!/bin/x\n# coding: latin-1\nx = 1\n" for suffix in LANGUAGES},
    }  # fmt: skip
    files = every_format() | {name: text.encode("latin-1") for name, text in texts.items()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sorted([*EXAMPLES.rglob("*.pdf"), *EXAMPLES.rglob("*.docx"), *folder.iterdir()], key=lambda path: path.name)


def given(path: Path) -> object:
    """What the loader gives; the words of a refusal are no part of it."""
    try:
        document = load_document(path)
    except DocumentError:
        return [path.name, "refused"]
    return [path.name, document.page_content, document.metadata]


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Format -> the hash of what its loader gives for the examples."""
    hashes = {form: hashlib.sha256() for form in VERSIONS}
    for path in examples(tmp_path_factory.mktemp("examples")):
        hashes[format_of(path)].update(json.dumps(given(path), sort_keys=True).encode())
    return {form: digest.hexdigest()[:12] for form, digest in hashes.items()}


def test_every_format_has_a_loader_and_a_version() -> None:
    assert set(FORMATS.values()) == VERSIONS.keys() == _LOADERS.keys()


@pytest.mark.parametrize("form", VERSIONS)
def test_a_loader_that_gives_something_else_has_another_version(fingerprints: dict[str, str], form: str) -> None:
    version, fingerprint = FINGERPRINTS.get(form, (0, ""))
    is_as_before = fingerprint == fingerprints[form]
    assert is_as_before or VERSIONS[form] != version, (
        f"the loader of {form} gives something else for the same examples, and indexes would keep the old text: raise "
        f"VERSIONS[{form!r}] in agentkit/loaders/formats.py"
    )
    assert (VERSIONS[form], is_as_before) == (version, True), (
        f"write FINGERPRINTS[{form!r}] = ({VERSIONS[form]}, {fingerprints[form]!r}) in {Path(__file__).name}"
    )
