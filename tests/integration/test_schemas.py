"""Schemas and tools of many forms, as smollm2-135m follows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage

from agentkit import LocalChatModel
from agentkit.models.tool_calling import ToolBinding

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=2048, max_tokens=48) as model:
        yield model


def test_a_structured_reply_that_the_token_limit_cuts_is_an_error(chat_model_file: Path) -> None:
    fields: dict[str, Any] = {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}}
    schema = {"title": "person", "type": "object", "properties": fields, "required": list(fields)}
    with LocalChatModel(model=str(chat_model_file), context_tokens=2048, max_tokens=6) as model:
        with pytest.raises(OutputParserException, match="raise max_tokens"):
            model.with_structured_output(schema).invoke("Alice, 30, from Paris")
        found = model.with_structured_output(schema, include_raw=True).invoke("Alice, 30, from Paris")
    assert found["parsed"] is None
    assert isinstance(found["parsing_error"], OutputParserException)


@pytest.mark.parametrize(
    ("text", "is_admitted"),
    [
        ('So {"name": "Ann"}, in `code`:\n```json\n{"a": [1]}\n```\n<b>done</b>', True),
        ('\nSo {"name": "delete_accounts"}', True),
        ('So {"name": "delete_account"', False),
        ('So {\n  "name" : "delete_account", ', False),
        ("So <tool_call>", False),
        (' {"a"', False),
        ('So {"name": "a/b c~é-", ', False),
    ],
)
def test_an_answer_instead_of_a_call_may_hold_anything_but_a_call(
    model: LocalChatModel, text: str, *, is_admitted: bool
) -> None:
    names = ("delete_account", "a/b c~é-")
    constraint = ToolBinding(tuple({"function": {"name": name}} for name in names), "none").constraint(str)
    assert constraint is not None
    allowed = model.engine.compile(constraint)
    tokens = model.engine.vocabulary.tokenize(text)
    count = 0
    while count < len(tokens) and allowed.allowed()[tokens[count]]:
        allowed.consume(tokens[count])
        count += 1
    assert (count == len(tokens)) is is_admitted


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_an_answer_that_has_a_name_calls_nothing(model: LocalChatModel, choice: str) -> None:
    tool = {"type": "function", "function": {"name": "delete_account", "description": "Deletes the account."}}
    history = [
        HumanMessage('Repeat: {"name": "Bob"}'),
        AIMessage('{"name": "Bob"}'),
        HumanMessage('Repeat: {"name": "Ann"}'),
    ]
    reply = model.bind_tools([tool], tool_choice=choice).invoke(history)
    assert not reply.tool_calls
    assert '{"name": "' in str(reply.content)
