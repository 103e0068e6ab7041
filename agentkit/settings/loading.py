"""Settings from `agentkit.toml`, from variables, which win over the file, and from options of a command line."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from agentkit.errors import SettingsError
from agentkit.models.catalog import is_path
from agentkit.paths import expanded
from agentkit.settings.problems import check_variables, option_problem_of, problem_of, unknown_variables, variable_of
from agentkit.settings.schema import Settings

FILE_NAME = "agentkit.toml"


def load_settings(file: Path | None = None) -> Settings:
    """The settings of `file` (None: only defaults) with the environment's on top.

    Relative paths in the file (of models, a reranker, a ZIM file) are relative to the file's folder.

    Raises:
        SettingsError: the file cannot be read or is not TOML, or a key is unknown or its value out of range.
    """
    source = "" if file is None else _read(file)
    check_variables(os.environ)
    problems = unknown_variables(os.environ)
    try:
        settings = Settings(**_with_variables(_parse(source, file)))
    except ValidationError as error:
        problems += [problem_of(details, source, file) for details in error.errors(include_url=False)]
    if problems:
        raise SettingsError("; ".join(problems))
    return _anchored(settings, file)


def with_options(settings: Settings, section: Literal["answer", "search"], texts: Mapping[str, str]) -> Settings:
    """These settings with some of a section replaced by what a person wrote: `{"temperature": "0.7"}`.

    Raises:
        SettingsError: an unknown option, with the nearest known one; a value out of its range.
    """
    current = getattr(settings, section)
    try:
        changed = type(current).model_validate({**current.model_dump(exclude_unset=True), **texts})
    except ValidationError as error:
        known = list(type(current).model_fields)
        problems = [option_problem_of(details, known) for details in error.errors(include_url=False)]
        raise SettingsError("; ".join(problems)) from error
    return settings.model_copy(update={section: changed})


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error


def _parse(source: str, file: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(source)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is no TOMLDecodeError
        raise SettingsError(f"{file} is not valid TOML: {error}. Correct it, or delete it for the defaults") from error


def _with_variables(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables of a file, with the environment's keys over theirs."""
    merged = dict(tables)
    for section, keys in EnvSettingsSource(Settings)().items():
        table = tables.get(section, {})
        merged[section] = {**table, **keys} if isinstance(table, dict) else table
    return merged


def _anchored(settings: Settings, file: Path | None) -> Settings:
    """Relative paths of the file are relative to its folder, those of the environment to the current one."""
    changes: dict[str, dict[str, str | Path]] = {}
    for section, key, path in _paths(settings):
        folder = file.parent if file is not None and not variable_of((section, key)) else Path.cwd()
        place = folder / expanded(path)
        changes.setdefault(section, {})[key] = place if isinstance(path, Path) else str(place)
    sections = {name: getattr(settings, name).model_copy(update=paths) for name, paths in changes.items()}
    return settings.model_copy(update=sections)


def _paths(settings: Settings) -> Iterator[tuple[str, str, str | Path]]:
    """Section, key and value of what is a path, less models that are named from the root or the home folder."""
    models = settings.models
    for key, path in (("directory", models.directory), ("judge", models.judge)):
        if path:
            yield "models", key, path
    for key, name in (("chat", models.chat), ("embedder", models.embedder)):
        if is_path(name) and not (name.startswith("~") or Path(name).is_absolute()):
            yield "models", key, name
    if settings.search.reranker_folder:
        yield "search", "reranker", settings.search.reranker
    if settings.tools.wikipedia.endswith(".zim"):
        yield "tools", "wikipedia", settings.tools.wikipedia
