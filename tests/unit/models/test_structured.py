"""Structured output: what a reply's text becomes, and what it must not."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda
from pydantic import BaseModel

from agentkit.models.structured import OutputSchema, parsed

SCHEMA = {"title": "person", "type": "object", "properties": {"age": {"type": "integer"}}}


class Person(BaseModel):
    """A person."""

    name: str = ""
    age: int = 0


def _replies(text: str, finish_reason: str) -> Runnable[Any, Any]:
    return RunnableLambda(lambda _: AIMessage(text, response_metadata={"finish_reason": finish_reason}))


def _streams(*texts: str, finish_reason: str) -> Runnable[Any, Any]:
    def chunks(_: Iterator[Any]) -> Iterator[AIMessageChunk]:
        for text in texts:
            yield AIMessageChunk(content=text)
        yield AIMessageChunk(content="", response_metadata={"finish_reason": finish_reason}, chunk_position="last")

    return RunnableGenerator(chunks)


@pytest.mark.parametrize("schema", [SCHEMA, Person])
def test_a_reply_that_was_cut_is_no_value(schema: OutputSchema) -> None:
    cut = _replies('{"age": 3', "length")
    with pytest.raises(OutputParserException, match="raise max_tokens"):
        parsed(cut, schema, include_raw=False).invoke("x")
    with pytest.raises(OutputParserException, match="raise max_tokens"):
        asyncio.run(parsed(cut, schema, include_raw=False).ainvoke("x"))
    found = parsed(cut, schema, include_raw=True).invoke("x")
    assert found["parsed"] is None
    assert isinstance(found["parsing_error"], OutputParserException)


def test_a_reply_that_a_limit_ended_with_whole_json_is_a_value() -> None:
    assert parsed(_replies('{"age": 30}', "length"), SCHEMA, include_raw=False).invoke("x") == {"age": 30}


def test_a_reply_that_is_no_json_says_so() -> None:
    with pytest.raises(OutputParserException, match="is not JSON"):
        parsed(_replies('{"age": ' + "1" * 5000 + "}", "stop"), SCHEMA, include_raw=False).invoke("x")


def test_a_stream_gives_its_parts_and_ends_with_the_error_where_it_was_cut() -> None:
    parts = ['{"age": 3', "0, ", '"name": "A']
    whole = _streams(*parts, '"}', finish_reason="stop")
    assert list(parsed(whole, SCHEMA, include_raw=False).stream("x"))[-1] == {"age": 30, "name": "A"}
    cut = parsed(_streams(*parts, finish_reason="length"), SCHEMA, include_raw=False).stream("x")
    assert [next(cut), next(cut), next(cut)] == [{"age": 3}, {"age": 30}, {"age": 30, "name": "A"}]
    with pytest.raises(OutputParserException, match="raise max_tokens"):
        next(cut)
