"""Tool calls and structured output of every shape over smollm2-135m: always valid, streamed or not."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.messages.ai import add_ai_message_chunks
from pydantic import BaseModel, ConfigDict, Field

from agentkit import LocalChatModel
from agentkit.errors import ConstraintError, MessageError, ModelOptionError
from agentkit.models.constraints import after_thought, choice, json_schema, lark, regex, substring
from agentkit.models.schemas import openai_tool

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=8192, max_tokens=120, threads=1) as model:
        yield model


class Port(StrEnum):
    FENNAY = "Fennay"
    SKELL = "Skell"


class Person(BaseModel):
    """Someone aboard."""

    name: str = Field(max_length=12)
    friend: "Person | None" = None


class Cargo(BaseModel):
    kind: Literal["fish", "stone"]
    tons: int = Field(ge=1, le=40)


class Mail(BaseModel):
    kind: Literal["mail"]
    bags: int


class Sail(BaseModel):
    """Sail somewhere."""

    to: Port
    load: Cargo | Mail
    crew: list[Person] = Field(min_length=1, max_length=2)
    note: str | None = Field(default=None, max_length=12)


class Moor(BaseModel):
    """Moor somewhere: no call of it can be long."""

    to: Port
    load: Cargo | Mail
    note: str | None = Field(default=None, max_length=12)


class Wait(BaseModel):
    """Wait."""


class Quoted(BaseModel):
    """Names that Lark, JSON or Python could stumble over."""

    model_config = ConfigDict(populate_by_name=True)
    properties: int = Field(alias='a "quoted" \\ name')
    items: Literal["größe", "\u2028", "</tool_call>", "\x7f"]
    const: bool


_TOOLS: list[Any] = [Sail, Wait, Quoted]


@pytest.mark.parametrize("tool", _TOOLS, ids=lambda tool: tool.__name__)
@pytest.mark.parametrize("seed", range(2))
def test_a_call_fits_its_schema_whatever_the_schema_holds(model: LocalChatModel, tool: Any, seed: int) -> None:
    bound = model.bind_tools([tool], tool_choice=tool.__name__)
    reply = bound.invoke("Go.", temperature=1.5, seed=seed, max_tokens=300)
    assert isinstance(reply, AIMessage)
    (call,) = reply.tool_calls
    assert call["name"] == tool.__name__
    jsonschema.validate(call["args"], openai_tool(tool)["function"]["parameters"])
    tool.model_validate(call["args"])


def _dict_tool(name: str, **parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "Does it.", "parameters": parameters}}


@pytest.mark.parametrize("name", ["größe_messen", "测量", 'a"b', "a\\b", "</tool_call>", "tool with spaces", "🚢"])
def test_names_of_any_characters_are_called_by_them(model: LocalChatModel, name: str) -> None:
    (call,) = model.bind_tools([_dict_tool(name)], tool_choice=name).invoke("Go.").tool_calls
    assert (call["name"], call["args"]) == (name, {})


def test_one_of_fifty_tools_is_called(model: LocalChatModel) -> None:
    number = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}
    tools = [_dict_tool(f"tool_{count}", **(number if count % 2 else {})) for count in range(50)]
    (call,) = model.bind_tools(tools, tool_choice="any").invoke("Call tool_17 with 3.", max_tokens=60).tool_calls
    assert call["name"] in {f"tool_{count}" for count in range(50)}
    assert call["args"].get("n", 0) <= 9


def test_parts_of_an_allof_do_not_forbid_each_other(model: LocalChatModel) -> None:
    parts = [{"properties": {key: {"type": "integer"}}, "required": [key], "type": "object"} for key in ("a", "b")]
    bound = model.bind_tools([_dict_tool("both", allOf=parts)], tool_choice="both")
    (call,) = bound.invoke("Go.").tool_calls
    assert {"a", "b"} <= set(call["args"])


def test_values_that_look_like_schemas_are_left_alone(model: LocalChatModel) -> None:
    value = {"type": "object", "properties": {"x": 1}}
    tool = _dict_tool("say", type="object", properties={"it": {"const": value}}, required=["it"])
    (call,) = model.bind_tools([tool], tool_choice="say").invoke("Go.").tool_calls
    assert call["args"] == {"it": value}


@pytest.mark.parametrize(
    "choice", ["any", "Moor", True, "required", {"type": "function", "function": {"name": "Moor"}}]
)
def test_a_streamed_call_merges_to_the_call_that_is_invoked(model: LocalChatModel, choice: Any) -> None:
    bound = model.bind_tools([Moor], tool_choice=choice)
    options: Any = {"temperature": 1.2, "seed": 5, "max_tokens": 400}
    chunks = [chunk for chunk in bound.stream("Go.", **options) if isinstance(chunk, AIMessageChunk)]
    whole = add_ai_message_chunks(chunks[0], *chunks[1:])
    (call,) = whole.tool_calls
    Moor.model_validate(call["args"])
    assert not whole.invalid_tool_calls
    named = [chunk["name"] for message in chunks for chunk in message.tool_call_chunks if chunk["name"]]
    assert named == ["Moor"]
    assert whole.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("limit", range(2, 60, 7))
def test_half_a_call_is_no_call_streamed_or_not(model: LocalChatModel, limit: int) -> None:
    bound = model.bind_tools([Sail], tool_choice="auto")
    start = '<tool_call>\n{"name": "Sail", "arguments": {"to": "Skell", "load"'
    messages = [HumanMessage("Go."), AIMessage("<tool_call>"), HumanMessage(f"Repeat {start}")]
    options: Any = {"max_tokens": limit, "temperature": 1.0, "seed": limit}
    invoked = bound.invoke(messages, **options)
    chunks = [chunk for chunk in bound.stream(messages, **options) if isinstance(chunk, AIMessageChunk)]
    streamed = add_ai_message_chunks(chunks[0], *chunks[1:])
    assert isinstance(invoked, AIMessage)
    for reply in (invoked, streamed):
        for call in reply.tool_calls:
            Sail.model_validate(call["args"])


def test_several_calls_of_one_reply_are_told_apart_in_a_stream(model: LocalChatModel) -> None:
    bound = model.bind_tools([Wait, Cargo], tool_choice="any", parallel_tool_calls=True)
    for seed in range(6):
        stream = bound.stream("Wait, load and wait again.", temperature=1.2, seed=seed, max_tokens=120)
        chunks = [chunk for chunk in stream if isinstance(chunk, AIMessageChunk)]
        whole = add_ai_message_chunks(chunks[0], *chunks[1:])
        assert whole.tool_calls
        assert len({call["id"] for call in whole.tool_calls}) == len(whole.tool_calls)
        for call in whole.tool_calls:
            (Wait if call["name"] == "Wait" else Cargo).model_validate(call["args"])


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([{"type": "web_search_preview"}], "web_search_preview"),
        ([_dict_tool("a"), _dict_tool("a")], "two tools are called 'a'"),
        ([_dict_tool("bad", type="object", properties={"x": {"type": "strong"}})], "strong"),
        (
            [_dict_tool("good"), _dict_tool("bad", type="object", properties={"x": {"not": {"type": "string"}}})],
            "the tool 'bad' cannot be called: .*not",
        ),
        ([_dict_tool("big", type="object", properties={f"p{n}" * 20: {} for n in range(4000)})], "characters"),
    ],
)
def test_tools_that_cannot_be_are_refused_before_anything_is_decoded(
    model: LocalChatModel, tools: list[Any], message: str
) -> None:
    with pytest.raises(ConstraintError, match=message):
        model.bind(tools=tools).invoke("Go.")


def test_what_is_nested_too_deep_is_a_typed_error(model: LocalChatModel) -> None:
    deep: Any = {"type": "object", "properties": {}}
    for _ in range(2000):
        deep = {"type": "object", "properties": {"x": deep}}
    with pytest.raises(ConstraintError, match=r"'deep'.*nested deeper than 64"):
        model.bind(tools=[_dict_tool("deep", **deep)]).invoke("Go.")
    with pytest.raises(ConstraintError, match="nested deeper than 64"):
        model.invoke("Go.", response_format={"type": "json_schema", "json_schema": {"schema": deep}})
    arguments: Any = 1
    for _ in range(5000):
        arguments = [arguments]
    calls: Any = [{"name": "deep", "args": {"x": arguments}, "id": "1", "type": "tool_call"}]
    with pytest.raises(MessageError, match="nested too deep"):
        model.prompt_tokens([HumanMessage("x"), AIMessage("", tool_calls=calls), ToolMessage("1", tool_call_id="1")])


@pytest.mark.parametrize("form", [{"type": "xml"}, {"type": "json_schema"}, "json", {"json_schema": {"schema": {}}}])
def test_a_response_format_that_is_not_understood_is_no_silence(model: LocalChatModel, form: Any) -> None:
    with pytest.raises(ConstraintError, match="response_format"):
        model.invoke("Go.", response_format=form)


def test_response_formats_of_openai_are_kept(model: LocalChatModel) -> None:
    assert model.invoke("Go.", response_format={"type": "text"}, max_tokens=2)
    assert isinstance(json.loads(str(model.invoke("Go.", response_format={"type": "json_object"}).content)), dict)


def test_structured_output_by_every_method_and_none_other(model: LocalChatModel) -> None:
    for method in ("json_schema", "json_mode", "function_calling"):
        made = model.with_structured_output(Cargo, method=method, include_raw=True).invoke("Go.", max_tokens=300)
        assert isinstance(made["parsed"], Cargo), made
    with pytest.raises(ValueError, match="xml"):
        model.with_structured_output(Cargo, method="xml")  # type: ignore[arg-type]


@pytest.mark.parametrize("stop", [[""], "word", ["a", ""]])
def test_stop_strings_that_cannot_be_are_named(model: LocalChatModel, stop: Any) -> None:
    with pytest.raises(ModelOptionError, match="stop"):
        model.invoke("Hi", stop=stop)


def test_a_stop_string_within_a_constrained_reply_ends_it(model: LocalChatModel) -> None:
    reply = model.invoke("Hi", constraint=regex("ab(ünd)cd[0-9]{3}"), stop=["ünd"])
    assert (reply.content, reply.response_metadata["stop_reason"]) == ("ab", "stop_sequence")


@pytest.mark.parametrize("text", ["größer 漢字 🚢🏴‍☠️", "a\u0301\u0301 \U0001f469\u200d\U0001f467", "\ufeffx"])
def test_characters_that_span_tokens_are_streamed_whole(model: LocalChatModel, text: str) -> None:
    chunks = [str(chunk.content) for chunk in model.stream("Hi", constraint=choice([text]), logprobs=True)]
    assert "".join(chunks) == text
    assert "\ufffd" not in "".join(chunks)


@pytest.mark.parametrize(
    "constraint",
    [
        json_schema(Cargo.model_json_schema()),
        choice(["the first of two answers", "the second of two answers"]),
        regex("The answer is [0-9]{2}, and no other number\\."),
        after_thought(regex("[0-9]{2}"), marker="\n\nAnswer: ", max_tokens=12),
        after_thought(regex("[0-9]{2}"), marker="e", max_tokens=30),
    ],
    ids=["json", "choice", "regex", "thought", "marker inside a word"],
)
@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_log_probabilities_go_with_every_token_of_a_constrained_reply(
    model: LocalChatModel, constraint: Any, temperature: float
) -> None:
    options: Any = {"constraint": constraint, "temperature": temperature, "seed": 4, "max_tokens": 60}
    reply = model.invoke("Think of it.", logprobs=True, top_logprobs=2, **options)
    entries = reply.response_metadata["logprobs"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == reply.content
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 2 for entry in entries)
    chunks = list(model.stream("Think of it.", logprobs=True, **options))
    streamed = [entry for c in chunks for entry in c.response_metadata.get("logprobs", {}).get("content", [])]
    assert b"".join(bytes(entry["bytes"]) for entry in streamed).decode() == "".join(str(c.content) for c in chunks)


def test_ten_thousand_choices_are_one_of_them(model: LocalChatModel) -> None:
    options = [f"option number {number} of the list" for number in range(10_000)]
    assert model.invoke("Choose.", constraint=choice(options), temperature=1.5).content in options


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("a\\\\/b", "a\\/b"), ("a/b", "a/b"), ("a\\/b", "a/b"), ("a\nb", "a\nb"), ("a\\\nb", "a\nb"), ("[/]", "/")],
)
def test_slashes_and_line_breaks_in_a_regex_are_what_they_say(model: LocalChatModel, pattern: str, text: str) -> None:
    assert model.invoke("Hi", constraint=regex(pattern)).content == text


@pytest.mark.parametrize("text", ["\x7f", "\x00", "\u2028", "\\", '"', "/", "\r\n", "%json {}", "{", "<|im_end|>"])
def test_a_choice_of_any_character_is_made_verbatim(model: LocalChatModel, text: str) -> None:
    assert model.invoke("Hi", constraint=choice([text])).content == text


def test_a_quote_is_a_run_of_the_texts_words(model: LocalChatModel) -> None:
    text = "The fog bell on Skell rings twice every twenty seconds."
    for seed in range(5):
        assert str(model.invoke("Hi", constraint=substring(text), temperature=1.5, seed=seed).content) in text
    with pytest.raises(ConstraintError, match="no text"):
        substring(" \n")


@pytest.mark.parametrize(
    "constraint",
    [
        regex("(?=x)a"),
        regex("(a?){5000}a{5000}"),
        lark("start: a\na: a\n"),
        json_schema({"$ref": "#"}),
        json_schema({"type": "string", "pattern": "^(a{1000}){1000}$"}),
        json_schema({"enum": []}),
        json_schema({"not": {"type": "string"}}),
        json_schema({"type": "number", "minimum": float("nan")}),
        choice(["\ud800"]),
        regex("\ud800"),
    ],
    ids=lambda constraint: constraint.lark[:40],
)
def test_what_the_constraint_engine_refuses_is_an_error_before_the_prompt_is_read(
    model: LocalChatModel, constraint: Any
) -> None:
    with pytest.raises(ConstraintError):
        model.engine.compile(constraint)


def test_tokens_are_counted_by_the_models_own_vocabulary_and_template(model: LocalChatModel) -> None:
    messages = [HumanMessage("Hello there")]
    assert model.get_num_tokens("Hello there") == len(model.get_token_ids("Hello there"))
    assert model.get_num_tokens_from_messages(list(messages)) == len(model.prompt_tokens(messages))
    assert model.get_num_tokens_from_messages(list(messages), [Sail]) > 50 + len(model.prompt_tokens(messages))
