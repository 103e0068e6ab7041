"""A document's front matter: the YAML between two lines of dashes at its beginning, as a flat mapping.

A mapping inside of it gives dotted keys (`author.name`); dates become ISO 8601 text. What is no valid YAML gives
nothing: the text is indexed all the same.
"""

from collections.abc import Iterator
from datetime import date
from math import isfinite
from typing import Any

import yaml

from agentkit.chunkers.markdown import front_matter_end
from agentkit.loaders.text import normalize

_LARGEST_CHARS = 64_000
_MOST_BRACKETS = 200
"""The scanner looks at every open one for each token: 4,000 take it seconds."""
_LARGEST_BITS = 64

Value = str | int | float | bool
FrontMatter = dict[str, Value | list[Value]]


def front_matter(text: str) -> FrontMatter:
    """What the front matter of a text says; empty where it has none."""
    end = front_matter_end(text)
    if not end or end > _LARGEST_CHARS or sum(map(text[:end].count, "[{")) > _MOST_BRACKETS:
        return {}
    try:
        tokens = list(yaml.scan(text[:end]))
        if any(isinstance(token, yaml.AliasToken) for token in tokens):  # a few aliases can stand for gigabytes
            return {}
        return dict(_flat("", next(iter(yaml.safe_load_all(text[:end])))))
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that there is not, such as 2024-02-31
        return {}


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Value | list[Value]]]:  # Any: whatever YAML holds
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, list):
        yield prefix, [item for item in map(_plain, value) if item is not None]
    elif prefix and (plain := _plain(value)) is not None:
        yield prefix, plain


def _plain(value: Any) -> Value | None:
    """As JSON can hold it; None for what is no single value."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) or (isinstance(value, float) and not isfinite(value)):
        return normalize(str(value))
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:  # Python refuses to write the largest ones
        return None
    return value if isinstance(value, int | float) else None
