"""What is taken for a call of a reply that came in pieces."""

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk

from agentkit.agents.reading import whole_calls


def _streamed(*written: tuple[str | None, str]) -> AIMessage:
    """A reply whose calls are given as id and arguments, as they were written."""
    pieces = [tool_call_chunk(name="send", args=args, id=id_, index=n) for n, (id_, args) in enumerate(written)]
    return whole_calls(AIMessageChunk(content="", tool_call_chunks=pieces))


@pytest.mark.parametrize("identifier", ["a", "", None])
def test_a_call_that_was_cut_is_none_with_an_id_and_without(identifier: str | None) -> None:
    reply = _streamed((identifier, '{"text": "pay 100'))
    assert reply.tool_calls == []
    assert [(call["name"], call["error"]) for call in reply.invalid_tool_calls] == [("send", "it was cut short")]


def test_calls_of_one_id_are_told_apart() -> None:
    reply = _streamed(("a", '{"text": "one"}'), ("a", '{"text": "pay 100'))
    assert [call["args"] for call in reply.tool_calls] == [{"text": "one"}]
    assert [call["args"] for call in reply.invalid_tool_calls] == ['{"text": "pay 100']


def test_a_line_end_within_a_text_is_read_as_it_is() -> None:
    assert _streamed(("a", '{"text": "one\ntwo"}')).tool_calls[0]["args"] == {"text": "one\ntwo"}


@pytest.mark.parametrize("written", ["[1]", "null", '"text"'])
def test_arguments_that_are_no_object_are_said_to_be_none(written: str) -> None:
    (call,) = _streamed(("a", written)).invalid_tool_calls
    assert call["error"] == "its arguments are no JSON object"
