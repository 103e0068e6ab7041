"""The check of the arguments that a model gave, before anything runs."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from langchain_core.tools import BaseTool, Tool
from pydantic import AliasChoices, BaseModel, ValidationError

from agentkit.errors import InvalidArgumentsError

_SHOWN_CHARS = 60


def checked_arguments(tool: BaseTool, arguments: Mapping[str, Any]) -> dict[str, Any]:  # Any: what a model wrote
    """A copy of `arguments`, known to fit the tool's schema.

    Raises:
        InvalidArgumentsError: names every argument that is missing, unknown or wrong, and why.
    """
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
        raise InvalidArgumentsError(f"{tool.name} takes a JSON object of arguments, not {_shown(arguments)}")
    given = dict(arguments)
    try:
        problems = _problems(tool, given)
    except RecursionError:
        problems = ["they are nested too deep"]
    if problems:
        raise InvalidArgumentsError(f"the arguments do not fit {tool.name}: {'; '.join(problems)}")
    return given


def under_aliases(tool: BaseTool, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the names that the tool's class reads them under. A model is shown a field's own name, where
    LangChain makes the schema; a field with an alias is read by that.
    """
    schema = tool.args_schema
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return arguments
    return {_read_name(schema, name): value for name, value in arguments.items()}


def validation_problems(error: ValidationError) -> list[str]:
    """What is wrong with each field, for a model to read: field, reason and value."""
    return [_described(detail["loc"], detail["msg"], detail) for detail in error.errors(include_url=False)]


def _read_name(schema: type[BaseModel], name: str) -> str:
    field = schema.model_fields.get(name)
    alias = field.validation_alias if field else None
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else name


def _problems(tool: BaseTool, given: dict[str, Any]) -> list[str]:
    schema = tool.args_schema
    if isinstance(schema, dict):
        return _problems_by_json_schema(schema, given)
    if schema is None and isinstance(tool, Tool):  # LangChain's tools of one text, whose parameter has no name
        return [] if len(given) == 1 else [f"it takes one text, not {len(given)} arguments"]
    shown = tool.tool_call_schema  # without the parameters that are not the model's to give
    if not (isinstance(shown, type) and issubclass(shown, BaseModel)):
        return []
    names = [field.alias or name for name, field in shown.model_fields.items()]
    problems = []
    if shown.model_config.get("extra") != "allow" and not {"kwargs", "args"} & set(names):
        problems = [_unknown(name, names) for name in given if name not in names]
    try:
        shown.model_validate({name: value for name, value in given.items() if name in names})
    except ValidationError as error:
        problems += validation_problems(error)
    return problems


def _problems_by_json_schema(schema: dict[str, Any], given: dict[str, Any]) -> list[str]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = Draft202012Validator(schema, registry=Registry())  # a registry that fetches nothing
    properties = schema.get("properties") or {}
    problems = []
    if properties and schema.get("additionalProperties") in (None, False):
        problems = [_unknown(name, properties) for name in given if name not in properties]
    try:
        for error in validator.iter_errors(given):
            if error.validator != "additionalProperties" or error.path:
                problems.append(f"{'.'.join(map(str, error.path)) or 'they'}: {error.message[:300]}")
    except (SchemaError, Unresolvable) as error:
        problems.append(f"its own schema is wrong ({type(error).__name__}): this tool cannot be called")
    return problems


def _described(place: tuple[int | str, ...], message: str, detail: Mapping[str, Any]) -> str:
    name = ".".join(map(str, place))
    if detail["type"] == "missing":
        return f"{name} is missing"
    reason = f"{message[:1].lower()}{message[1:300]} (it is {_shown(detail['input'])})"
    return f"{name}: {reason}" if name else reason


def _unknown(name: str, names: Iterable[str]) -> str:
    known = list(names)
    if not known:
        return f"{name[:_SHOWN_CHARS]!r} is unknown: the tool takes no arguments"
    near = get_close_matches(name, known, n=1)
    return f"{name[:_SHOWN_CHARS]!r} is unknown: " + (
        f"did you mean {near[0]}?" if near else f"give {', '.join(known)}"
    )


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
