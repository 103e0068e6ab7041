"""`agentkit.tools.calculator` and `agentkit.tools.arithmetic`."""

import operator
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentkit.errors import ToolError
from agentkit.tools.arithmetic import evaluate, shown
from agentkit.tools.calculator import calculator

_DIVISIONS: dict[str, Callable[[Fraction, Fraction], Fraction | int]] = {
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, **_DIVISIONS}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("-2 ** 2", "-4"),
        ("2 ** -1", "0.5"),
        ("2 ** 3 ** 2", "512"),
        ("2^10", "1024"),
        ("7 // 2 + 7 % 2", "4"),
        ("-7 // 2", "-4"),
        ("10 % -3", "-2"),
        ("0.1 + 0.2", "0.3"),
        ("1,234.5 + 1e3", "2234.5"),
        ("$1,000,000 / 4", "250000"),
        ("3 x 4 × 5 ÷ 6 − 1", "9"),
        ("48 / 2 =", "24"),
        ("1/3", "0.333333333333333 (exactly 1/3)"),
        ("1/3 + 1/6", "0.5"),
        ("sqrt(2)", "1.4142135623731"),
        ("sqrt(16/9)", "1.33333333333333 (exactly 4/3)"),
        ("(-8) ** (1/3)", "-2"),
        ("cbrt(-27)", "-3"),
        ("round(2.5) + round(-2.5)", "0"),
        ("round(1234.567, 2)", "1234.57"),
        ("round(0.125, 2)", "0.13"),
        ("max([1, 7, 3]) - min(1, 7, 3)", "6"),
        ("mean(1, 2, 3, 4)", "2.5"),
        ("log(1000, 10)", "3"),
        ("ln(e)", "1"),
        ("sin(pi)", "0"),
        ("math.sqrt(9)", "3"),
        ("5! / factorial(3)", "20"),
        ("gcd(12, 18) * lcm(4, 6)", "72"),
        ("comb(52,5)", "2598960"),
        ("perm(5, 2)", "20"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("1e-30", "1e-30"),
    ],
)
def test_an_expression_is_worked_out(expression: str, result: str) -> None:
    assert calculator.invoke({"expression": expression}) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("15%", "0.15"),
        ("15% of 80", "12"),
        ("1/2 of 80", "40"),
        ("80 + 15%", "92"),
        ("80-15%", "68"),
        ("80 + 15% + 10%", "101.2"),
        ("100 * 5%", "5"),
        ("50% - 3", "-2.5"),
        ("5% + 3%", "0.08"),
        ("80 + (15%)", "80.15"),
        ("200 * (1 - 20%)", "160"),
        ("10 % 3", "1"),
        ("10%3", "1"),
        ("10 % (1 + 2)", "1"),
    ],
)
def test_a_percent_sign_is_a_percentage_where_no_number_follows(expression: str, result: str) -> None:
    assert calculator.invoke({"expression": expression}) == result


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("3/4 > 0.7", True),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("3 < 1 < 2", False),
        ("0.1 + 0.2 = 0.3", True),
        ("sqrt(2)**2 == 2", True),
        ("sqrt(2) >= 1.5", False),
        ("5! != 120", False),
        ("10**4000 > pi", True),
    ],
)
def test_a_comparison_is_true_or_false(expression: str, holds: bool) -> None:
    assert evaluate(expression) is holds


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("", "write what to work out"),
        ("1 / 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("2(3 + 4)", "write * to multiply"),
        ("3 apples", "'apples' (character 3)"),
        ("squareroot(2)", "known are sqrt"),
        ("sqr(2)", "did you mean sqrt?"),
        ("sqrt 2", "sqrt(…)"),
        ("(1 + 2", "add ')'"),
        ("1 + ", "missing before the end"),
        ("sqrt(-1)", "not a real number"),
        ("(-8) ** 0.5", "not a real number"),
        ("log(0)", "above 0"),
        ("sqrt(1, 2)", "takes one number"),
        ("max(1,200, 300)", "write 1200 for one number, or 1, 200 for several"),
        ("round(1,200)", "1200"),
        ("factorial(2.5)", "whole numbers"),
        ("asin(2)", "not defined for 2"),
        ("9 ** 9 ** 9", "too large"),
        ("1 = (2 < 3)", "outside of them"),
        ("1" + "+1" * 500, "work it out in parts"),
        ("1" + "+1" * 300, "work it out in parts"),
        ("(" * 60 + "1" + ")" * 60, "nested deeper"),
    ],
)
def test_an_error_says_how_to_write_it(expression: str, advice: str) -> None:
    with pytest.raises(ToolError) as caught:
        evaluate(expression)
    assert advice in str(caught.value)


def test_the_tool_tells_the_model_about_an_error_and_does_not_raise() -> None:
    message = calculator.invoke({"type": "tool_call", "id": "1", "name": "calculator", "args": {"expression": "1/0"}})
    assert message.status == "error"
    assert "division by zero" in message.content


def test_2000_hostile_expressions_are_answered_or_refused_at_once_and_in_little_memory() -> None:
    expressions = list(_hostile())
    assert len(expressions) >= 2000
    tracemalloc.start()
    try:
        for expression in expressions:
            started = time.perf_counter()
            try:
                text = shown(evaluate(expression))
            except ToolError as error:
                text = str(error)
            assert time.perf_counter() - started < 1, expression
            assert len(text) < 5000, expression
            assert "object at 0x" not in text
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')",
        "().__class__.__bases__[0].__subclasses__()",
        "(lambda: 1)()",
        "f'{1+1}'",
        "(x := 5)",
        "[x for x in (1, 2)]",
        "open('/etc/passwd').read()",
        "evaluate.__globals__",
        "sqrt.__self__",
        "'a' * 10",
        "{1: 2}",
        "1 if 2 else 3",
        "1 and 2",
        "not 1",
        "1 << 10**9",
        "~1",
        "1; 2",
        "exec(1)",
    ],
)
def test_code_is_not_arithmetic(expression: str) -> None:
    with pytest.raises(ToolError):
        evaluate(expression)


def test_10000_random_expressions_equal_what_fractions_give() -> None:
    source = random.Random(4)
    compared = 0
    while compared < 10_000:
        expression, expected = _random_expression(source, depth=4)
        if expected is None:
            with pytest.raises(ToolError, match="zero"):
                evaluate(expression)
            continue
        assert evaluate(expression) == expected, expression
        compared += 1


@given(st.fractions(max_denominator=10**6))
def test_a_short_result_reads_back_as_the_same_number(value: Fraction) -> None:
    text = shown(value)
    exact = text.partition("(exactly ")[2].rstrip(")") or text
    if "/" in exact or value.denominator == 1:
        assert Fraction(exact) == value
    assert float(Fraction(text.split(" ")[0])) == pytest.approx(float(value), rel=1e-14)


@settings(max_examples=1000)
@given(st.text(alphabet="0123456789.,+-*/%^()[]!<>= xe$abcdefghilmnopqrstu", max_size=60))
@example("1,234,5678")
@example("0 ** 0")
@example("-(-1)**(1/2)")
@example("1e309 * pi")
@example("10**400 = pi")
@example("median([])")
@example("!")
@example("%")
@example("root(2, 0)")
@example("log(2, 1)")
@example("pi % 0")
@example("exp(1) ** 10**300")
def test_any_text_has_a_value_or_a_tool_error(text: str) -> None:
    with suppress(ToolError):
        assert shown(evaluate(text))


def _hostile() -> Iterator[str]:
    """Towers, deep nesting, huge factorials and roots, code, and mutations of all of them."""
    seeds = [
        "9**9**9", "9^9^9^9", "1<<10**9", "10**10**10", "-(9**9**9)", "(9**9)**(9**9)", "2**14000*2**14000",
        "2**13999", "3**8000/7**4000", "(1/3)**8000", "factorial(10**9)", "factorial(99999)", "1300!", "1299!!",
        "comb(10**9, 5*10**8)", "comb(28000, 14000)", "comb(10**4000, 4)", "perm(10**9, 10**8)", "perm(20000, 19999)",
        "lcm(" + ", ".join(str(10**20 + k) for k in range(40)) + ")", "gcd(10**4000, 10**3999)", "1e999999999",
        "1e-99999", "1e4000*1e4000", "9" * 999, "0." + "9" * 900, "9" * 400 + "**2**3", "exp(10**300)", "exp(-10**9)",
        "(10**4000)**(1/64)", "(10**4000)**(1/63)", "root(7**4000, 64)", "2**0.00000001", "sqrt(10**4000 + 1)",
        "log(10**4000)", "round(pi, 10**9)", "round(1/3, 1000)", "1e300*1e300*pi", "tan(pi/2)", "10**4000 % pi",
        "10**4000 // pi", "pi % 1e-4000", "(" * 500, "(" * 400 + "1" + ")" * 400, "-" * 900 + "1", "2**" * 300 + "2",
        "sqrt(" * 150 + "2" + ")" * 150, "1" + "!" * 300, "3" + "!" * 10, "1" + "%" * 300, "1," * 400, "1,000" * 150,
        "max(" + "1, " * 249 + "1)", "sum([" + "9**4000, " * 100 + "1])", "+".join(["2**13990"] * 100),
        "*".join(["(1/7)**3000"] * 50), "+".join([f"1/{10**8 + 7 * k}" for k in range(70)]), "x" * 1000, "e" * 1000,
        "__import__('os').system('true')", "().__class__.__mro__", "(lambda x: x)(1)", "f'{9**9**9}'", "(y := 9**9)",
        "[0]*10**9", "'a'*10**9", "range(10**9)", "open('f')", "\x00", "\x1b[31m1", "\ud800", "١+١", "1\u202e+2", "∞",
        "1e", "1e+", ".", "..", "1..2", "1.e5", "$", "$$1", "[", "]", "[[1]]", "max([1], [2])", "max([[1]])",
    ]  # fmt: skip
    yield from seeds
    source = random.Random(9)
    for _ in range(2000):
        first, second = source.choice(seeds), source.choice(seeds)
        cut = source.randrange(len(first) + 1)
        mixed = first[:cut] + source.choice(["", "+", "**", "(", ")", ",", "!", "%", "/", "9"]) + second[-cut:]
        yield mixed[: source.choice([40, 200, 1000])]


def _random_expression(source: random.Random, *, depth: int) -> tuple[str, Fraction | None]:
    """An expression and its value; None where it divides by zero."""
    if depth == 0 or source.random() < 0.15:
        return _random_number(source)
    left, first = _random_expression(source, depth=depth - 1)
    symbol = source.choice([*_OPERATIONS, "**", "neg"])
    if symbol == "neg":
        return f"-({left})", None if first is None else -first
    if symbol == "**":
        exponent = source.randint(-3, 3)
        is_defined = first is not None and (first or exponent >= 0)
        return f"({left}) ** {exponent}", Fraction(first or 0) ** exponent if is_defined else None
    right, second = _random_expression(source, depth=depth - 1)
    text = f"({left}) {symbol} ({right})"
    if first is None or second is None or (symbol in _DIVISIONS and not second):
        return text, None
    return text, Fraction(_OPERATIONS[symbol](first, second))


def _random_number(source: random.Random) -> tuple[str, Fraction]:
    match source.randrange(4):
        case 0:
            whole = source.randint(0, 10**7)
            return f"{whole:,}", Fraction(whole)
        case 1:
            text = f"{source.randint(0, 999)}.{source.randint(0, 99999)}"
            return text, Fraction(text)
        case 2:
            text = f"{source.randint(1, 9)}e{source.randint(-5, 5)}"
            return text, Fraction(text)
        case _:
            percent = source.randint(0, 200)
            return f"({percent}%)", Fraction(percent, 100)
