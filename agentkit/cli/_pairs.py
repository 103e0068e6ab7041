"""`-o KEY VALUE`, which may be given several times, as in simonw/llm.

Typer makes either a list or a pair of values; a command of class `CommandWithPairs` takes both at once for the
parameter that is called `options`.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from typer.core import TyperCommand

from agentkit.cli._invocation import UsageError


class KeyValue(NamedTuple):
    """One option and its value, as they were written."""

    key: str
    value: str


class CommandWithPairs(TyperCommand):
    """A command whose parameter `options: list[KeyValue]` takes two words each time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: Typer's own
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if parameter.name == "options":
                parameter.nargs = 2


def as_mapping(pairs: Iterable[KeyValue]) -> dict[str, str]:
    """The options by their names; `-o max-tokens 5` is `max_tokens`.

    Raises:
        UsageError: one was given twice.
    """
    found: dict[str, str] = {}
    for key, value in pairs:
        name = key.replace("-", "_")
        if name in found:
            raise UsageError(f"the option {name} is given twice: {found[name]!r} and {value!r}")
        found[name] = value
    return found
