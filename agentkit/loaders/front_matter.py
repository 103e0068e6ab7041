"""A document's front matter: the YAML between two lines of dashes at its beginning, as a flat mapping.

A mapping inside of it gives dotted keys (`author.name`); dates become ISO 8601 text. Where the whole is no valid YAML
each field is read on its own, and a value that still is none is text (`title: Plan: phase 2`).
"""

import re
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
_FIELD = re.compile(r"^([\w\"'].*?):(?=\s)(.*(?:\n(?![\w\"'].*?:\s|---).*)*)", re.MULTILINE)
"""A name at the beginning of a line, and what follows it up to the next one."""
_COMMENT = re.compile(r"^#.*\n", re.MULTILINE)

Value = str | int | float | bool
FrontMatter = dict[str, Value | list[Value]]


def front_matter(text: str) -> FrontMatter:
    """What the front matter of a text says; empty where it has none."""
    end = front_matter_end(text)
    if not end or end > _LARGEST_CHARS or sum(map(text[:end].count, "[{")) > _MOST_BRACKETS:
        return {}
    fields = _parsed(text[:end])
    if fields is None:
        fields = {}
        for field in _FIELD.finditer(_COMMENT.sub("", text[:end])):
            fields |= _parsed(field[0]) or _as_text(field[1], field[2])
    return dict(_flat("", fields))


def _parsed(source: str) -> dict[Any, Any] | None:
    """The mapping; None for what is none or is no YAML."""
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(source)):  # a few can stand for gigabytes
            return None
        value = next(yaml.load_all(source, _Loader), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _as_text(name: str, value: str) -> dict[str, str]:
    """Without the quotation marks around it; nothing for a value that begins below its name: a mapping or a list."""
    found = re.fullmatch(r"[ \t]+([\"']?)(\S.*)\1\s*", value, re.DOTALL)
    return {name.strip("\"' \t"): " ".join(found[2].split())} if found else {}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """A date that there is not, such as 2024-02-31, is text."""

    def construct_yaml_timestamp(self, node: Any) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return self.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


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
