"""Schemas of LangChain's kinds, as decoding follows them."""

from decimal import Decimal
from typing import Any

import pytest
from langchain_core.tools import tool
from pydantic import AnyUrl, BaseModel, Field, HttpUrl

from agentkit.errors import ConstraintError
from agentkit.models.schemas import closed, object_schema, openai_tool
from agentkit.models.structured import response_format


class Node(BaseModel):
    """A part of a tree."""

    value: int
    kids: list["Node"] = []


def plant(root: Node) -> str:
    """Plant a tree.

    Args:
        root: What it grows from.
    """
    return str(root)


def _parameters(described: Any) -> dict[str, Any]:
    return dict(openai_tool(described)["function"]["parameters"])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
        {"enum": ["a", "b"]},
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ],
)
def test_a_schema_of_any_form_keeps_what_it_says(schema: dict[str, Any]) -> None:
    form = response_format({"title": "thing", "description": "A thing.", **schema})["json_schema"]
    assert form == {"name": "thing", "schema": {"description": "A thing.", **schema}}


@pytest.mark.parametrize("form", [plant, tool(plant)], ids=["function", "tool"])
def test_a_recursive_argument_stays_recursive(form: Any) -> None:
    parameters = _parameters(form)
    assert parameters["$defs"]["Node"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}
    assert parameters["required"] == ["root"]


class Invoice(BaseModel):
    """What is owed."""

    total: Decimal = Field(gt=0, le=1000, decimal_places=2)
    step: Decimal | None = Field(multiple_of=0.25)
    link: HttpUrl
    other: AnyUrl


def test_what_pydantic_would_refuse_is_not_admitted() -> None:
    properties = _parameters(Invoice)["properties"]
    limits = {"exclusiveMinimum": 0.0, "maximum": 1000.0, "multipleOf": 0.01}
    assert properties["total"] == {"title": "Total", "type": "number", **limits}
    assert properties["step"]["anyOf"] == [{"type": "number", "multipleOf": 0.25}, {"type": "null"}]
    assert properties["link"]["pattern"] == "^(?:http|https)://"
    assert "pattern" not in properties["other"]


@pytest.mark.parametrize("schema", [list[Node], Node | None, 3])
def test_what_is_no_schema_says_how_it_becomes_one(schema: Any) -> None:
    with pytest.raises(ConstraintError, match=r"is no tool and no schema \(.*\): give .*RootModel\["):
        openai_tool(schema)


def test_what_is_no_schema_is_a_typed_error() -> None:
    with pytest.raises(ConstraintError, match="title"):
        openai_tool({"type": "object", "properties": {}})


def test_schemas_are_closed_where_they_do_not_say_otherwise() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {}, "additionalProperties": True}}}
    assert closed(schema)["additionalProperties"] is False
    assert closed(schema)["properties"]["a"]["additionalProperties"] is True
    assert closed({"type": "object"}) == {"type": "object"}


def test_an_object_that_combines_schemas_stays_open_with_its_parts() -> None:
    kind = {"type": "object", "properties": {"kind": {"const": "a"}}}
    for combined in ("anyOf", "oneOf", "allOf"):
        schema = {"properties": {"kind": {"type": "string"}}, combined: [kind]}
        assert closed(schema) == schema
    assert closed({"anyOf": [kind]}) == {"anyOf": [{"additionalProperties": False, **kind}]}


def test_what_only_says_how_a_value_is_meant_is_left_out_of_what_is_followed() -> None:
    path = {"type": "string", "format": "path"}
    names = {"format": path, "uniqueItems": {"type": "array", "uniqueItems": True, "items": path}}
    assert closed({"allOf": [{"properties": names}], "default": {"format": "path"}}) == {
        "allOf": [
            {
                "properties": {
                    "format": {"type": "string"},
                    "uniqueItems": {"type": "array", "items": {"type": "string"}},
                }
            }
        ],
        "default": {"format": "path"},
    }
    assert closed({"type": "string", "format": "date"})["format"] == "date"


def test_a_tool_s_arguments_are_an_object_of_no_properties_unless_it_says_otherwise() -> None:
    assert object_schema({}) == {"type": "object", "properties": {}}
    either: list[dict[str, Any]] = [{"properties": {"a": {}}}, {"properties": {"b": {}}}]
    assert object_schema({"oneOf": either}) == {"type": "object", "oneOf": either}
