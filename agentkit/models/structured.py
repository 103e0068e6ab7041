"""Structured output: a schema of LangChain's kinds to a response format, and a reply to what the schema describes."""

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, Generation
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
    kind = "object" if schema.get("type") == "object" else "value"
    return f"Reply with one JSON {kind} that fits this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"


def parsed(
    model: Runnable[LanguageModelInput, AIMessage], schema: OutputSchema, *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """The model's replies parsed; with `include_raw` a dict of `raw`, `parsed` and `parsing_error`."""
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser = _WholeReplyParser(parser=PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser())
    if not include_raw:
        return model | parser
    good = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    bad = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | good.with_fallbacks([bad], exception_key="parsing_error")


class _WholeReplyParser(BaseCumulativeTransformOutputParser[Any]):
    """LangChain's parsers complete JSON that was cut: right for the parts of a stream, but not for its end."""

    parser: JsonOutputParser

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _check_end(result[0], is_part=partial)
        return self.parser.parse_result(result, partial=partial)

    def parse(self, text: str) -> Any:
        return self.parse_result([Generation(text=text)])


def _check_end(reply: Generation, *, is_part: bool) -> None:
    """Refuse a reply that has ended and is not whole."""
    metadata = reply.message.response_metadata if isinstance(reply, ChatGeneration) else {}
    reason = metadata.get("finish_reason")
    if is_part and reason is None:
        return
    try:
        json.loads(reply.text)
    except ValueError as error:  # also an integer of thousands of digits
        why = "was cut short by a limit on tokens: raise max_tokens" if reason == "length" else f"is not JSON: {error}"
        raise OutputParserException(f"the reply {why}", llm_output=reply.text) from error


def _described(function: Mapping[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters") or {"properties": {}}
    if "properties" in parameters:
        parameters = {"type": "object", **parameters}
    return {"description": function["description"], **parameters} if function.get("description") else dict(parameters)
