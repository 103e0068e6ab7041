"""Schemas and tools of many forms, as smollm2-135m follows them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, Field, RootModel, SecretStr, create_model

from agentkit import LocalChatModel
from agentkit.errors import ConstraintError, MessageError, ModelOptionError
from agentkit.models.constraints import Constraint
from agentkit.models.schemas import openai_tool
from agentkit.models.tool_calling import ToolBinding, ToolCallReader

pytestmark = pytest.mark.model

_PORT: dict[str, Any] = {"type": "object", "properties": {"port": {"enum": ["Skell"]}}, "required": ["port"]}
_TONS: dict[str, Any] = {"type": "object", "properties": {"tons": {"type": "integer"}}, "required": ["tons"]}
_KINDS: list[dict[str, Any]] = [
    {"properties": {"kind": {"const": "a"}, "x": {"enum": [1, 2]}}, "required": ["x"]},
    {"properties": {"kind": {"const": "b"}, "y": {"enum": [3, 4]}}, "required": ["y"]},
]
_KIND: dict[str, Any] = {"type": "object", "properties": {"kind": {"enum": ["b"]}}, "required": ["kind"]}


class Port(BaseModel):
    port: Literal["Skell"]


class Tons(BaseModel):
    tons: int


class Odd(BaseModel):
    """What has no form of its own in JSON."""

    path: Path
    data: bytes
    secret: SecretStr
    numbers: set[Literal[1, 2]]


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
        ("So <tool_response>", False),
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


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
        {"anyOf": [_PORT, _TONS]},
        {"oneOf": [_PORT, _TONS]},
        {"$ref": "#/$defs/port", "$defs": {"port": _PORT}},
        {"enum": ["a", "b"]},
        {**_KIND, "anyOf": _KINDS},
    ],
    ids="+".join,
)
def test_a_schema_that_is_no_plain_object_is_followed(model: LocalChatModel, schema: dict[str, Any]) -> None:
    value = model.with_structured_output({"title": "thing", "description": "A thing.", **schema}).invoke("Give one.")
    jsonschema.validate(value, schema)
    assert value


@pytest.mark.parametrize(
    "parameters",
    [
        {"oneOf": [_PORT, _TONS]},
        {"anyOf": [_PORT, _TONS]},
        {"type": "object", "anyOf": _KINDS},
    ],
    ids="+".join,
)
def test_a_tool_whose_arguments_are_one_of_several_forms_is_called(
    model: LocalChatModel, parameters: dict[str, Any]
) -> None:
    tool = {"type": "function", "function": {"name": "go", "description": "Goes.", "parameters": parameters}}
    (call,) = model.bind_tools([tool], tool_choice="go").invoke("Go to Skell with 3 tons.").tool_calls
    jsonschema.validate(call["args"], parameters)
    assert call["args"]


def test_pydantic_classes_of_every_kind_give_their_instances(model: LocalChatModel) -> None:
    either = model.with_structured_output(RootModel[Port | Tons]).invoke("Give one.")
    assert isinstance(either.root, Port | Tons)
    many = model.with_structured_output(RootModel[list[Literal[1, 2]]]).invoke("Give some.")
    assert set(many.root) <= {1, 2}
    assert isinstance(model.with_structured_output(Odd).invoke("Give one.", max_tokens=120), Odd)


_VALUES: list[Any] = [
    Annotated[int, Field(gt=-3, le=70)],
    Annotated[Decimal, Field(ge=0, lt=100, decimal_places=2)],
    Annotated[float, Field(ge=0, le=10, multiple_of=0.5)],
    Annotated[str, Field(min_length=1, max_length=4)],
    Annotated[str, Field(pattern="^[A-Z]{2}[0-9]{3}$")],
    Literal["a", 'a "quoted" \\ word', 3, True],
    Port,
    bool,
    Path,
    IPv4Address,
    UUID,
]
_TYPES = st.recursive(
    st.sampled_from(_VALUES),
    lambda inner: st.one_of(
        inner.map(list.__class_getitem__),
        inner.map(Optional.__getitem__),
        st.tuples(inner, inner).map(tuple.__class_getitem__),
        st.tuples(inner, inner).map(Union.__getitem__),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(kinds=st.lists(_TYPES, min_size=1, max_size=3), random=st.randoms(use_true_random=False))
def test_whatever_a_grammar_admits_is_an_argument_of_its_tool(
    model: LocalChatModel, kinds: list[Any], random: Random
) -> None:
    fields: Any = {f"x{number}": (kind, ...) for number, kind in enumerate(kinds)}
    tool = openai_tool(create_model("go", **fields))
    constraint = ToolBinding((tool,), "any", "go").constraint(model.engine.vocabulary.spell)
    assert constraint is not None
    reader = ToolCallReader()
    reader.add(_walk(model, constraint, random))
    ((call,), bad) = reader.calls()
    assert not bad
    jsonschema.validate(call["args"], tool["function"]["parameters"])
    create_model("go", **fields).model_validate(call["args"])


def _walk(model: LocalChatModel, constraint: Constraint, random: Random) -> str:
    """A text that the constraint admits, token by token at random; after 60 it is brought to its end."""
    matcher, tokens = model.engine.compile(constraint), []
    for count in range(300):
        tokens += matcher.take_forced()
        if matcher.is_finished:
            break
        allowed = matcher.allowed() if count < 60 else matcher.closing(matcher.allowed())
        tokens.append(random.choice(np.flatnonzero(allowed).tolist()))
        matcher.consume(tokens[-1])
    return b"".join(map(model.engine.vocabulary.piece, tokens)).decode()


def test_a_form_that_overlaps_another_is_followed(model: LocalChatModel) -> None:
    kinds = [{"type": "object", "properties": {"x": {"enum": [1]}, **more}} for more in ({}, {"y": {"enum": [2]}})]
    schema = {"title": "thing", "description": "A thing.", "oneOf": kinds}
    value = model.with_structured_output(schema).invoke("Give one.")
    jsonschema.validate(value, {"anyOf": kinds})


def test_a_tool_is_forced_whatever_its_name_is(model: LocalChatModel) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("none", "auto", "any")]
    for name in ("none", "auto", "any"):
        forced = model.bind_tools(tools, tool_choice={"type": "function", "function": {"name": name}})
        assert [call["name"] for call in forced.invoke("Go.").tool_calls] == [name]


def test_tools_that_cannot_be_called_are_refused_when_they_are_bound(model: LocalChatModel) -> None:
    with pytest.raises(ConstraintError, match="provider's own"):
        model.bind_tools([{"type": "web_search"}])
    with pytest.raises(ConstraintError, match="give at least one"):
        model.bind_tools([], tool_choice="any")
    assert model.bind_tools([]).invoke("Hello", max_tokens=2).content


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"max_tokens": 0}, ModelOptionError),
        ({"temperature": None}, ModelOptionError),
        ({"stop": [""]}, ModelOptionError),
        ({"constraint": "yes|no"}, ConstraintError),
        ({"reply_start": 5}, ConstraintError),
    ],
)
def test_an_option_that_cannot_be_used_is_a_typed_error(
    model: LocalChatModel, option: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"0|None|stop=|'yes\|no'|reply_start is 5"):
        model.invoke("Hello", **option)


def test_arguments_that_are_not_json_are_a_typed_error(model: LocalChatModel) -> None:
    call = {"name": "go", "args": {"when": datetime(2026, 1, 1, tzinfo=UTC)}, "id": "1"}
    history = [HumanMessage("Go."), AIMessage("", tool_calls=[call]), ToolMessage("Gone.", tool_call_id="1")]
    with pytest.raises(MessageError, match="JSON"):
        model.invoke(history)
