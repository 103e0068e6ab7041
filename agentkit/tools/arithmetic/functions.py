"""The functions and constants that an expression can name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import reduce

from agentkit.errors import ToolError
from agentkit.tools.arithmetic.operations import (
    MAX_BITS,
    Number,
    add,
    bounded,
    divide,
    exact_root,
    modulo,
    power,
    to_float,
)

CONSTANTS: dict[str, Number] = {
    "pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "e": math.e, "phi": (1 + math.sqrt(5)) / 2,
}  # fmt: skip
_ANY = 10**6
_NEGLIGIBLE = 1e-15
"""What is left of sin(pi) by rounding."""


@dataclass(frozen=True, slots=True)
class _Function:
    compute: Callable[[Sequence[Number]], Number]
    min_count: int = 1
    max_count: int = 1


def call(name: str, arguments: Sequence[Number]) -> Number:
    """The value of a function.

    Raises:
        ToolError: no such function, the wrong number of arguments, or an argument that it is not defined for.
    """
    function = _FUNCTIONS.get(name)
    if function is None:
        raise unknown(name)
    if not function.min_count <= len(arguments) <= function.max_count:
        raise ToolError(
            f"{name}(…) takes {_counted(function)}, not {len(arguments)}: separate numbers by ', ' and write each "
            "without thousands separators"
        )
    try:
        return bounded(function.compute(arguments))
    except OverflowError as error:
        raise ToolError(f"{name}(…) is over 1e308: it is too large to be worked out") from error
    except ValueError as error:
        raise ToolError(f"{name}(…) is not defined for {_listed(arguments)}") from error


def unknown(name: str) -> ToolError:
    """The error for a name that is neither a function nor a constant."""
    near = get_close_matches(name, [*_FUNCTIONS, *CONSTANTS], n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return ToolError(f"{name[:40]!r} is unknown: {hint}known are {', '.join([*_FUNCTIONS, *CONSTANTS])}")


def factorial(value: Number) -> Number:
    """n!, for whole numbers of at most MAX_BITS bits of result."""
    count = _whole(value, "factorial")
    if count < 0:
        raise ToolError("factorial(…) needs a whole number of at least 0")
    if count > MAX_BITS or math.lgamma(count + 1) / math.log(2) > MAX_BITS:
        raise ToolError(f"factorial({str(value)[:20]}) is too large to be worked out")
    return Fraction(math.factorial(count))


def _square_root(value: Number) -> Number:
    if value < 0:
        raise ToolError("the square root of a negative number is not a real number")
    exact = None if isinstance(value, float) else exact_root(value, 2)
    return math.sqrt(to_float(value)) if exact is None else exact


def _root(value: Number, degree: Number) -> Number:
    if value < 0 and degree % 2 == 1:
        return -power(-value, divide(Fraction(1), degree))
    return power(value, divide(Fraction(1), degree))


def _rounded(values: Sequence[Number]) -> Number:
    """Halves go away from zero, as people round."""
    digits = _whole(values[1], "round") if len(values) > 1 else 0
    if abs(digits) > 1000:
        raise ToolError(f"round(…, {str(digits)[:20]}): give at most 1000 digits")
    scale = Fraction(10) ** digits
    scaled = _exact(values[0]) * scale
    return Fraction(math.floor(abs(scaled) + Fraction(1, 2))) * (1 if scaled >= 0 else -1) / scale


def _logarithm(values: Sequence[Number]) -> Number:
    base = _log(values[1]) if len(values) > 1 else 1.0
    return _log(values[0]) / base if base else _undefined()


def _log(value: Number) -> float:
    """Natural; of exact numbers beyond a float's range too."""
    if value <= 0:
        raise ToolError("the logarithm is defined only for numbers above 0")
    if isinstance(value, float):
        return math.log(value)
    return math.log(value.numerator) - math.log(value.denominator)


def _undefined() -> Number:
    raise ToolError("the logarithm to base 1 is not defined")


def _combinations(values: Sequence[Number]) -> Number:
    n, k = _counts(values, "comb")
    fewest = min(k, n - k)
    if fewest > 0 and fewest * max(1, n.bit_length() - fewest.bit_length()) > MAX_BITS:
        raise ToolError(f"comb({str(n)[:20]}, {str(k)[:20]}) is too large to be worked out")
    return Fraction(math.comb(n, k))


def _permutations(values: Sequence[Number]) -> Number:
    n, k = _counts(values, "perm")
    if k <= n and k * max(1, n.bit_length() - 2) > 2 * MAX_BITS:
        raise ToolError(f"perm({str(n)[:20]}, {str(k)[:20]}) is too large to be worked out")
    return Fraction(math.perm(n, k))


def _counts(values: Sequence[Number], name: str) -> tuple[int, int]:
    n, k = (_whole(value, name) for value in values)
    if n < 0 or k < 0:
        raise ToolError(f"{name}(…) needs whole numbers of at least 0")
    return n, k


def _wholes(values: Sequence[Number], name: str) -> list[int]:
    return [_whole(value, name) for value in values]


def _whole(value: Number, name: str) -> int:
    if value % 1:
        raise ToolError(f"{name}(…) needs whole numbers: round first")
    return int(value)


def _exact(value: Number) -> Fraction:
    return Fraction(repr(value)) if isinstance(value, float) else value


def _total(values: Sequence[Number]) -> Number:
    return reduce(add, values)


def _median(values: Sequence[Number]) -> Number:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return divide(add(ordered[middle - 1], ordered[middle]), Fraction(2))


def _floating(function: Callable[..., float]) -> Callable[[Sequence[Number]], Number]:
    def compute(values: Sequence[Number]) -> Number:
        result = function(*map(to_float, values))
        return 0.0 if abs(result) < _NEGLIGIBLE else result

    return compute


def _counted(function: _Function) -> str:
    if function.max_count == _ANY:
        return "one or more numbers"
    if function.min_count == function.max_count:
        return "one number" if function.max_count == 1 else f"{function.max_count} numbers"
    return f"{function.min_count} or {function.max_count} numbers"


def _listed(arguments: Sequence[Number]) -> str:
    return ", ".join(str(argument)[:20] for argument in arguments)


_FUNCTIONS = {
    "sqrt": _Function(lambda v: _square_root(v[0])),
    "cbrt": _Function(lambda v: _root(v[0], Fraction(3))),
    "root": _Function(lambda v: _root(v[0], v[1]), 2, 2),
    "pow": _Function(lambda v: power(v[0], v[1]), 2, 2),
    "mod": _Function(lambda v: modulo(v[0], v[1]), 2, 2),
    "abs": _Function(lambda v: v[0] if v[0] >= 0 else -v[0]),
    "sign": _Function(lambda v: Fraction((v[0] > 0) - (v[0] < 0))),
    "round": _Function(_rounded, 1, 2),
    "floor": _Function(lambda v: Fraction(math.floor(v[0]))),
    "ceil": _Function(lambda v: Fraction(math.ceil(v[0]))),
    "trunc": _Function(lambda v: Fraction(math.trunc(v[0]))),
    "min": _Function(min, 1, _ANY),
    "max": _Function(max, 1, _ANY),
    "sum": _Function(_total, 1, _ANY),
    "mean": _Function(lambda v: divide(_total(v), Fraction(len(v))), 1, _ANY),
    "median": _Function(_median, 1, _ANY),
    "log": _Function(_logarithm, 1, 2),
    "ln": _Function(lambda v: _log(v[0])),
    "log2": _Function(lambda v: _log(v[0]) / math.log(2)),
    "log10": _Function(lambda v: _log(v[0]) / math.log(10)),
    "exp": _Function(_floating(math.exp)),
    "sin": _Function(_floating(math.sin)),
    "cos": _Function(_floating(math.cos)),
    "tan": _Function(_floating(math.tan)),
    "asin": _Function(_floating(math.asin)),
    "acos": _Function(_floating(math.acos)),
    "atan": _Function(_floating(math.atan)),
    "atan2": _Function(_floating(math.atan2), 2, 2),
    "sinh": _Function(_floating(math.sinh)),
    "cosh": _Function(_floating(math.cosh)),
    "tanh": _Function(_floating(math.tanh)),
    "hypot": _Function(_floating(math.hypot), 2, 2),
    "degrees": _Function(_floating(math.degrees)),
    "radians": _Function(_floating(math.radians)),
    "factorial": _Function(lambda v: factorial(v[0])),
    "gcd": _Function(lambda v: Fraction(math.gcd(*_wholes(v, "gcd"))), 1, _ANY),
    "lcm": _Function(lambda v: _least_multiple(_wholes(v, "lcm")), 1, _ANY),
    "comb": _Function(_combinations, 2, 2),
    "perm": _Function(_permutations, 2, 2),
}
NAMES = frozenset([*_FUNCTIONS, *CONSTANTS])


def _least_multiple(values: Sequence[int]) -> Number:
    result: Number = Fraction(1)
    for value in values:
        result = bounded(Fraction(math.lcm(int(result), value)))
    return result
