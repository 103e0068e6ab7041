"""Options of strategies as a person writes them, on a command line or in a chat: text in, values out."""

from collections.abc import Callable, Mapping
from typing import Any

from agentkit.errors import StrategyError
from agentkit.paths import expanded
from agentkit.strategies.choosing import check_options, option_names
from agentkit.strategies.examples import load_examples


def read_options(name: str, texts: Mapping[str, str]) -> dict[str, Any]:  # Any: each option has its own type
    """What `strategy(name, …)` takes. `examples` is a file of JSON lines.

    >>> read_options("self-consistency", {"samples": "5", "temperature": "0.9"})
    {'samples': 5, 'temperature': 0.9}

    Raises:
        StrategyError: an unknown strategy or option, with the nearest known one; a text that is no value of its
            option; examples that cannot be read.
    """
    check_options(name, texts, known=writable_options(name))
    return {option: _read(option, text.strip()) for option, text in texts.items()}


def writable_options(name: str) -> list[str]:
    """The options of the strategy `name` that can be written as text.

    Raises:
        StrategyError: an unknown strategy.
    """
    return [option for option in option_names(name) if option in _READERS]


def _read(option: str, text: str) -> Any:
    reader, wanted = _READERS[option]
    try:
        return reader(text)
    except ValueError as error:
        raise StrategyError(f"{option} is {text!r}: give {wanted}") from error


_WHOLE: tuple[Callable[[str], Any], str] = (int, "a whole number")
_NUMBER: tuple[Callable[[str], Any], str] = (float, "a number")
_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    **dict.fromkeys(("samples", "count", "depth", "beam", "proposals", "rounds"), _WHOLE),
    **dict.fromkeys(("tokens", "nodes", "max_tokens", "seed"), _WHOLE),
    **dict.fromkeys(("temperature", "seconds"), _NUMBER),
    **dict.fromkeys(("search", "generate", "evaluate", "choosing"), (str, "a word")),
    "examples": (lambda text: load_examples(expanded(text)), "a file"),
}
