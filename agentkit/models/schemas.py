"""Tools and schemas of LangChain's kinds as OpenAI's functions, and their parameters as decoding follows them.

LangChain's own conversion writes every `$ref` out and ends a recursive one as "anything": here it stays a `$ref`. Of a
JSON schema without properties it keeps nothing: here it stays as it is.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from langchain_core.tools import BaseTool
from langchain_core.tools.base import create_schema_from_function
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from agentkit.errors import ConstraintError

_NO_SCHEMA = frozenset({"name", "function", "input_schema", "toolSpec"})
"""Keys of the providers' forms of a tool."""
_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_EITHER = frozenset({"anyOf", "oneOf"})
_SCHEMA_LISTS = _EITHER | {"allOf", "prefixItems"}
_SCHEMAS = frozenset({"items", "additionalProperties"})
"""JSON Schema's keywords that hold schemas; anything else, such as `const`, `enum` and `default`, is data."""
_COMBINED = _EITHER | {"allOf", "$ref", "unevaluatedProperties", "if", "dependentSchemas"}
_FORMATS = frozenset({"date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"})
"""Those that llguidance follows; JSON Schema lets any other be a note on what a string means."""
_LIMITS: dict[Literal["ge", "gt", "le", "lt", "multiple_of"], str] = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
"""Pydantic's words for the limits of a number, and JSON Schema's."""


def openai_tool(tool: Mapping[str, Any] | type | Callable[..., Any] | BaseTool) -> dict[str, Any]:
    """OpenAI's form of a tool, a pydantic class, a TypedDict, a function, a JSON schema or OpenAI's form itself.

    Raises:
        ConstraintError: it is none of these, or a JSON schema without a title.
    """
    try:
        converted = convert_to_openai_tool(tool)
    except (ValueError, TypeError, AttributeError) as error:  # of what is no class, such as list[int]
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ConstraintError(
            f"{str(tool)[:80]} is no tool and no schema ({reason}): give a function, a pydantic class (RootModel[…] of "
            "any other type), a TypedDict, or a JSON schema with a title"
        ) from error
    schema = _schema(tool)
    if schema is None:
        return converted
    parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {**converted, "function": {**converted["function"], "parameters": parameters}}


def object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema for a tool's arguments: an object, which has no properties where nothing is said of them."""
    if not _COMBINED & schema.keys():
        schema = {"properties": {}, **schema}
    return {**schema, "type": "object"}


def closed(schema: Any, *, is_part: bool = False) -> Any:
    """The schema with `additionalProperties` false wherever it lists properties and does not say otherwise, and without
    `uniqueItems` and formats that llguidance does not know: whoever reads the value checks them.

    Parts that hold together with other properties (`is_part`) stay open, since each would forbid the others'.
    """
    if not isinstance(schema, Mapping):
        return schema
    inner: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "uniqueItems" or (key == "format" and str(value) not in _FORMATS):
            continue
        if key in _SCHEMAS_BY_NAME and isinstance(value, Mapping):
            inner[key] = {name: closed(part, is_part=is_part) for name, part in value.items()}
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            are_parts = is_part or key == "allOf" or (key in _EITHER and "properties" in schema)
            inner[key] = [closed(part, is_part=are_parts) for part in value]
        else:
            inner[key] = closed(value, is_part=is_part) if key in _SCHEMAS else value
    is_closed = "properties" in schema and not is_part and not _COMBINED & schema.keys()
    return {"additionalProperties": False, **inner} if is_closed else inner


def _schema(tool: Mapping[str, Any] | type | Callable[..., Any] | BaseTool) -> Mapping[str, Any] | None:
    """The JSON schema where LangChain's conversion loses something of it."""
    if isinstance(tool, Mapping):
        return tool if "title" in tool and "properties" not in tool and not _NO_SCHEMA & tool.keys() else None
    described = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if inspect.isroutine(described):
        described = create_schema_from_function(
            described.__name__, described, filter_args=(), parse_docstring=True, error_on_invalid_docstring=False
        )
    if not (isinstance(described, type) and issubclass(described, BaseModel)):
        return None
    schema = described.model_json_schema(schema_generator=_Decodable)
    is_narrowed = schema != described.model_json_schema()
    return schema if is_narrowed or _is_recursive(schema.get("$defs", {})) else None


class _Decodable(GenerateJsonSchema):
    """Narrower than pydantic's own where that admits what pydantic then refuses, since decoding follows the schema."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number: pydantic's own admits any text beside it."""
        places = schema.get("decimal_places")
        step = {} if places is None else {"multipleOf": float(f"1e-{places}")}
        limits = {word: float(schema[name]) for name, word in _LIMITS.items() if schema.get(name) is not None}
        return {"type": "number", **step, **limits}

    def url_schema(self, schema: core_schema.UrlSchema) -> JsonSchemaValue:
        """With the schemes that it may have."""
        schemes = "|".join(map(re.escape, schema.get("allowed_schemes") or ()))
        return {**super().url_schema(schema), **({"pattern": f"^(?:{schemes})://"} if schemes else {})}


def _is_recursive(definitions: Mapping[str, Any]) -> bool:
    """Whether a definition leads back to itself."""
    leads = {name: set(_references(definition)) for name, definition in definitions.items()}
    for name, direct in leads.items():
        reached: set[str] = set()
        ahead = direct
        while ahead:
            reached |= ahead
            ahead = {following for other in ahead for following in leads.get(other, ())} - reached
        if name in reached:
            return True
    return False


def _references(value: Any) -> list[str]:
    """Names of the definitions that a schema's parts refer to."""
    if isinstance(value, Mapping):
        own = value.get("$ref")
        found = [own.rpartition("/")[2]] if isinstance(own, str) else []
        return found + [name for part in value.values() for name in _references(part)]
    return [name for part in value for name in _references(part)] if isinstance(value, list) else []
