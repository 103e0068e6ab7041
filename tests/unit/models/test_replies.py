"""From pieces to messages."""

import pytest

from agentkit.models.engine import Outcome, Piece
from agentkit.models.replies import ReplyForm, ReplyReader
from agentkit.results import StopReason, Usage

OUTCOME = Outcome(StopReason.COMPLETED, Usage())


def _reader() -> ReplyReader:
    return ReplyReader(ReplyForm(calls_tools=True), "m", lambda _: b"")


def test_an_answer_under_a_schema_is_read_where_a_tool_could_have_been_called() -> None:
    reader = _reader()
    chunks = [reader.add(Piece(text, is_constrained=True)) for text in ('{"city"', ': "Paris"}')]
    message = reader.message(OUTCOME)
    assert "".join(str(chunk.content) for chunk in chunks) == message.content == '{"city": "Paris"}'
    assert not message.tool_calls


@pytest.mark.parametrize("tag", ["<tool_call>", ""], ids=["shown", "hidden"])
def test_a_call_is_no_text(tag: str) -> None:
    reader = _reader()
    reader.add(Piece(f'{tag}\n{{"name": "add", "arguments": {{"a": 1}}}}\n', is_constrained=True))
    message = reader.message(OUTCOME)
    assert message.content == ""
    assert [call["args"] for call in message.tool_calls] == [{"a": 1}]


def test_a_number_too_long_for_python_makes_a_call_invalid() -> None:
    reader = _reader()
    reader.add(Piece(f'\n{{"name": "add", "arguments": {{"a": {"9" * 5000}}}}}\n', is_constrained=True))
    message = reader.message(OUTCOME)
    assert not message.tool_calls
    assert "limit" in str(message.invalid_tool_calls[0]["error"])
