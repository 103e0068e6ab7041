"""Constraints on what a local model may produce, as llguidance grammars.

The door to `llguidance` (guidance-ai/llguidance, docs/syntax.md). A `Constraint` is data: it can be made without a
model, compared and kept; the engine turns it into a matcher over its own vocabulary.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agentkit.errors import ConstraintError

_MAX_SCHEMA_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Constraint:
    """A Lark grammar in llguidance's dialect that the whole reply must match."""

    lark: str


def lark(grammar: str) -> Constraint:
    """Replies that match a Lark grammar in llguidance's dialect; the rule to begin with is `start`."""
    return Constraint(grammar)


def regex(pattern: str) -> Constraint:
    """Replies that match a regular expression (Rust `regex` syntax, without look-around) as a whole."""
    return Constraint(f"start: REPLY\nREPLY: /{_escape_slashes(pattern)}/\n")


def choice(options: Iterable[str]) -> Constraint:
    """One of the given strings, verbatim.

    Raises:
        ConstraintError: no options.
    """
    options = list(options)
    if not options:
        raise ConstraintError("a choice needs at least one option")
    return Constraint("start: " + " | ".join(json.dumps(option, ensure_ascii=False) for option in options) + "\n")


def json_schema(schema: Mapping[str, Any]) -> Constraint:
    """JSON that is valid under `schema` (JSON Schema as llguidance supports it).

    Raises:
        ConstraintError: nested deeper than 64 levels, or not JSON.
    """
    return Constraint(f"start: reply\nreply: {schema_rule(schema)}\n")


def schema_rule(schema: Mapping[str, Any]) -> str:
    """The right-hand side of a Lark rule for JSON under `schema`, to be part of a larger grammar."""
    check_schema_depth(schema)
    options = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
    try:
        return "%json " + json.dumps({**schema, **options}, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ConstraintError(f"the schema is not JSON: {error}") from error


def substring_rule(text: str) -> str:
    """The right-hand side of a Lark terminal for any run of whole words of `text`, verbatim."""
    return "%regex " + json.dumps({"substring_words": text}, ensure_ascii=False)


def check_schema_depth(schema: object) -> None:
    """Refuse a schema nested deeper than 64 levels; without recursion, since a hostile one would exhaust the stack."""
    level = [schema]
    for _ in range(_MAX_SCHEMA_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, (Mapping, list))
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
        ]
        if not level:
            return
    raise ConstraintError(f"the schema is nested deeper than {_MAX_SCHEMA_DEPTH} levels: flatten it")


def _escape_slashes(pattern: str) -> str:
    return pattern.replace("\\/", "/").replace("/", "\\/")
