"""What is wrong with settings: a line each, with the place and, for an unknown key, the nearest known one."""

import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic_core import ErrorDetails

from agentkit.errors import SettingsError
from agentkit.settings.schema import PREFIX, Section, Settings

_ALIKE = 0.85
"""From here on, of 0 to 1, a variable is taken for a misspelt key: others may have variables that begin with ours."""


def check_variables(environment: Mapping[str, str]) -> None:
    """Refuse a whole section in one variable, which pydantic-settings would read as JSON."""
    for name, value in sorted(environment.items()):
        section = name.upper().removeprefix(PREFIX).lower()
        if value and name.upper().startswith(PREFIX) and section in Settings.model_fields:
            example = f"{name}__{_known_keys((section,))[0].upper()}"
            raise SettingsError(f"{name}: one variable holds one key: write {example}=… and so on")


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that pydantic-settings would not look at: with a wrong section, one underscore, or no section."""
    found = ((name, _problem_of_variable(name)) for name in sorted(environment) if name.upper().startswith(PREFIX))
    return [f"{name}: {problem}" for name, problem in found if problem]


def problem_of(details: ErrorDetails, source: str, file: Path | None) -> str:
    """One problem in one line: where it is, which key, and what to write."""
    location = tuple(str(part) for part in details["loc"])
    key = ".".join(location)
    is_section = details["type"] == "model_type"  # which no variable holds as a whole
    variable = None if is_section else variable_of(location)
    line = None if variable else _line_of(location[:2], source)
    where = variable or (f"{file}, line {line}" if line else str(file or "settings"))
    if details["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r}{_nearest(location[-1], location[:-1])}"
    if is_section:
        return f"{where}: {key} is a section: write [{key}], and its keys below (it is {details['input']!r})"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(details["input"], dict) else f" (it is {details['input']!r})"
    return f"{where}: {key}: {message[:1].lower()}{message[1:]}{shown}"


def option_problem_of(details: ErrorDetails, known: Sequence[str]) -> str:
    """The same of an option, of which only the name was written."""
    name = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        found = get_close_matches(name, known, n=1)
        hint = f"did you mean {found[0]!r}?" if found else f"known are {', '.join(known)}"
        return f"there is no option {name!r}: {hint}"
    return f"{name} is {details['input']!r}: {details['msg'][:1].lower()}{details['msg'][1:]}"


def variable_of(location: tuple[str, ...]) -> str | None:
    """The environment variable that set this key or something in it, if one did."""
    wanted = PREFIX + "".join(f"{part.upper()}__" for part in location[:2])
    return next((name for name, value in os.environ.items() if value and f"{name.upper()}__".startswith(wanted)), None)


def _problem_of_variable(name: str) -> str:
    """Empty where it has a section, or nothing to do with a setting."""
    section, delimiter, _ = name.lower().removeprefix(PREFIX.lower()).partition("__")
    if section in Settings.model_fields:
        return ""
    if delimiter:
        return f"unknown section {section!r}{_nearest(section, ())}"
    first, _, key = section.partition("_")
    if key in _known_keys((first,)):
        return f"two underscores part a key from its section: {_variable(first, key)}"
    sections = {key: each for each in Settings.model_fields for key in _known_keys((each,))}
    found = get_close_matches(section, sections, n=1, cutoff=_ALIKE)
    return f"a key goes with its section: did you mean {_variable(sections[found[0]], found[0])}?" if found else ""


def _variable(section: str, key: str) -> str:
    return f"{PREFIX}{section}__{key}".upper()


def _nearest(name: str, section: tuple[str, ...]) -> str:
    """`: did you mean …` or `: the keys are …`."""
    known = _known_keys(section)
    found = get_close_matches(name, known, n=1)
    if found:
        return f": did you mean {'.'.join((*section, found[0]))!r}?"
    elsewhere = [f"{other}.{name}" for other in Settings.model_fields if name in _known_keys((other,))]
    if elsewhere:
        return f": did you mean {elsewhere[0]!r}?"
    return f": known are {', '.join(known)}" if known else ""


def _known_keys(section: tuple[str, ...]) -> list[str]:
    if not section:
        return list(Settings.model_fields)
    field = Settings.model_fields.get(section[0])
    if field and len(section) == 1 and isinstance(field.annotation, type) and issubclass(field.annotation, Section):
        return list(field.annotation.model_fields)
    return []


def _line_of(location: tuple[str, ...], source: str) -> int | None:
    """The line that sets a key or opens its table. TOML's parser keeps no positions, so the text is searched."""
    table: tuple[str, ...] = ()
    for number, text in enumerate(source.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", text):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if table[: len(location)] == location:
                return number
        elif assignment := re.match(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=", text):
            key = (*table, *(part.strip().strip("\"'") for part in assignment[1].split(".")))
            if key[: len(location)] == location:
                return number
    return None
