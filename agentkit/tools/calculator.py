"""`calculator`: arithmetic, parsed and never evaluated as code."""

from agentkit.tools.arithmetic import evaluate, shown
from agentkit.tools.flags import tool


@tool(parallel=True, timeout_s=5, max_result_chars=2000)
def calculator(expression: str) -> str:
    """Work out arithmetic exactly. Reason in words first, step by step; call it for numbers hard to do in the head.

    Takes + - * / // % ** and brackets, percentages (15% of 80, 80 + 15%), comparisons (3/4 > 0.7), pi, e, and
    functions: sqrt, abs, round, floor, ceil, min, max, sum, mean, log (natural; log(x, base), log10), exp, sin, cos,
    tan (radians), factorial, gcd, lcm, comb, perm.

    Args:
        expression: Numbers and operators only, such as (1234.5 + 12) * 3.
    """
    return shown(evaluate(expression))
