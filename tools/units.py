"""Units of measurement."""

from fractions import Fraction
from typing import Literal

from agentkit.errors import ToolError
from agentkit.tools import tool

Unit = Literal[
    "m", "km", "cm", "mm", "inch", "foot", "yard", "mile", "nmi",
    "kg", "g", "mg", "tonne", "ounce", "pound",
    "litre", "ml", "m3", "pint", "us_gallon",
    "second", "minute", "hour", "day", "week",
    "km/h", "m/s", "mph", "knot",
    "celsius", "fahrenheit", "kelvin",
]  # fmt: skip

# Exact by definition: the base unit of the row's quantity, and how many of it a unit is.
_SIZES = {
    "length": {"m": "1", "km": "1000", "cm": "0.01", "mm": "0.001", "inch": "0.0254", "foot": "0.3048",
               "yard": "0.9144", "mile": "1609.344", "nmi": "1852"},
    "mass": {"kg": "1", "g": "0.001", "mg": "0.000001", "tonne": "1000", "ounce": "0.028349523125",
             "pound": "0.45359237"},
    "volume": {"m3": "1", "litre": "0.001", "ml": "0.000001", "pint": "0.00056826125", "us_gallon": "0.003785411784"},
    "time": {"second": "1", "minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
    "speed": {"m/s": "1", "km/h": "10/36", "mph": "0.44704", "knot": "1852/3600"},
    "temperature": {"kelvin": "1", "celsius": "1", "fahrenheit": "5/9"},
}  # fmt: skip
_ZEROS = {"celsius": Fraction("273.15"), "fahrenheit": Fraction("459.67") * Fraction(5, 9)}


@tool(parallel=True)
def convert(amount: float, unit: Unit, to: Unit) -> str:
    """Convert an amount from one unit of measurement to another.

    Args:
        amount: How much.
        unit: The unit that the amount is in.
        to: The unit that is wanted.
    """
    for sizes in _SIZES.values():
        if unit in sizes and to in sizes:
            base = Fraction(repr(amount)) * Fraction(sizes[unit]) + _ZEROS.get(unit, 0)
            return f"{float((base - _ZEROS.get(to, 0)) / Fraction(sizes[to])):.12g} {to}"
    raise ToolError(f"{unit} and {to} do not measure the same thing: choose two units of one quantity")
