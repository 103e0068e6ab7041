"""A Pratt parser that works an expression out while it reads it.

Source: Pratt, Top Down Operator Precedence (POPL 1973). Nothing is turned into code: a token is a number, a name of a
fixed table, or an operator. Precedence is Python's, with `^` for `**`, `of` for `*`, and percentages: `15%` is 0.15,
and `80 + 15%` is 92, unless the percentage stands in brackets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isclose

from agentkit.errors import ToolError
from agentkit.tools.arithmetic import operations
from agentkit.tools.arithmetic.functions import CONSTANTS, NAMES, call, factorial, unknown
from agentkit.tools.arithmetic.operations import Number
from agentkit.tools.arithmetic.tokens import Token, TokenKind, tokenize

_MAX_DEPTH = 50
_MAX_EXPONENT = 4000
_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    "==": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
    ">=": lambda sign: sign >= 0,
    ">": lambda sign: sign > 0,
}
_BINARY: dict[str, tuple[int, Callable[[Number, Number], Number]]] = {
    "+": (20, operations.add),
    "-": (20, operations.subtract),
    "*": (30, operations.multiply),
    "of": (30, operations.multiply),
    "/": (30, operations.divide),
    "//": (30, operations.floor_divide),
    "%": (30, operations.modulo),
    "mod": (30, operations.modulo),
    "**": (50, operations.power),
}
_UNARY_POWER = 40


@dataclass(frozen=True, slots=True)
class _Percentage:
    """A number with a `%` after it: a part of what it is added to."""

    share: Number


def evaluate(expression: str) -> Number | bool:
    """The value of an expression: exact (a Fraction) where it can be, a bool for a comparison.

    Raises:
        ToolError: it cannot be read, is not defined, or is too large; the message says how to write it.
    """
    return _Parser(tokenize(expression)).parse()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Number | bool:
        if len(self._tokens) == 1:
            raise ToolError("the expression is empty: write what to work out, such as 2 * (3 + 4)")
        value = self._number()
        is_true = None
        while self._next.text in _COMPARISONS:
            holds = _COMPARISONS[self._take().text]
            right = self._number()
            is_true = is_true is not False and holds(_order(value, right))
            value = right
        if self._next.kind is not TokenKind.END:
            raise self._misplaced()
        return value if is_true is None else is_true

    def _number(self, power: int = 0) -> Number:
        """The operand that goes on while operators bind tighter than `power`, with percentages as plain numbers."""
        value = self._operand(power)
        return value.share if isinstance(value, _Percentage) else value

    def _operand(self, power: int) -> Number | _Percentage:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ToolError(f"the expression is nested deeper than {_MAX_DEPTH} levels: work it out in parts")
        left = self._suffixed(self._first())
        while (operator := _BINARY.get(self._next.text)) and self._next.kind is not TokenKind.NUMBER:
            binding, compute = operator
            if binding <= power:
                break
            symbol = self._take().text
            right = self._operand(binding - 1 if symbol == "**" else binding)
            left = _applied(symbol, compute, left, right)
        self._depth -= 1
        return left

    def _first(self) -> Number | _Percentage:
        token = self._take()
        if token.kind is TokenKind.NUMBER:
            return _parsed(token.text)
        if token.text in ("+", "-"):
            value = self._operand(_UNARY_POWER)
            return value if token.text == "+" else _negated(value)
        if token.text == "(":
            value = self._number()
            self._expect(")", token)
            return value
        if token.kind is TokenKind.NAME:
            return self._named(token)
        raise ToolError(f"a number is missing before {token}")

    def _named(self, token: Token) -> Number:
        if self._next.text == "(" and token.text not in CONSTANTS:
            if token.text not in NAMES:
                raise unknown(token.text)
            return call(token.text, self._arguments())
        if token.text in CONSTANTS:
            return CONSTANTS[token.text]
        if token.text in NAMES:
            raise ToolError(f"{token.text} needs its numbers in brackets: {token.text}(…)")
        raise unknown(token.text)

    def _arguments(self) -> list[Number]:
        """The numbers in brackets; a list in square brackets counts as its numbers."""
        opening = self._take()
        is_list = self._next.text == "["
        if is_list:
            opening = self._take()
        arguments: list[Number] = []
        while self._next.text not in (")", "]"):
            arguments.append(self._number())
            if self._next.text != ",":
                break
            self._take()
        if is_list:
            self._expect("]", opening)
            if self._next.text == ",":
                raise ToolError("give the numbers either in one list or without square brackets")
        self._expect(")", opening)
        return arguments

    def _suffixed(self, value: Number | _Percentage) -> Number | _Percentage:
        while True:
            if self._next.text == "!":
                self._take()
                value = factorial(value.share if isinstance(value, _Percentage) else value)
            elif self._next.text == "%" and not self._is_modulo() and not isinstance(value, _Percentage):
                self._take()
                value = _Percentage(operations.divide(value, Fraction(100)))
            else:
                return value

    def _is_modulo(self) -> bool:
        """`10 % 3` and `10 % -3` are remainders; `50% - 3`, `15% of 80` and `5% * 2` are percentages."""
        after = self._tokens[self._at + 1]
        if after.text in ("+", "-"):
            return self._next.is_after_space
        return after.kind is TokenKind.NUMBER or after.text == "(" or after.text in NAMES

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def _expect(self, closing: str, opening: Token) -> None:
        if self._next.text != closing:
            if self._next.kind is TokenKind.END:
                raise ToolError(f"the bracket {opening} is not closed: add {closing!r}")
            raise self._misplaced()
        self._take()

    def _misplaced(self) -> ToolError:
        token = self._next
        if token.kind is not TokenKind.OPERATOR or token.text == "(":
            return ToolError(f"an operator is missing before {token}: write * to multiply")
        if token.text in _COMPARISONS:
            return ToolError(f"a comparison cannot stand in brackets: compare once, outside of them, at {token}")
        return ToolError(f"{token} does not belong there")


def _applied(
    symbol: str, compute: Callable[[Number, Number], Number], left: Number | _Percentage, right: Number | _Percentage
) -> Number | _Percentage:
    """`80 + 15%` adds 15 % of 80; two percentages add up to a percentage."""
    base = left.share if isinstance(left, _Percentage) else left
    if not isinstance(right, _Percentage):
        return compute(base, right)
    if symbol not in ("+", "-"):
        return compute(base, right.share)
    if isinstance(left, _Percentage):
        return _Percentage(compute(base, right.share))
    return compute(base, operations.multiply(base, right.share))


def _negated(value: Number | _Percentage) -> Number | _Percentage:
    return _Percentage(-value.share) if isinstance(value, _Percentage) else -value


def _parsed(text: str) -> Fraction:
    exponent = text.lower().partition("e")[2]
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > _MAX_EXPONENT):
        raise ToolError(f"{text[:40]} is too large or too small: exponents go to {_MAX_EXPONENT}")
    value = Fraction(text.removesuffix(".") if not exponent else text)
    operations.bounded(value)
    return value


def _order(left: Number, right: Number) -> int:
    """-1, 0 or 1. Rounded numbers are equal where they differ by no more than rounding does."""
    if (isinstance(left, float) or isinstance(right, float)) and _is_close(left, right):
        return 0
    return (left > right) - (left < right)


def _is_close(left: Number, right: Number) -> bool:
    try:
        return isclose(left, right, rel_tol=1e-12, abs_tol=1e-15)
    except OverflowError:
        return False
