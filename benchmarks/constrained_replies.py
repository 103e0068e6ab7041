"""Do constrained replies always parse and validate? Many replies of a tiny model at a high temperature.

    python benchmarks/constrained_replies.py [MODEL] [--count N] [--temperature T]

Every reply is checked by `jsonschema` against a schema with strings, numbers, enums, arrays, nested and optional parts.
"""

import argparse
import collections
import json

import jsonschema

from agentkit import LocalChatModel
from agentkit.models.constraints import json_schema

_SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "kind": {"enum": ["voyage", "repair", "storm"]},
        "crew": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 16, "maximum": 80}},
                "required": ["name", "age"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": 4,
        },
        "depth_m": {"type": "number"},
        "remark": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["title", "kind", "crew", "depth_m"],
    "additionalProperties": False,
}


def main() -> None:
    options = _options()
    reasons: collections.Counter[str] = collections.Counter()
    valid = 0
    with LocalChatModel(model=options.model, context_tokens=8192, max_tokens=options.max_tokens) as model:
        prompts = [f"Write entry {number} of a ship's log as JSON." for number in range(options.count)]
        for start in range(0, options.count, 50):
            replies = model.batch(
                prompts[start : start + 50],
                constraint=json_schema(_SCHEMA),
                temperature=options.temperature,
                seed=start,
            )
            for reply in replies:
                reasons[reply.response_metadata["stop_reason"]] += 1
                valid += _is_valid(str(reply.content))
    print(json.dumps({"model": options.model, "replies": options.count, "valid": valid, "stop_reasons": dict(reasons)}))


def _is_valid(text: str) -> bool:
    try:
        jsonschema.validate(json.loads(text), _SCHEMA)
    except (json.JSONDecodeError, jsonschema.ValidationError) as error:
        print("INVALID", error, text[:200])
        return False
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="smollm2-135m")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--temperature", type=float, default=1.5)
    parser.add_argument("--max-tokens", type=int, default=250)
    return parser.parse_args()


if __name__ == "__main__":
    main()
