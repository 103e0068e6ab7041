"""Game of 24 as a tree of thought: four numbers, each used once with + - * /, shall make 24.

Code knows the rules: which steps are legal, what they leave, whether an expression is right. The model proposes
(ranks or samples the legal steps) and values what is left, as in Yao et al. 2023 (arXiv:2305.10601), section 4.1.
"""

import ast
import operator
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentkit.models.constraints import Constraint, choice, regex
from agentkit.strategies import Problem, ScoredVerdicts, ThoughtRules
from agentkit.strategies.asking import Asker, Request

_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_NODES = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
YES_NO: Mapping[str, float] = MappingProxyType({"yes": 1.0, "no": 0.0})
_NUMBER = r"-?\d+(?:/\d+)?"
_STEP = re.compile(rf"({_NUMBER}) ?([-+*/]) ?({_NUMBER})(?: ?= ?({_NUMBER}))?")
_RESULT = re.compile(r"[-+*/](\d+(?:/\d+)?)")
_EXAMPLE_STEPS = (
    ("2 8 8 14", "8/2"), ("4 8 14", "14-8"), ("4 6", "4*6"), ("1 5 6 10", "10-6"), ("4 4 10", "10-4"),
    ("3 5 9", "3*5"), ("9 15", "9+15"), ("1 2 12 12", "12+12"), ("1 8 15", "8+15"), ("4 28", "28-4"),
)  # fmt: skip
_EXAMPLE_VERDICTS = (
    ("10 14", "sure"), ("11 12", "impossible"), ("4 4 10", "sure"), ("4 6", "sure"), ("5 9", "impossible"),
    ("4 9 11", "sure"), ("5 7 8", "likely"), ("3 8", "sure"), ("7 10", "impossible"), ("10 10 11", "impossible"),
    ("2 12", "sure"), ("1 3 3", "impossible"), ("1 24", "sure"), ("16 40", "sure"), ("6 30", "sure"),
)  # fmt: skip


_EXAMPLE_PAIRS = (
    ("10 14", "yes"), ("11 12", "no"), ("4 6", "yes"), ("5 9", "no"), ("3 8", "yes"), ("7 10", "no"), ("2 12", "yes"),
    ("6 30", "yes"), ("16 40", "yes"), ("1 24", "yes"), ("2 13", "no"), ("3 72", "yes"), ("9 33", "yes"), ("8 8", "no"),
    ("1/2 12", "yes"), ("1/3 8", "yes"), ("12 12", "yes"), ("6 6", "no"), ("7 17", "yes"), ("20 22", "no"),
    ("2 48", "yes"), ("3 27", "yes"), ("0 24", "yes"), ("5 20", "no"), ("9 15", "yes"), ("4 96", "yes"),
    ("14 16", "no"), ("2 22", "yes"), ("3 36", "no"), ("1 8", "no"),
    ("6 8", "no"), ("3 12", "no"), ("10 16", "no"), ("1 48", "no"), ("13 21", "no"), ("4 5", "no"), ("6 18", "yes"),
)  # fmt: skip
_EXAMPLE_TRIPLES = (
    ("4 4 10", "yes"), ("10 10 11", "no"), ("4 9 11", "yes"), ("1 3 3", "no"), ("5 7 8", "no"), ("6 6 12", "yes"),
    ("2 3 4", "yes"), ("5 8 40", "no"), ("1 2 12", "yes"), ("3 3 5", "yes"), ("7 9 30", "no"), ("8 8 8", "yes"),
    ("2 2 7", "no"), ("1 4 6", "yes"), ("13 14 15", "no"), ("2 10 12", "yes"), ("5 5 5", "no"), ("1 8 15", "yes"),
    ("3 10 11", "yes"), ("1 4 5", "yes"),
)  # fmt: skip


def problem(numbers: str) -> Problem:
    """The question for strategies that write the whole expression."""
    return Problem(
        f"Use the numbers {numbers}, each exactly once, and + - * / with parentheses to make 24. "
        "Give the expression alone, such as (4 + 8) * (6 - 4)."
    )


def rules(numbers: str) -> ThoughtRules:
    """The rules for one puzzle. A state is the numbers that are left, ascending."""
    return ThoughtRules(
        start=lambda _: _state([Fraction(number) for number in numbers.split()]),
        advance=_left,
        is_valid=_is_legal,
        is_goal=lambda state: state == "24",
        constraint=step_constraint,
        conclude=lambda _, steps: expression(numbers, steps),
    )


def legal_steps(state: str) -> list[str]:
    """Every step from a state that does not go below 0; two that leave the same are one."""
    numbers = [Fraction(number) for number in state.split()]
    steps: dict[str, str] = {}
    for first in range(len(numbers)):
        for second in range(len(numbers)):
            if first == second:
                continue
            a, b = numbers[first], numbers[second]
            rest = [number for place, number in enumerate(numbers) if place not in {first, second}]
            for sign, operation in _OPERATIONS.items():
                if (sign in "+*" and first > second) or (sign == "-" and a < b) or (sign == "/" and b == 0):
                    continue
                result = operation(a, b)
                left = _state([*rest, result])
                steps.setdefault(left, _step(a, sign, b))
    return list(steps.values())


def _step(a: Fraction, sign: str, b: Fraction) -> str:
    """As short as can be told apart: a step of few tokens is soon ranked."""
    space = "" if a.denominator == b.denominator == 1 else " "
    return f"{a}{space}{sign}{space}{b}"


def step_constraint(state: str) -> Constraint | None:
    """Legal steps only; none where nothing is left to do."""
    steps = legal_steps(state)
    return choice(steps) if steps else None


def step_prompt(_: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks for the next step, after examples as turns."""
    return _turns(
        "Combine two of the numbers with + - * / so that all of them can make 24 in the end. Say the next step.",
        _EXAMPLE_STEPS,
        state,
    )


def verdict_prompt(_: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks whether what is left can make 24."""
    return _turns(
        "Can the numbers, each used once with + - * /, make 24? Say sure, likely or impossible.",
        _EXAMPLE_VERDICTS,
        state,
    )


def yes_no_prompt(_: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks the same for yes or no, with examples of as many numbers as are left."""
    if len(state.split()) == 2:
        return _turns("Can two numbers make 24 with one of + - * /? Say yes or no.", _EXAMPLE_PAIRS, state)
    task = "Can the numbers, each used once with + - * /, make 24? Say yes or no."
    return _turns(task, _EXAMPLE_TRIPLES, state)


def trial_prompt(_: Problem, state: str) -> tuple[BaseMessage, ...]:
    """Asks for what two numbers make."""
    task = "Write the sum, the difference, the product and, if whole, the quotient."
    return _turns(task, tuple((pair, _trial(pair)) for pair, _ in _EXAMPLE_PAIRS[:16]), state)


class TriedValues:
    """Two numbers are worth 1 where one of the results that the model writes is 24; more are judged at a glance."""

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        if len(states[0].split()) != 2:
            return ScoredVerdicts(yes_no_prompt, YES_NO).evaluate(problem, states, asker, seed)
        replies = asker.ask_all([
            Request(trial_prompt(problem, state), 48, seed=seed, constraint=_trial_constraint(state))
            for state in states
        ])  # fmt: skip
        return [float("24" in _RESULT.findall(reply.text)) for reply in replies]


def expression(numbers: str, steps: list[str]) -> str:
    """The steps as one expression over the numbers; what is left unjoined is separated by commas."""
    parts = [(Fraction(number), number) for number in numbers.split()]
    for step in steps:
        a, sign, b = _parse(step)
        left, right = _take(parts, a), _take(parts, b)
        parts.append((Fraction(_OPERATIONS[sign](a, b)), f"({left} {sign} {right})"))
    return ", ".join(text for _, text in parts)


def is_right(numbers: str, answer: str) -> bool:
    """Whether an expression uses the numbers once each and makes 24. Nothing is executed."""
    text = answer.strip().strip("`$").split("=")[0].replace("×", "*").replace("÷", "/").replace("−", "-")
    used: list[int] = []
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body, used)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return False
    return value == 24 and sorted(used) == sorted(int(number) for number in numbers.split())


def is_solvable(state: str) -> bool:
    """Whether the numbers can make 24, by trying everything: to judge the model's verdicts."""
    return state == "24" or any(is_solvable(_left(state, step)) for step in legal_steps(state))


def _trial(pair: str) -> str:
    low, high = (Fraction(number) for number in pair.split())
    results = {"+": high + low, "-": high - low, "*": high * low}
    if low and (high / low).denominator == 1:
        results["/"] = high / low
    return " ".join(f"{sign}{result}" for sign, result in results.items())


def _trial_constraint(pair: str) -> Constraint:
    """The form of what `_trial` writes: a quotient only where it is whole, fractions only where the pair has one."""
    number = "[0-9]{1,4}(/[0-9]{1,3})?" if "/" in pair else "[0-9]{1,5}"
    signs = [re.escape(result[0]) for result in _trial(pair).split()]
    return regex(" ".join(sign + number for sign in signs))


def _turns(task: str, examples: tuple[tuple[str, str], ...], state: str) -> tuple[BaseMessage, ...]:
    turns = [(HumanMessage(numbers), AIMessage(reply)) for numbers, reply in examples]
    messages = [message for turn in turns for message in turn]
    first = HumanMessage(f"{task}\n\n{messages[0].content}")
    return (first, *messages[1:], HumanMessage(state))


def _value(node: ast.expr, used: list[int]) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return Fraction(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _NODES:
        return Fraction(_NODES[type(node.op)](_value(node.left, used), _value(node.right, used)))
    raise ValueError("not an expression of + - * /")


def _left(state: str, step: str) -> str:
    """What a legal step leaves."""
    a, sign, b = _parse(step)
    numbers = [Fraction(number) for number in state.split()]
    numbers.remove(a)
    numbers.remove(b)
    return _state([*numbers, Fraction(_OPERATIONS[sign](a, b))])


def _is_legal(state: str, step: str) -> bool:
    """Whether it takes two numbers of the state, and where it says a result, that is right."""
    found = _STEP.fullmatch(step.strip())
    if not found:
        return False
    try:
        left = _left(state, step)
    except (ValueError, ZeroDivisionError):
        return False
    a, sign, b = _parse(step)
    return not left.startswith("-") and (found[4] is None or Fraction(found[4]) == _OPERATIONS[sign](a, b))


def _parse(step: str) -> tuple[Fraction, str, Fraction]:
    found = _STEP.fullmatch(step.strip())
    if not found:
        raise ValueError(f"not a step: {step!r}")
    return Fraction(found[1]), found[2], Fraction(found[3])


def _take(parts: list[tuple[Fraction, str]], number: Fraction) -> str:
    place = next(place for place, (value, _) in enumerate(parts) if value == number)
    return parts.pop(place)[1]


def _state(numbers: list[Fraction]) -> str:
    return " ".join(str(number) for number in sorted(numbers))
