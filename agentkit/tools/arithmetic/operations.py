"""The operations on numbers: exact on fractions, floating where a result is irrational, bounded in bits.

Every exact number is a `Fraction` of at most MAX_BITS bits above and below; a size is estimated before it is computed.
"""

import math
from fractions import Fraction

from agentkit.errors import ToolError

Number = Fraction | float
"""A float stands for a number that is rounded."""

MAX_BITS = 14_000
"""Of a numerator or denominator. About 4,200 digits: below the length to which Python turns an integer into text."""
_MAX_ROOT = 64
_TOO_LARGE = f"the result has more than {MAX_BITS * 3 // 10} digits: it is too large to be worked out"


def bounded(value: Number) -> Number:
    """`value`, if it is not too large.

    Raises:
        ToolError: more than MAX_BITS bits, or a float that is infinite or no number.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ToolError("the result is too large to be worked out, or is not a number")
    elif _bits(value) > MAX_BITS:
        raise ToolError(_TOO_LARGE)
    return value


def add(left: Number, right: Number) -> Number:
    left, right = _alike(left, right)
    return bounded(left + right)


def subtract(left: Number, right: Number) -> Number:
    left, right = _alike(left, right)
    return bounded(left - right)


def multiply(left: Number, right: Number) -> Number:
    left, right = _alike(left, right)
    return bounded(left * right)


def divide(left: Number, right: Number) -> Number:
    """Raises ToolError for a division by zero."""
    left, right = _alike(left, _divisor(right))
    return bounded(left / _divisor(right))


def floor_divide(left: Number, right: Number) -> Number:
    """Rounded down, as Python has it."""
    left, right = _alike(left, _divisor(right))
    quotient = left // _divisor(right)
    return bounded(quotient if isinstance(quotient, float) else Fraction(quotient))


def modulo(left: Number, right: Number) -> Number:
    """With the sign of the divisor, as Python has it."""
    left, right = _alike(left, _divisor(right))
    return bounded(left % _divisor(right))


def power(base: Number, exponent: Number) -> Number:
    """Exact wherever the result is rational and small enough.

    Raises:
        ToolError: too large, a division by zero, or a root that is not real.
    """
    if isinstance(base, float) or isinstance(exponent, float):
        return _float_power(base, exponent)
    if not base and exponent < 0:
        raise ToolError("division by zero: 0 to a negative power")
    if exponent.denominator != 1:
        root = exact_root(base, exponent.denominator)
        return _float_power(base, exponent) if root is None else power(root, Fraction(exponent.numerator))
    if base in (0, 1):
        return base if exponent else Fraction(1)
    if base == -1:
        return Fraction(-1 if exponent % 2 else 1)
    if (_bits(base) - 1) * abs(exponent) > MAX_BITS:
        raise ToolError(_TOO_LARGE)
    return bounded(base**exponent.numerator)


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The real root where it is rational; None where it is not, or not real."""
    if degree > _MAX_ROOT or (value < 0 and degree % 2 == 0):
        return None
    numerator = _integer_root(abs(value.numerator), degree)
    denominator = _integer_root(value.denominator, degree)
    if numerator**degree != abs(value.numerator) or denominator**degree != value.denominator:
        return None
    return Fraction(numerator if value >= 0 else -numerator, denominator)


def to_float(value: Number) -> float:
    """Raises ToolError where it is over 1e308."""
    try:
        return float(value)
    except OverflowError as error:
        raise ToolError("a number over 1e308 cannot be used where the result is rounded") from error


def _alike(left: Number, right: Number) -> tuple[Number, Number]:
    """Both as floats where one of them is."""
    if isinstance(left, float) or isinstance(right, float):
        return to_float(left), to_float(right)
    return left, right


def _float_power(base: Number, exponent: Number) -> float:
    try:
        result = to_float(base) ** to_float(exponent)
    except OverflowError as error:
        raise ToolError("the result is over 1e308: it is too large to be worked out") from error
    except ZeroDivisionError as error:
        raise ToolError("division by zero: 0 to a negative power") from error
    if isinstance(result, complex):
        raise ToolError("the result is not a real number: a negative number to a power that is not whole")
    return float(bounded(result))


def _integer_root(value: int, degree: int) -> int:
    """The largest integer whose `degree`-th power is at most `value`: Newton's iteration from above."""
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def _divisor(value: Number) -> Number:
    if not value:
        raise ToolError("division by zero: check the number that is divided by")
    return value


def _bits(value: Fraction) -> int:
    return max(abs(value.numerator).bit_length(), value.denominator.bit_length())
