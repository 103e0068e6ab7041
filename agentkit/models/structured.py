"""Structured output: a schema of LangChain's kinds to a response format, and a reply to what the schema describes."""

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass

from agentkit.models.schemas import openai_tool

OutputSchema = dict[str, Any] | type
OutputMethod = Literal["json_schema", "function_calling", "json_mode"]


def response_format(schema: OutputSchema) -> dict[str, Any]:
    """OpenAI's `response_format` for a pydantic class, a TypedDict, a JSON schema or an OpenAI function."""
    function = openai_tool(schema)["function"]
    return {"type": "json_schema", "json_schema": {"name": function["name"], "schema": _described(function)}}


def schema_instructions(schema: Mapping[str, Any]) -> str:
    """What the prompt says of the schema: the constraint alone would not tell the model what its fields mean."""
    return f"Reply with one JSON object that fits this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"


def parsed(
    model: Runnable[LanguageModelInput, AIMessage], schema: OutputSchema, *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """The model's replies parsed; with `include_raw` a dict of `raw`, `parsed` and `parsing_error`."""
    parser: Runnable[Any, Any] = JsonOutputParser()
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        parser = PydanticOutputParser(pydantic_object=schema)
    if not include_raw:
        return model | parser
    good = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    bad = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | good.with_fallbacks([bad], exception_key="parsing_error")


def _described(function: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}, **function.get("parameters", {})}
    return {"description": function["description"], **parameters} if function.get("description") else parameters
