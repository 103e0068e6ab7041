"""A number as a model and a person read it."""

from decimal import Context, Decimal
from fractions import Fraction

from agentkit.tools.arithmetic.operations import Number

_DIGITS = 15
_LONGEST_INTEGER = 1000
_LONGEST_FRACTION = 20
_EXACT_DECIMAL_DIGITS = 30


def shown(value: Number | bool) -> str:  # noqa: FBT001 the bool is a result to show
    """`12`, `0.25`, `0.333333333333333 (exactly 1/3)`, `1.4142135623731`, `true`.

    A decimal that had to be rounded shows 15 digits, and the fraction where that is exact and short.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _plain(Decimal(f"{value:.{_DIGITS}g}"))
    if value.denominator == 1:
        return _integer(value.numerator)
    exact = _terminating(value)
    if exact is not None:
        return _plain(exact)
    context = Context(prec=_DIGITS)
    rounded = _plain(context.divide(Decimal(value.numerator), Decimal(value.denominator)))
    fraction = f"{value.numerator}/{value.denominator}"
    return f"{rounded} (exactly {fraction})" if len(fraction) <= _LONGEST_FRACTION else rounded


def _integer(value: int) -> str:
    digits = str(value)
    if len(digits) <= _LONGEST_INTEGER:
        return digits
    return f"{Decimal(value):.{_DIGITS - 1}e} (a whole number of {len(digits.lstrip('-'))} digits)"


def _terminating(value: Fraction) -> Decimal | None:
    """The decimal that is exactly `value`; None where there is none of at most 30 digits."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return None
    context = Context(prec=_EXACT_DECIMAL_DIGITS)
    decimal = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    return decimal if Fraction(decimal) == value else None


def _plain(value: Decimal) -> str:
    """Without an exponent where that is readable: `1200000`, `0.00001`, `1.5e-20`."""
    value = value.normalize() if value else Decimal(0)
    if -10 <= value.adjusted() <= 20:
        return f"{value:f}"
    return f"{value:e}".replace("e+", "e")
