"""Constraints on what a local model may produce, as llguidance grammars.

The door to `llguidance` (guidance-ai/llguidance, docs/syntax.md). A `Constraint` is data: it can be made without a
model, compared and kept; the engine turns it into a matcher over its own vocabulary.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentkit.errors import ConstraintError

_MAX_SCHEMA_DEPTH = 64
_MAX_SCHEMA_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Thought:
    """How a reply may begin before its constraint holds."""

    marker: str
    """The text after which the constraint holds; part of the reply."""
    is_required: bool = True
    """False lets the reply end as a thought; True puts the marker where it would end."""
    max_tokens: int | None = None
    """Longest thought; then the marker is put there. None lets it go on as long as `reserve` allows."""
    reserve: int = 64
    """Tokens of the reply kept for the constrained part, where a quarter of them is left for the thought."""
    lookalike: str | None = None
    """A regular expression for what a model writes in place of the marker: replaced by it, with what belongs to it."""
    is_reasoning_open: bool = False
    """True where the prompt ends inside a `<think>` block. Inside one no marker counts."""

    def limit(self, reply_tokens: int) -> int:
        """Longest thought, in tokens, in a reply of up to `reply_tokens`."""
        longest = reply_tokens - min(self.reserve, reply_tokens * 3 // 4)
        return longest if self.max_tokens is None else min(longest, self.max_tokens)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A Lark grammar in llguidance's dialect that the reply must match: the whole of it, or what follows a thought."""

    lark: str
    is_json: bool = False
    """True where strings, arrays and objects can be ended early, so that a token limit leaves the reply valid."""
    thought: Thought | None = None
    """Free text before; None lets the constraint hold from the first token."""


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
    # A terminal, since a rule with more than 2,000 branches is refused.
    return Constraint("start: OPTION\nOPTION: " + " | ".join(literal(option) for option in options) + "\n")


def substring(text: str) -> Constraint:
    """Any run of whole words of `text`, verbatim.

    Raises:
        ConstraintError: no words.
    """
    if not text.strip():
        raise ConstraintError("there is no text to quote from: give one with words")
    return Constraint(f"start: QUOTE\nQUOTE: {substring_rule(text)}\n")


def json_schema(schema: Mapping[str, Any]) -> Constraint:
    """JSON that is valid under `schema` (JSON Schema as llguidance supports it; of a `oneOf` whose forms overlap, a
    value may have several).

    Raises:
        ConstraintError: nested deeper than 64 levels, longer than 200,000 characters, or not JSON.
    """
    return Constraint(f"start: reply\nreply: {schema_rule(schema)}\n", is_json=True)


def after_thought(
    constraint: Constraint, *, marker: str, max_tokens: int | None = None, reserve: int = 64
) -> Constraint:
    """Free text of up to `max_tokens` tokens, then `marker`, then what `constraint` admits.

    `reserve` tokens of the reply are kept for the constrained part.

    The model reasons as freely as without a constraint: where it would end, the marker is put there for it.
    `AIMessage.response_metadata["constrained"]` has the part after the marker.

    Raises:
        ConstraintError: an empty marker, or a negative number of tokens.
    """
    if not marker:
        raise ConstraintError("a thought needs a marker, the text that it ends with, such as 'Answer: '")
    if reserve < 0 or (max_tokens is not None and max_tokens < 0):
        raise ConstraintError(f"a thought cannot have max_tokens={max_tokens} and reserve={reserve}: give 0 or more")
    return replace(constraint, thought=Thought(marker, max_tokens=max_tokens, reserve=reserve))


def schema_rule(schema: Mapping[str, Any]) -> str:
    """The right-hand side of a Lark rule for JSON under `schema`, to be part of a larger grammar."""
    check_schema_depth(schema)
    form = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    options = {"x-guidance": {**form, "coerce_one_of": True}}
    try:
        text = json.dumps({**schema, **options}, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ConstraintError(f"the schema is not JSON: {error}") from error
    if len(text) > _MAX_SCHEMA_CHARS:
        raise ConstraintError(f"the schema has {len(text)} characters, more than {_MAX_SCHEMA_CHARS}: make it smaller")
    return "%json " + text


def literal(text: str) -> str:
    """`text` as a string of Lark's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


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
    """`pattern` to stand between two slashes of Lark's: slashes in it are escaped, line breaks spelled out."""
    breaks = {"\n": r"\n", "\r": r"\r"}
    spelled = {"/": r"\/", **breaks, **{f"\\{character}": escape for character, escape in breaks.items()}}
    return re.sub(r"\\.|[/\n\r]", lambda found: spelled.get(found[0], found[0]), pattern, flags=re.DOTALL)
