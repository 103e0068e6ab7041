"""Definitions of source code in sixteen languages, found by tree-sitter: names and spans of functions and classes.

Each language is a grammar's wheel and a query for its definitions (tree-sitter.github.io, "Queries"). A file that does
not parse in time, such as a hostile one, has none; damaged code has those that are sound.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Query

_LARGEST_PARSED = 150_000
"""Characters: hostile text of four hundred thousand took 1.5 GB."""
_DEEPEST_BRACKETS = 500
"""Real code has a dozen; a parser takes minutes for a hundred thousand."""
_PARSE_S = 0.3
_PARSE_S_PER_MEGABYTE = 4.0
"""Of this thread's processor time; real code takes half of it. What takes longer is hostile, and would then be put in
order for minutes, which cannot be stopped.
"""
_LONGEST_NAME = 200
_READ_BYTES = 65_536


@dataclass(slots=True)
class Definition:
    """A named part of a source file."""

    start: int
    end: int
    name: str
    inner: list["Definition"] = field(default_factory=list)
    """Those within it, in order."""


def _kinds(*kinds: str) -> str:
    """A query for nodes that have their name in a field of that name."""
    return "\n".join(f"({kind} name: (_) @name) @definition" for kind in kinds)


_JAVASCRIPT = _kinds(
    "function_declaration", "generator_function_declaration", "class_declaration", "method_definition"
) + """
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (class)]) @definition
"""  # fmt: skip
_TYPESCRIPT = _JAVASCRIPT + _kinds(
    "abstract_class_declaration", "interface_declaration", "enum_declaration", "internal_module", "module",
)  # fmt: skip
_C = """
(function_definition declarator: (function_declarator declarator: (_) @name)) @definition
(function_definition
    declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @definition
(struct_specifier name: (_) @name body: (_)) @definition
(union_specifier name: (_) @name body: (_)) @definition
(enum_specifier name: (_) @name body: (_)) @definition
(type_definition type: (struct_specifier body: (_)) declarator: (_) @name) @definition
"""
_CPP = (
    _C
    + """
(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name))) @definition
(class_specifier name: (_) @name body: (_)) @definition
(namespace_definition name: (_) @name) @definition
"""
)
_GRAMMARS: dict[str, tuple[str, str, str]] = {
    "js": ("javascript", "language", _JAVASCRIPT),
    "ts": ("typescript", "language_typescript", _TYPESCRIPT),
    "tsx": ("typescript", "language_tsx", _TYPESCRIPT),
    "go": ("go", "language", _kinds("function_declaration") + """
        (method_declaration receiver: (parameter_list (parameter_declaration type: [
            (type_identifier) @owner (pointer_type (type_identifier) @owner)
            (generic_type type: (type_identifier) @owner) (pointer_type (generic_type type: (type_identifier) @owner))
        ])) name: (_) @name) @definition
        (type_declaration (type_spec name: (_) @name)) @definition
    """),
    "rust": ("rust", "language", _kinds(
        "function_item", "struct_item", "enum_item", "union_item", "trait_item", "mod_item", "macro_definition",
    ) + "(impl_item type: (_) @name) @definition"),
    "java": ("java", "language", _kinds(
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
        "annotation_type_declaration", "method_declaration", "constructor_declaration",
    )),
    "kotlin": ("kotlin", "language", _kinds("class_declaration", "object_declaration", "function_declaration")),
    "c": ("c", "language", _C),
    "cpp": ("cpp", "language", _CPP),
    "csharp": ("c_sharp", "language", _kinds(
        "namespace_declaration", "class_declaration", "struct_declaration", "interface_declaration",
        "enum_declaration", "record_declaration", "method_declaration", "constructor_declaration",
    )),
    "ruby": ("ruby", "language", _kinds("class", "module", "method", "singleton_method")),
    "php": ("php", "language_php", _kinds(
        "class_declaration", "interface_declaration", "trait_declaration", "enum_declaration", "function_definition",
        "method_declaration",
    )),
    "swift": ("swift", "language", _kinds("class_declaration", "protocol_declaration", "function_declaration")),
    "scala": ("scala", "language", _kinds(
        "class_definition", "object_definition", "trait_definition", "enum_definition", "function_definition",
    )),
    "lua": ("lua", "language", _kinds("function_declaration")),
    "shell": ("bash", "language", _kinds("function_definition")),
}  # fmt: skip
"""Language -> the grammar's module, its function, and the query."""


def definitions(text: str, language: str) -> list[Definition] | None:
    """The outermost definitions of a source file in order; None where it cannot be told."""
    if language not in _GRAMMARS or len(text) > _LARGEST_PARSED:
        return None
    data = text.encode("utf-8", "replace")
    if _deepest_brackets(data) > _DEEPEST_BRACKETS:
        return None
    found = _found(*_tools(language), data)
    if found is None:
        return None
    if len(data) != len(text):
        offsets = _characters(data, {at for start, end, _ in found for at in (start, end)})
        found = [(offsets[start], offsets[end], name) for start, end, name in found]
    return _nested(found)


def _found(grammar: "Language", query: "Query", data: bytes) -> list[tuple[int, int, str]] | None:
    """Start and end in bytes, and name, of every definition."""
    from tree_sitter import Parser, QueryCursor

    deadline = time.thread_time() + _PARSE_S + _PARSE_S_PER_MEGABYTE * len(data) / 1e6
    try:
        # A parser for each text: two threads in one end the process.
        tree = Parser(grammar).parse(
            lambda at, _: data[at : at + _READ_BYTES], progress_callback=lambda *_: time.thread_time() > deadline
        )
    except ValueError:  # "Parsing failed": the callback has stopped it
        return None
    found = []
    for _, captured in QueryCursor(query).matches(tree.root_node):
        whole = captured["definition"][0]
        parts = [captured[kind][0].text or b"" for kind in ("owner", "name") if kind in captured]
        name = b".".join(parts).decode("utf-8", "replace")
        found.append((whole.start_byte, whole.end_byte, " ".join(name.split())[:_LONGEST_NAME]))
    return found


def _deepest_brackets(data: bytes) -> int:
    brackets = re.sub(rb"[^()\[\]{}]+", b"", data)
    return max(accumulate((1 if bracket in b"([{" else -1 for bracket in brackets), initial=0))


def _nested(found: Sequence[tuple[int, int, str]]) -> list[Definition]:
    """As a tree. Of two with one span the first is kept."""
    top: list[Definition] = []
    above: list[Definition] = []
    for start, end, name in sorted(found, key=lambda each: (each[0], -each[1])):
        while above and above[-1].end <= start:
            above.pop()
        if above and (end > above[-1].end or (start, end) == (above[-1].start, above[-1].end)):
            continue
        definition = Definition(start, end, name)
        (above[-1].inner if above else top).append(definition)
        above.append(definition)
    return top


def _characters(data: bytes, wanted: set[int]) -> dict[int, int]:
    """Offset in bytes -> offset in characters."""
    marks = [0, *sorted(wanted)]
    lengths = (len(data[start:end].decode("utf-8", "replace")) for start, end in pairwise(marks))
    return dict(zip(marks[1:], accumulate(lengths), strict=True))


@cache
def _tools(language: str) -> "tuple[Language, Query]":
    from tree_sitter import Language, Query

    module, function, query = _GRAMMARS[language]
    grammar = Language(getattr(import_module(f"tree_sitter_{module}"), function)())
    return grammar, Query(grammar, query)
