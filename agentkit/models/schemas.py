"""Tools and schemas of LangChain's kinds as OpenAI's functions, whose parameters are what decoding follows.

LangChain's own conversion writes every `$ref` out and ends a recursive one as "anything": here it stays a `$ref`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel


def openai_tool(tool: Mapping[str, Any] | type | Callable[..., Any] | BaseTool) -> dict[str, Any]:
    """OpenAI's form of a tool, a pydantic class, a TypedDict, a function, a JSON schema or OpenAI's form itself."""
    converted = convert_to_openai_tool(tool)
    described = tool.tool_call_schema if isinstance(tool, BaseTool) else tool
    if not (isinstance(described, type) and issubclass(described, BaseModel)):
        return converted
    schema = described.model_json_schema()
    if not _is_recursive(schema.get("$defs", {})):
        return converted
    parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {**converted, "function": {**converted["function"], "parameters": {"type": "object", **parameters}}}


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
