"""What an index was made by: an embedder and a chunker, as the catalog remembers them."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from agentkit.chunkers import CHUNKER_NAME, ChunkLimits
from agentkit.embedders import Embedder
from agentkit.errors import IndexMismatchError
from agentkit.indexes.catalog import Catalog

_OPTIONS = {"embedder": "--reembed", "chunker": "--rechunk"}


def makers(embedder: Embedder, limits: ChunkLimits) -> dict[str, str]:
    """The facts that tell by what an index is made."""
    return {
        "embedder": json.dumps(asdict(embedder.identity), sort_keys=True),
        "chunker": json.dumps({"name": CHUNKER_NAME, **asdict(limits)}, sort_keys=True),
    }


def check_makers(catalog: Catalog, current: dict[str, str], name: str, keys: Iterable[str]) -> None:
    """Do nothing where the index `name` was made by these.

    Raises:
        IndexMismatchError: it was not; the message names both.
    """
    for key in keys:
        remembered = catalog.fact(key)
        if remembered is not None and remembered != current[key]:
            # No setting names a chunker.
            is_older = key == "chunker" and _values(remembered).get("name") != CHUNKER_NAME
            others = "another version of agentkit cut it:" if is_older else "change the settings back, or"
            raise IndexMismatchError(
                f"the index {name} was made with the {key} {_shown(remembered)}; now it is {_shown(current[key])}: "
                f"{others} make it again from its own texts with: agentkit indexes rebuild {name} {_OPTIONS[key]}"
            )


def remembered_limits(catalog: Catalog, embedder: Embedder) -> ChunkLimits:
    """The chunk sizes that the index was made with, within what the embedder reads."""
    remembered: dict[str, Any] = json.loads(catalog.fact("chunker") or "{}")
    sizes = {key: remembered[key] for key in ("max_chars", "overlap_chars") if key in remembered}
    return ChunkLimits(**sizes, max_tokens=embedder.max_tokens)


def _shown(fact: str) -> str:
    values = _values(fact)
    if "name" not in values:
        return "?"
    name = values.pop("name")
    return f"{name} ({', '.join(f'{key} {value}' for key, value in values.items())})"


def _values(fact: str) -> dict[str, Any]:
    """None at all where it cannot be read."""
    try:
        values = json.loads(fact)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
