"""Schemas and tools of many forms, as smollm2-135m follows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException

from agentkit import LocalChatModel

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
