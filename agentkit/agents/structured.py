"""The answer in the form that a program wants: asked for after the one in words, so that no thought is held to it."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ValidationError

from agentkit.agents.model import AgentModel
from agentkit.agents.transcript import fitted
from agentkit.errors import ContextLengthError
from agentkit.models.constraints import json_schema
from agentkit.models.messages import text_of
from agentkit.models.schemas import closed
from agentkit.models.structured import OutputSchema, response_format, schema_instructions

_MAX_TOKENS = 1024


def structured(
    model: AgentModel, messages: Sequence[BaseMessage], answer: str, schema: OutputSchema, *, task: int
) -> tuple[Any, AIMessage]:
    """The answer under `schema`, None where the model did not manage or its context is full, and the reply that it was
    read from.

    A pydantic class gives its instance, anything else what JSON gives. `task` is the place of the message that holds
    the task; the steps behind it give way where there is no room.
    """
    form = response_format(schema)["json_schema"]["schema"]
    asked = [*messages, AIMessage(answer), HumanMessage(schema_instructions(form))]
    asked, _ = fitted(asked, model.room(model.longest_reply(_MAX_TOKENS)), model.count, task=task)
    if model.local:
        left = (model.room(0) or 0) - model.count(asked)
        if left < 1:
            return None, AIMessage("")
        try:
            reply = model.complete(asked, json_schema(closed(form)), max_tokens=min(_MAX_TOKENS, left))
        except ContextLengthError:  # how the reply is constrained can add to the prompt
            return None, AIMessage("")
        return _parsed(text_of(reply), schema), reply
    found = model.structured(asked, schema)
    return found["parsed"], found["raw"]


def _parsed(text: str, schema: OutputSchema) -> Any:
    try:
        if isinstance(schema, type) and is_basemodel_subclass(schema) and issubclass(schema, BaseModel):
            return schema.model_validate_json(text)
        return json.loads(text)
    except (ValidationError, ValueError):
        return None
