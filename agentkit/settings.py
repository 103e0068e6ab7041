"""What a person can set: `agentkit.toml` and `AGENTKIT_SECTION__KEY` variables, which win over the file. What a program
gives as `Settings(…)` wins over the variables.

`load_settings` reports every problem of the file and the environment at once, each with its line or variable and,
for an unknown key, the nearest known one. Nothing here creates objects from the settings: the workspace does.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from agentkit.errors import SettingsError
from agentkit.models.catalog import DEFAULT_CHAT_MODEL, DEFAULT_EMBEDDER, is_path
from agentkit.paths import expanded

FILE_NAME = "agentkit.toml"
_PREFIX = "AGENTKIT_"


def _no_boolean(value: Any) -> Any:  # Any: what TOML holds
    if isinstance(value, bool):
        raise ValueError("write a number, not true or false")  # noqa: TRY004  # pydantic passes a TypeError on
    return value


_Integer = Annotated[int, BeforeValidator(_no_boolean)]
_Number = Annotated[float, BeforeValidator(_no_boolean)]


class _Section(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(_Section):
    """Which models are used, where they are, and how they run."""

    chat: str = DEFAULT_CHAT_MODEL
    """The model that answers: a catalog name, `hf:OWNER/REPO:FILE`, a path to a GGUF file, or `provider:name`."""
    embedder: str = DEFAULT_EMBEDDER
    """The model that turns text into vectors. An index is read with the one that made it,
    or another after `agentkit indexes rebuild NAME --reembed`."""
    embedder_precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """How exactly texts are embedded; auto is bf16 on a processor that computes in it, fp16 on a GPU, else fp32."""
    judge: Path | None = None
    """The folder of an NLI cross-encoder that judges in `check` and `ask` what passages prove; None: the chat model."""
    directory: Path | None = None
    """Where pulled models are kept; None is the user's data folder."""
    context_tokens: _Integer | None = Field(default=None, ge=256)
    """None takes the model's own limit, or what the memory allows of it."""
    gpu_layers: _Integer | None = Field(default=None, ge=-1)
    """None chooses by free GPU memory; -1 is all."""
    main_gpu: _Integer = Field(default=0, ge=0)
    """The GPU for what is not split, in the order of `agentkit doctor`."""
    tensor_split: tuple[_Number, ...] | None = None
    """Shares of the model for each GPU; None splits by free memory."""
    flash_attention: bool | None = None
    """None leaves it to llama.cpp."""
    kv_cache_type: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    """Form of the KV cache's numbers; the quantised ones need flash attention."""
    draft_tokens: _Integer | None = Field(default=None, ge=0, le=15)
    """At most how many tokens of a reply to guess from earlier text and verify together, as far as that is faster: a
    step is filled to a multiple of four. 0 is none, and None only where several replies to one prompt are running."""
    threads: _Integer | None = Field(default=None, ge=1, le=512)  # as many as ggml can use
    """None takes the number of physical cores."""


class ChunkSettings(_Section):
    """How long the passages of an index are. After a change: `agentkit indexes rebuild NAME --rechunk`."""

    max_chars: _Integer = Field(default=1000, ge=100, le=20_000)
    overlap_chars: _Integer = Field(default=150, ge=0)

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap_chars * 2 > self.max_chars:
            raise ValueError(
                f"overlap_chars ({self.overlap_chars}) must be at most half of max_chars ({self.max_chars})"
            )
        return self


class IndexSettings(_Section):
    """What an index takes in."""

    max_file_bytes: _Integer = Field(default=50_000_000, ge=1)
    """Larger files are skipped and named in the report."""


class SearchSettings(_Section):
    """What is done around a search, in this order; every step is off by default (docs/retrieval.md says why)."""

    queries: Literal["one", "several", "hyde"] = "one"
    """Search with the question, with several ways to ask it, or with a passage made up to answer it as well."""
    reranker: str = "off"
    """`off`, `model` (the local chat model judges passages), or the folder of a cross-encoder."""
    rerank_budget: _Integer = Field(default=20, ge=1, le=1000)
    """How many passages the reranker looks at, at most."""
    relevance_weight: _Number = Field(default=1.0, ge=0.0, le=1.0)
    """Below 1, passages that resemble better ones give way (maximal marginal relevance)."""
    per_file: _Integer | None = Field(default=None, ge=1)
    """At most so many passages of one file."""
    merge_neighbours: bool = False
    """Passages that touch are one longer passage."""

    @property
    def reranker_folder(self) -> Path | None:
        """Of the cross-encoder that reranks; None where none does."""
        return None if self.reranker in {"off", "model"} else expanded(self.reranker)


class AnswerSettings(_Section):
    """How questions are answered."""

    passages: _Integer = Field(default=6, ge=1, le=100)
    """How many passages are retrieved for a question."""
    max_tokens: _Integer = Field(default=512, ge=16)
    """Longest answer."""
    temperature: _Number = Field(default=0.0, ge=0.0, le=2.0)
    seed: _Integer | None = Field(default=None, ge=0)
    """The same seed gives the same answer at any temperature; None draws a new one each time."""


class ToolSettings(_Section):
    """What tools may use."""

    search: str = "off"
    """Web search: `off`, `ddgs`, or the address of a SearXNG server. It sends the model's query to other machines."""
    wikipedia: str = "off"
    """`off`, a language such as `en` (online: it sends the model's query to Wikipedia), or the path of a ZIM file."""

    @field_validator("search")
    @classmethod
    def _check_search(cls, value: str) -> str:
        if value not in {"off", "ddgs"} and not re.match(r"https?://[^/\s]", value):
            raise ValueError("write off, ddgs, or the address of a SearXNG server, such as http://localhost:8888")
        return value

    @field_validator("wikipedia")
    @classmethod
    def _check_wikipedia(cls, value: str) -> str:
        if value != "off" and not value.endswith(".zim") and not re.fullmatch(r"[a-z]{2,3}(-[a-z]+)*|simple", value):
            raise ValueError("write off, a language such as en, or the path of a .zim file")
        return value


class Settings(BaseSettings):
    """All settings, checked: what is given, else the environment's, else the defaults."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
    )

    models: ModelSettings = ModelSettings()
    chunks: ChunkSettings = ChunkSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    tools: ToolSettings = ToolSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The keyword arguments before the environment, key by key, also of sections that are objects."""
        given = {
            name: value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value
            for name, value in init_settings().items()
        }
        return InitSettingsSource(settings_cls, init_kwargs=given), env_settings


def load_settings(file: Path | None = None) -> Settings:
    """The settings of `file` (None: only defaults) with the environment's on top.

    Relative paths in the file (of models, a reranker, a ZIM file) are relative to the file's folder.

    Raises:
        SettingsError: the file cannot be read or is not TOML, or a key is unknown or its value out of range.
    """
    source = "" if file is None else _read(file)
    _check_variables(os.environ)
    problems = _unknown_variables(os.environ)
    try:
        settings = Settings(**_with_variables(_parse(source, file)))
    except ValidationError as error:
        problems += [_problem(details, source, file) for details in error.errors(include_url=False)]
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
        problems = [_option_problem(details, known) for details in error.errors(include_url=False)]
        raise SettingsError("; ".join(problems)) from error
    return settings.model_copy(update={section: changed})


def _option_problem(details: ErrorDetails, known: Sequence[str]) -> str:
    name = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        found = get_close_matches(name, known, n=1)
        hint = f"did you mean {found[0]!r}?" if found else f"known are {', '.join(known)}"
        return f"there is no option {name!r}: {hint}"
    return f"{name} is {details['input']!r}: {details['msg'][:1].lower()}{details['msg'][1:]}"


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
        table = tables.get(section)
        merged[section] = {**(table if isinstance(table, dict) else {}), **keys}
    return merged


def _anchored(settings: Settings, file: Path | None) -> Settings:
    """Relative paths of the file are relative to its folder, those of the environment to the current one."""
    changes: dict[str, dict[str, str | Path]] = {}
    for section, key, path in _paths(settings):
        folder = file.parent if file is not None and not _variable_of((section, key)) else Path.cwd()
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


def _check_variables(environment: Mapping[str, str]) -> None:
    """Refuse a whole section in one variable, which pydantic-settings would read as JSON."""
    for name, value in sorted(environment.items()):
        section = name.upper().removeprefix(_PREFIX).lower()
        if value and name.upper().startswith(_PREFIX) and section in Settings.model_fields:
            example = f"{name}__{_known_keys((section,))[0].upper()}"
            raise SettingsError(f"{name}: one variable holds one key: write {example}=… and so on")


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that pydantic-settings would not look at: with a section that does not exist, or one underscore."""
    unknown = []
    for name in sorted(name for name in environment if name.upper().startswith(_PREFIX)):
        section, delimiter, _ = name.upper().removeprefix(_PREFIX).partition("__")
        if delimiter and section.lower() not in Settings.model_fields:
            unknown.append(f"{name}: unknown section {section.lower()!r}{_nearest(section.lower(), ())}")
        section, _, key = section.partition("_")
        if not delimiter and key.lower() in _known_keys((section.lower(),)):
            unknown.append(f"{name}: two underscores part a key from its section: {_PREFIX}{section}__{key}")
    return unknown


def _problem(details: ErrorDetails, source: str, file: Path | None) -> str:
    """One problem in one line: where it is, which key, and what to write."""
    location = tuple(str(part) for part in details["loc"])
    key = ".".join(location)
    variable = _variable_of(location)
    line = None if variable else _line_of(location[:2], source)
    where = variable or (f"{file}, line {line}" if line else str(file or "settings"))
    if details["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r}{_nearest(location[-1], location[:-1])}"
    message = details["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(details["input"], dict) else f" (it is {details['input']!r})"
    return f"{where}: {key}: {message[:1].lower()}{message[1:]}{shown}"


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
    if field and len(section) == 1 and isinstance(field.annotation, type) and issubclass(field.annotation, _Section):
        return list(field.annotation.model_fields)
    return []


def _variable_of(location: tuple[str, ...]) -> str | None:
    """The environment variable that set this key or something in it, if one did."""
    wanted = _PREFIX + "".join(f"{part.upper()}__" for part in location[:2])
    return next((name for name, value in os.environ.items() if value and f"{name.upper()}__".startswith(wanted)), None)


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
