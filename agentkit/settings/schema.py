"""What a person can set: each section a table of `agentkit.toml`, each key also a variable `AGENTKIT_SECTION__KEY`.

Nothing here creates objects from the settings: the workspace does.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from agentkit.models.catalog import DEFAULT_CHAT_MODEL, DEFAULT_EMBEDDER
from agentkit.paths import expanded

PREFIX = "AGENTKIT_"
"""What the variables of the environment begin with."""


def _no_boolean(value: Any) -> Any:  # Any: what TOML holds
    if isinstance(value, bool):
        raise ValueError("write a number, not true or false")  # noqa: TRY004  # pydantic passes a TypeError on
    return value


_Integer = Annotated[int, BeforeValidator(_no_boolean)]
_Number = Annotated[float, BeforeValidator(_no_boolean)]


class Section(BaseModel):
    """A table of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSettings(Section):
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


class ChunkSettings(Section):
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


class IndexSettings(Section):
    """What an index takes in."""

    max_file_bytes: _Integer = Field(default=50_000_000, ge=1)
    """Larger files are skipped and named in the report."""


class SearchSettings(Section):
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


class AnswerSettings(Section):
    """How questions are answered."""

    passages: _Integer = Field(default=6, ge=1, le=100)
    """How many passages are retrieved for a question."""
    max_tokens: _Integer = Field(default=512, ge=16)
    """Longest answer."""
    temperature: _Number = Field(default=0.0, ge=0.0, le=2.0)
    seed: _Integer | None = Field(default=None, ge=0)
    """The same seed gives the same answer at any temperature; None draws a new one each time."""


class ToolSettings(Section):
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
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
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
