"""Arithmetic with calendar days."""

from datetime import date, timedelta

from agentkit.tools import tool


@tool(parallel=True)
def days_between(first: date, last: date) -> str:
    """How many days lie between two dates, and on which weekdays they fall.

    Args:
        first: A date such as 2024-02-28.
        last: A date such as 2024-03-01.
    """
    return f"{(last - first).days} days, from {first:%A} to {last:%A}"


@tool(parallel=True)
def date_after(start: date, days: int) -> str:
    """The date that is some days after another, and its weekday. For a date before it, give negative days.

    Args:
        start: A date such as 2024-02-28.
        days: How many days later.
    """
    return f"{start + timedelta(days):%Y-%m-%d, a %A}"
