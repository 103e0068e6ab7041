"""Tool calls of a local model: what may be called, as a constraint; how it is said in the prompt; reading them back.

The form is that of Hermes and Qwen (NousResearch/Hermes-Function-Calling): `<tool_call>`, a JSON object with `name` and
`arguments`, `</tool_call>`. Before it the model writes freely; from the tag on, decoding follows the tools' schemas, so
a call is valid by construction, whatever the model.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import InvalidToolCall, ToolCall
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from rapidfuzz import process

from agentkit.errors import ConstraintError
from agentkit.models.constraints import Constraint, Thought, check_schema_depth, json_schema, literal, schema_rule
from agentkit.models.schemas import closed, object_schema

OPEN_CALL, CLOSE_CALL = "<tool_call>", "</tool_call>"
_OPEN_TOOLS = "<tools>"
_OPEN_RESPONSE, _CLOSE_RESPONSE = "<tool_response>", "</tool_response>"

_CALL_TOKENS = 256
"""Kept for a call that must be made, where the reply's limit allows."""
_MOST_CALLS = 16
_INSTEAD = "My answer:"
_INSTRUCTIONS = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


@dataclass(frozen=True, slots=True)
class ToolBinding:
    """The tools of one call to the model, in OpenAI's function form, and which of them it may or must call."""

    tools: tuple[Mapping[str, Any], ...]
    choice: str
    """`auto`, `any` or `none`."""
    only: str | None = None
    """The one tool that must be called, where the choice is `any`."""
    is_parallel: bool = False
    """True allows several calls in one reply."""

    def constraint(self, spell: Callable[[str], str], answer: Mapping[str, Any] | None = None) -> Constraint | None:
        """What a reply may be; None where no tool may be called and `answer` says the rest.

        Where no tool may be called the prompt has the tools all the same, so that its beginning is in the cache: a call
        that the model begins becomes the beginning of an answer. A call that must be made is ended early where the
        token limit comes, so that there is one; a call that may be made is cut, and does not count: half an argument
        must not be acted on by choice.

        `spell` gives a tag as a Lark literal for the vocabulary. `answer` is a schema for replies that call nothing;
        without it they are free text.

        Raises:
            ConstraintError: a schema is nested too deep or is too large; the message names the tool.
        """
        if self.choice == "none" and answer is not None:
            return None
        lookalike = _lookalike(map(_name, self.tools))
        if self.choice == "none":
            return Constraint(
                _no_call(map(_name, self.tools)), thought=Thought(_INSTEAD, is_required=False, lookalike=lookalike)
            )
        callable_ones = [tool for tool in self.tools if self.only in (None, _name(tool))]
        calls = _call_rules(callable_ones, spell, most=_MOST_CALLS if self.is_parallel else 1)
        if answer is not None and self.choice == "auto":
            rule = f"start: {spell(OPEN_CALL)} calls | answer\nanswer: {schema_rule(closed(answer))}\n"
            return Constraint(rule + calls)
        if self.only is None:
            is_required = self.choice == "any"
            thought = Thought(OPEN_CALL, is_required=is_required, reserve=_CALL_TOKENS, lookalike=lookalike)
            return Constraint("start: calls\n" + calls, is_json=is_required, thought=thought)
        return Constraint(f"start: {spell(OPEN_CALL)} calls\n{calls}", is_json=True)

    def refusal(self, compiled: Callable[[Constraint], object]) -> ConstraintError | None:
        """Why `compiled` refuses a constraint of these tools, with the tool's name; None where it takes each alone."""
        for tool in self.tools:
            try:
                compiled(json_schema(closed(_parameters(tool))))
            except ConstraintError as error:
                return ConstraintError(f"the tool {_name(tool)!r} cannot be called: {error}")
        return None


def tool_choice(choice: object, names: Sequence[str]) -> tuple[str, str | None]:
    """LangChain's and the providers' forms of `tool_choice` as `auto`, `any` or `none`, and the tool that it names.

    Raises:
        ConstraintError: no such form, no tool of that name, or no tools where one must be called.
    """
    match choice:
        case None | "auto" | {"type": "auto"}:
            return "auto", None
        case "any" | "required" | True | {"type": "any"} | {"type": "required"}:
            if not names:
                raise ConstraintError(f"tool_choice {choice!r} needs a tool: give at least one")
            return "any", None
        case "none" | False | {"type": "none"}:
            return "none", None
        case {"function": {"name": str(name)}} | {"name": str(name)} | str(name):
            if name in names:
                return "any", name
            nearest = process.extractOne(name, names)
            hint = f", did you mean {nearest[0]!r}?" if nearest else ""
            raise ConstraintError(f"tool_choice {name!r} is none of the bound tools ({', '.join(names)}){hint}")
    raise ConstraintError(f"tool_choice {choice!r} is not understood: give auto, any, none or a tool's name")


def check_names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tools' names.

    Raises:
        ConstraintError: two of one name, or what `checked_name` refuses.
    """
    names = [checked_name(tool) for tool in tools]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConstraintError(f"two tools are called {sorted(twice)[0]!r}: rename one")
    return names


def checked_name(tool: Mapping[str, Any]) -> str:
    """The name of a tool.

    Raises:
        ConstraintError: it is no function or has no name, or its parameters are no object or nested too deep.
    """
    function = tool.get("function")
    if not isinstance(function, Mapping):
        raise ConstraintError(f"a tool of type {tool.get('type')!r} is a provider's own: give functions")
    name = function.get("name")
    if not isinstance(name, str):
        raise ConstraintError(f"a tool has no name: {str(function)[:80]}")
    try:
        _check_parameters(function.get("parameters"))
    except ConstraintError as error:
        raise ConstraintError(f"the tool {name!r} cannot be called: {error}") from error
    return name


def plain_messages(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages with tools, calls and results as text, for a chat template that knows nothing of them."""
    plain: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            response = f"{_OPEN_RESPONSE}\n{message['content']}\n{_CLOSE_RESPONSE}"
            if plain and plain[-1].get("is_response"):
                plain[-1]["content"] += "\n" + response
            else:
                plain.append({"role": "user", "content": response, "is_response": True})
        elif message.get("tool_calls"):
            calls = [_written_call(call["function"]) for call in message["tool_calls"]]
            plain.append({"role": "assistant", "content": "\n".join(filter(None, [message["content"], *calls]))})
        else:
            plain.append(dict(message))
    return with_system(plain, _INSTRUCTIONS.format(tools="\n".join(map(_json, tools)))) if tools else plain


def with_system(messages: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
    """The messages with `text` at the end of the system message, which is made where there is none."""
    first, *rest = (dict(message) for message in messages)
    if first["role"] != "system":
        return [{"role": "system", "content": text}, first, *rest]
    return [{**first, "content": f"{first['content']}\n\n{text}".strip()}, *rest]


class ToolCallReader:
    """The constrained part of a reply, piece by piece, to LangChain's tool call chunks."""

    _HEAD = re.compile(r'\{"name": ("(?:[^"\\]|\\.)*"), "arguments": ')

    def __init__(self) -> None:
        self._held = ""
        self._calls: list[_OpenCall] = []

    def add(self, text: str) -> list[ToolCallChunk]:
        """Chunks for the text: a name with its id first, then the arguments as they come."""
        self._held += text
        chunks: list[ToolCallChunk] = []
        while self._held:
            if self._calls and not self._calls[-1].is_complete:
                call = self._calls[-1]
                taken = call.take(self._held)
                self._held = self._held[len(taken) :]
                chunks.append(tool_call_chunk(name=None, args=taken, id=None, index=len(self._calls) - 1))
            elif head := self._HEAD.search(self._held):
                self._held = self._held[head.end() :]
                call = _OpenCall(json.loads(head[1]))
                self._calls.append(call)
                chunks.append(tool_call_chunk(name=call.name, args="", id=call.id, index=len(self._calls) - 1))
            else:
                break
        return chunks

    def calls(self) -> tuple[list[ToolCall], list[InvalidToolCall]]:
        """The calls that are whole, and those that a limit cut or that Python cannot read."""
        whole, bad = [], []
        for call in self._calls:
            try:
                arguments = json.loads(call.arguments) if call.is_complete else None
                error = "cut short by a limit on tokens"
            except ValueError as problem:  # an integer of thousands of digits
                arguments, error = None, str(problem)
            if arguments is None:
                bad.append(invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=error))
            else:
                whole.append(tool_call(name=call.name, args=arguments, id=call.id))
        return whole, bad

    def cut_chunks(self) -> list[ToolCallChunk]:
        """What ends a stream whose last call was cut, so that the chunks together are no call either.

        LangChain completes half an object, and an agent would act on half an argument.
        """
        if not self._calls or self._calls[-1].is_complete:
            return []
        return [tool_call_chunk(name=None, args=self._calls[-1].spoiler(), id=None, index=len(self._calls) - 1)]


class _OpenCall:
    """A call whose arguments are being read: where its object ends is told by brackets outside of strings."""

    _TELLING = re.compile(r'\\.|["{}]', re.DOTALL)

    def __init__(self, name: str) -> None:
        self.name = name
        self.id = f"call_{uuid.uuid4().hex[:24]}"
        self.arguments = ""
        self.is_complete = False
        self._depth = 0
        self._is_in_string = False
        self._read = 0

    def spoiler(self) -> str:
        """Text after which the arguments cannot be completed: brackets that close what was not opened."""
        quotes = ('""' if self.arguments[self._read :].endswith("\\") else '"') if self._is_in_string else ""
        return quotes + "}" * self._depth + "]"

    def take(self, text: str) -> str:
        """As much of `text` as belongs to the arguments; appended to them."""
        before = len(self.arguments)
        self.arguments += text
        for found in self._TELLING.finditer(self.arguments, self._read):
            self._read = found.end()
            if found[0] == '"':
                self._is_in_string = not self._is_in_string
            elif found[0] in "{}" and not self._is_in_string:
                self._depth += 1 if found[0] == "{" else -1
                if not self._depth:
                    self.is_complete = True
                    self.arguments = self.arguments[: found.end()]
                    break
        return self.arguments[before:]


def _check_parameters(parameters: object) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, Mapping):
        raise ConstraintError(f"its parameters are {parameters!r}, no schema")
    kind = parameters.get("type", "object")
    if "object" not in (kind if isinstance(kind, list) else [kind]):
        raise ConstraintError(f"its parameters are of type {kind!r}, no object")
    check_schema_depth(parameters)


def _lookalike(names: Iterable[str]) -> str:
    """What is a call or stands in the place of one: Qwen's coder models and others write its object without the tag, or
    fenced, or copy the list of tools, or leave the call out and make up what it gives.
    """
    return rf"(?m)(?:^[ \t]*(?:```[a-z]*\s*)?)?(?:{_call_begins(names)})"


def _no_call(names: Iterable[str]) -> str:
    """A grammar for text that has no call in it and does not begin as one would."""
    call = _call_begins(names).replace("/", r"\/")
    text = rf"/[ \n]*[^\s{{<`](.|\n)*/ & ~/(.|\n)*({call})(.|\n)*/"
    return f"start: TEXT\nTEXT: {text}\n"


def _call_begins(names: Iterable[str]) -> str:
    """A regular expression for how a call begins, the list of tools, or what a tool gives: other JSON has names, too,
    but not those of tools.
    """
    named = rf'\{{\s*"name"\s*:\s*(?:{"|".join(re.escape(_json(name)) for name in names)})'
    listed = rf'{_OPEN_TOOLS}\s*\{{\s*"type"\s*:\s*"function"'
    return f"{named}|{OPEN_CALL}|{_OPEN_RESPONSE}|{listed}"


def _call_rules(tools: Sequence[Mapping[str, Any]], spell: Callable[[str], str], *, most: int) -> str:
    more = f' ("\\n" {spell(OPEN_CALL)} call {spell(CLOSE_CALL)}){{0,{most - 1}}}' if most > 1 else ""
    rules = [f"calls: call {spell(CLOSE_CALL)}{more}", "call: " + " | ".join(f"call_{n}" for n in range(len(tools)))]
    for number, tool in enumerate(tools):
        head = literal(f'\n{{"name": {_json(_name(tool))}, "arguments": ')
        rules.append(f'call_{number}: {head} arguments_{number} "}}\\n"')
        try:
            rules.append(f"arguments_{number}: {schema_rule(closed(_parameters(tool)))}")
        except ConstraintError as error:
            raise ConstraintError(f"the tool {_name(tool)!r} cannot be called: {error}") from error
    return "\n".join(rules) + "\n"


def _written_call(function: Mapping[str, Any]) -> str:
    call = f'{{"name": {_json(function["name"])}, "arguments": {_json(function["arguments"])}}}'
    return f"{OPEN_CALL}\n{call}\n{CLOSE_CALL}"


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"])


def _parameters(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_schema(tool["function"].get("parameters") or {})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
