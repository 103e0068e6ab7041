"""Tool calls: which may be made, and reading them back from text that comes in pieces."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import ConstraintError
from agentkit.models.engine.thought import ThoughtText
from agentkit.models.tool_calling import (
    ToolBinding,
    ToolCallReader,
    check_names,
    plain_messages,
    tool_choice,
    with_system,
)

ADD: dict[str, Any] = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@pytest.mark.parametrize(
    ("choice", "meaning"),
    [
        (None, ("auto", None)),
        ("auto", ("auto", None)),
        ({"type": "auto"}, ("auto", None)),
        ("any", ("any", None)),
        ("required", ("any", None)),
        (True, ("any", None)),
        ({"type": "any"}, ("any", None)),
        ("none", ("none", None)),
        (False, ("none", None)),
        ("add", ("any", "add")),
        ({"type": "function", "function": {"name": "add"}}, ("any", "add")),
        ({"type": "tool", "name": "add"}, ("any", "add")),
        ({"type": "function", "function": {"name": "none"}}, ("any", "none")),
        ({"type": "tool", "name": "auto"}, ("any", "auto")),
        ({"type": "tool", "name": "any"}, ("any", "any")),
    ],
)
def test_every_form_of_tool_choice_is_understood(choice: object, meaning: tuple[str, str | None]) -> None:
    assert tool_choice(choice, ["add", "auto", "any", "none"]) == meaning


def test_without_tools_none_can_be_required() -> None:
    assert tool_choice(None, []) == ("auto", None)
    assert tool_choice("none", []) == ("none", None)
    for choice in ("any", True, "add"):
        with pytest.raises(ConstraintError):
            tool_choice(choice, [])


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        ({"type": "web_search"}, "provider's own"),
        ({"function": {"description": "Adds."}}, "no name"),
        ({"function": {"name": "add", "parameters": True}}, "'add'.*no schema"),
        ({"function": {"name": "add", "parameters": {"type": "array"}}}, "'add'.*no object"),
        ({"function": {"name": "add", "parameters": {"type": ["array", "null"]}}}, "'add'.*no object"),
    ],
)
def test_what_is_no_function_of_named_arguments_is_refused(tool: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConstraintError, match=problem):
        check_names([tool])


@pytest.mark.parametrize("parameters", [None, {}, {"type": ["object", "null"]}, {"oneOf": [{"type": "object"}]}])
def test_a_tool_may_leave_open_what_its_arguments_are(parameters: object) -> None:
    tool = {"function": {"name": "add", "parameters": parameters}}
    assert check_names([tool]) == ["add"]
    assert ToolBinding((tool,), "any").constraint(str) is not None


def test_a_tool_choice_that_names_no_tool_says_which_is_nearest() -> None:
    with pytest.raises(ConstraintError, match="did you mean 'add'"):
        tool_choice("adds", ["add", "multiply"])
    with pytest.raises(ConstraintError, match="not understood"):
        tool_choice(3, ["add"])


def test_a_call_that_must_not_be_made_becomes_the_beginning_of_an_answer() -> None:
    constraint = ToolBinding((ADD,), "none").constraint(str)
    assert constraint is not None
    assert constraint.thought is not None
    thought = ThoughtText(constraint.thought)
    turn = next(filter(None, map(thought.add, [b"I add.\n", b"<tool", b"_call>"])))
    assert thought.take(turn) == b"I add.\n"
    assert constraint.thought.marker == "My answer:"
    assert ToolBinding((ADD,), "none").constraint(str, {"type": "object"}) is None


@pytest.mark.parametrize("choice", ["auto", "any", "none"])
def test_an_object_with_a_name_is_a_call_only_where_a_tool_has_that_name(choice: str) -> None:
    odd = {"function": {"name": 'a"b*'}}
    constraint = ToolBinding((ADD, odd), choice).constraint(str)
    assert constraint is not None
    assert constraint.thought is not None
    for name, is_call in {"add": True, 'a"b*': True, "Ann": False, "address": False}.items():
        thought = ThoughtText(constraint.thought)
        assert bool(thought.add(f'{{"name": {json.dumps(name)}'.encode())) is is_call


def test_a_schema_too_deep_names_its_tool() -> None:
    deep: dict[str, Any] = {"type": "object", "properties": {}}
    for _ in range(80):
        deep = {"type": "object", "properties": {"x": deep}}
    with pytest.raises(ConstraintError, match=r"'add'.*nested deeper"):
        ToolBinding(({"function": {"name": "add", "parameters": deep}},), "auto").constraint(str)


@given(
    st.lists(st.tuples(st.text(min_size=1), st.dictionaries(st.text(), JSON, max_size=4)), min_size=1, max_size=3),
    st.lists(st.integers(1, 7), max_size=60),
)
def test_calls_are_read_back_however_the_text_is_cut(calls: list[tuple[str, dict[str, Any]]], cuts: list[int]) -> None:
    bodies = (f'{{"name": {json.dumps(name)}, "arguments": {json.dumps(args)}}}' for name, args in calls)
    text = "\n".join(f"<tool_call>\n{body}\n</tool_call>" for body in bodies)
    reader, chunks, at = ToolCallReader(), [], 0
    for size in [*cuts, len(text)]:
        chunks += reader.add(text[at : at + size])
        at += size
    whole, cut = reader.calls()
    assert [(call["name"], call["args"]) for call in whole] == calls
    assert not cut
    for number, (_, args) in enumerate(calls):
        assert json.loads("".join(str(c["args"]) for c in chunks if c["index"] == number)) == args


def test_a_call_that_was_cut_is_not_a_call() -> None:
    reader = ToolCallReader()
    reader.add('<tool_call>\n{"name": "send", "arguments": {"text": "half')
    whole, cut = reader.calls()
    assert whole == []
    assert cut[0]["name"] == "send"
    assert "limit" in str(cut[0]["error"])


def test_templates_without_tools_get_them_as_text() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "1?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "2"},
        {"role": "tool", "content": "3"},
    ]
    system, user, assistant, results = plain_messages(messages, [ADD])
    assert '"name": "add"' in system["content"]
    assert user == {"role": "user", "content": "1?"}
    assert assistant["content"] == '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    assert results["role"] == "user"
    assert results["content"].count("<tool_response>") == 2


def test_a_system_message_is_lengthened_or_made() -> None:
    assert with_system([{"role": "user", "content": "x"}], "s")[0] == {"role": "system", "content": "s"}
    assert with_system([{"role": "system", "content": "a"}], "s") == [{"role": "system", "content": "a\n\ns"}]
