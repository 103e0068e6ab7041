"""An expression's text to a bounded list of tokens.

A comma is a thousands separator outside of a function's brackets and a separator of arguments inside them; where
`max(1,200, 300)` could mean both, it is refused, since a wrong guess would be a wrong sum that nobody sees.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from agentkit.errors import ToolError

MAX_CHARS = 1000
MAX_TOKENS = 500

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?")
_NAME = re.compile(r"(?:math\.)?([A-Za-zπτ][A-Za-z0-9_]*)")
_SPACE = re.compile(r"\s+")
_CURRENCY = re.compile(r"[$€£]\s*(?=[\d.])")
_OPERATORS = ("**", "//", "<=", ">=", "==", "!=", *"+-*/%^<>=!(),[]")
_SAME = {
    "×": "*",
    "·": "*",
    "⋅": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "^": "**",
    "=": "==",
}
_TWO_ARGUMENTS = {"comb", "perm", "pow", "mod", "root", "atan2", "hypot"}
"""Functions in whose brackets a comma can only separate."""


class TokenKind(Enum):
    """What a token is."""

    NUMBER = auto()
    NAME = auto()
    OPERATOR = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression."""

    kind: TokenKind
    text: str
    position: int
    """Index of its first character, from 0."""
    is_after_space: bool = False

    def __str__(self) -> str:
        return "the end" if self.kind is TokenKind.END else f"{self.text!r} (character {self.position + 1})"


def tokenize(expression: str) -> list[Token]:
    """The tokens of an expression, the last being an END.

    Raises:
        ToolError: too long, an unknown character, or a comma that could mean two things.
    """
    expression = expression.rstrip().removesuffix("=")  # as people end what they want worked out
    if len(expression) > MAX_CHARS:
        raise ToolError(
            f"the expression has {len(expression)} characters, at most {MAX_CHARS} are taken: work it out in parts"
        )
    tokens = list(_tokens(expression))
    if len(tokens) > MAX_TOKENS:
        raise ToolError(f"the expression has over {MAX_TOKENS} numbers and operators: work it out in parts")
    return tokens


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    calls: list[str | None] = []
    """For each bracket that is open, the function that it belongs to."""
    last = Token(TokenKind.END, "", 0)
    while True:
        start = _skip(text, position)
        if start == len(text):
            yield Token(TokenKind.END, "", start)
            return
        kind, content, end = _next(text, start, calls[-1] if calls else None)
        if content == "x" and _ends_operand(last):
            kind, content = TokenKind.OPERATOR, "*"
        if content in ("(", "["):
            in_call = calls[-1] if content == "[" and calls else None
            calls.append(last.text if last.kind is TokenKind.NAME else in_call)
        elif content in (")", "]") and calls:
            calls.pop()
        last = Token(kind, content, start, is_after_space=start > position)
        yield last
        position = end


def _skip(text: str, position: int) -> int:
    """Past white space and a currency sign before a number."""
    for ignored in (_SPACE, _CURRENCY):
        if match := ignored.match(text, position):
            position = match.end()
    return position


def _next(text: str, start: int, function: str | None) -> tuple[TokenKind, str, int]:
    """Kind, content and end of the token that begins at `start`."""
    if match := _GROUPED.match(text, start):
        if function is None:
            return TokenKind.NUMBER, match[0].replace(",", ""), match.end()
        if function not in _TWO_ARGUMENTS:
            raise ToolError(
                f"{match[0]!r} inside {function}(…) could be one number or several: write "
                f"{match[0].replace(',', '')} for one number, or {match[0].replace(',', ', ')} for several"
            )
    if match := _NUMBER.match(text, start):
        return TokenKind.NUMBER, match[0], match.end()
    if match := _NAME.match(text, start):
        return TokenKind.NAME, match[1].lower(), match.end()
    if text[start] in _SAME:
        length = 2 if text.startswith("==", start) else 1
        return TokenKind.OPERATOR, _SAME[text[start]], start + length
    for operator in _OPERATORS:
        if text.startswith(operator, start):
            return TokenKind.OPERATOR, operator, start + len(operator)
    raise ToolError(
        f"{text[start]!r} (character {start + 1}) is not arithmetic: write numbers, + - * / // % ** ( ), "
        "comparisons and functions such as sqrt(2)"
    )


def _ends_operand(token: Token) -> bool:
    return token.kind is TokenKind.NUMBER or token.text in {")", "]", "%", "!"}
