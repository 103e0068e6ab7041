"""Embedding with a sentence-transformers model from a local folder (the door to torch and sentence_transformers).

bf16 where the processor computes in it natively, fp16 on a GPU, fp32 otherwise. Texts are embedded in batches of
similar length, so that little is spent on padding. On a processor each core has a batch of its own, of so few texts
that what is between two layers stays in its cache: all cores together on one large batch wait for memory and for one
another. There a plain BERT is computed by `packed_bert.py`, which is quicker, and a few texts, such as a query, by
`bert.py`, which needs no torch either.
"""

import ctypes
import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from agentkit.embedders.base import Embedder, EmbedderIdentity
from agentkit.embedders.bert import BertEncoder, can_encode
from agentkit.errors import EmbedderError, ModelLoadError
from agentkit.paths import StrPath
from agentkit.tokens import load_tokenizer

logger = logging.getLogger(__name__)

Precision = Literal["auto", "bf16", "fp16", "fp32"]
_Encode = Callable[[Sequence[str]], NDArray[np.float32]]

_DEFAULT_MAX_TOKENS = 256
_CPU_BATCH, _GPU_BATCH = 8, 128
_FEW_TEXTS = 4
"""So many are embedded sooner in numpy than torch is imported."""


class SentenceTransformerEmbedder(Embedder):
    """A sentence-transformers model. What it is computed with (1 s to import, 5 s for what is no plain BERT) is loaded
    when the first texts are embedded.
    """

    _torch_process: ClassVar[int | None] = None
    """Where torch has computed: in a process that is forked from it a call would wait for threads for ever."""

    def __init__(
        self,
        folder: StrPath,
        *,
        name: str = "",
        revision: str = "",
        device: str = "auto",
        precision: Precision = "auto",
        batch_size: int | None = None,
    ) -> None:
        """`folder` holds `model.safetensors`, `tokenizer.json`, `config.json` and `modules.json`.

        `device`: "auto" takes a GPU where torch finds one, or a torch device name. `precision`: "auto" takes the
        fastest for the device. It is no part of the identity: an index finds the same with all of them, measured in
        docs/indexing.md. `batch_size`: None takes 8 texts for each core of a processor, 128 for a GPU.

        Raises:
            ModelLoadError: a file is missing or cannot be read.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise ModelLoadError(f"there is no folder {folder}: give a model's, such as ModelStore().path(its name)")
        for needed in ("config.json", "tokenizer.json", "model.safetensors"):
            if not (folder / needed).is_file():
                raise ModelLoadError(f"{folder} has no {needed}: pull the embedder again with: agentkit models pull")
        self._folder = folder
        self._name = name or folder.name
        self._revision = revision
        self._device = device
        self._precision = precision
        self._batch_size = batch_size
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        """A copy, also in another process, loads for itself."""
        given = partial(
            type(self),
            self._folder,
            name=self._name,
            revision=self._revision,
            device=self._device,
            precision=self._precision,
            batch_size=self._batch_size,
        )
        return given, ()

    @cached_property
    def identity(self) -> EmbedderIdentity:
        dimension = int(self._config("config.json")["hidden_size"])
        return EmbedderIdentity(self._name, self._revision or _file_identity(self._folder), dimension)

    @cached_property
    def max_tokens(self) -> int:
        return int(self._config("sentence_bert_config.json").get("max_seq_length") or _DEFAULT_MAX_TOKENS)

    @property
    def tokenizer_file(self) -> Path:
        return self._folder / "tokenizer.json"

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.identity.dimension), dtype=np.float32)
        if len(texts) <= _FEW_TEXTS and self._is_plain_bert:
            return np.stack([self._few.encode(self._ids(text)) for text in texts])
        if SentenceTransformerEmbedder._torch_process not in {None, os.getpid()}:
            raise EmbedderError(
                f"the embedder {self._name} computes in the process that this one was forked from, and its threads are "
                "not in this one: start processes by 'spawn', or embed nothing before they are forked"
            )
        with self._lock:
            array = self._encode(texts) if self._cores is None else self._encode_on_cores(texts, self._cores)
        # In bf16 a row's length is off by up to 1 %.
        array /= np.linalg.norm(array, axis=1, keepdims=True)
        return array

    def _encode_on_cores(self, texts: Sequence[str], cores: ThreadPoolExecutor) -> NDArray[np.float32]:
        by_length = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        size = self._batch_size or _CPU_BATCH
        batches = [by_length[at : at + size] for at in range(0, len(texts), size)]
        found = cores.map(lambda batch: self._encode([texts[number] for number in batch]), batches)
        array = np.empty((len(texts), self.identity.dimension), dtype=np.float32)
        for batch, vectors in zip(batches, found, strict=True):
            array[batch] = vectors
        _give_memory_back()
        return array

    @cached_property
    def _cores(self) -> ThreadPoolExecutor | None:
        """A thread for each core, in which torch computes alone; None where it computes on a GPU."""
        if not self._torch_device.startswith("cpu"):
            return None
        import torch

        self._encode(["a"])  # loads the model, and tells the tokenizer how to pad: not for several threads at once
        cores = torch.get_num_threads()
        have_begun = threading.Barrier(cores)
        pool = ThreadPoolExecutor(cores, thread_name_prefix="agentkit-embedder")

        def begin(_: int) -> None:
            torch.set_num_threads(1)
            have_begun.wait()

        list(pool.map(begin, range(cores)))
        torch.set_num_threads(cores)  # what a thread that begins later has
        return pool

    def _ids(self, text: str) -> list[int]:
        """Its tokens, as many as the model reads: the last is a special one and stays."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    @cached_property
    def _is_plain_bert(self) -> bool:
        return can_encode(self._folder)

    @cached_property
    def _few(self) -> BertEncoder:
        with self._faults_named():
            return BertEncoder(self._folder)

    @cached_property
    def _torch_device(self) -> str:
        if self._device != "auto":
            return self._device
        import torch

        return _best_device(torch)

    @cached_property
    def _encode(self) -> _Encode:
        """The model: texts to vectors, in their order."""
        SentenceTransformerEmbedder._torch_process = os.getpid()
        device = self._torch_device
        is_processor = device.startswith("cpu")
        # A GPU waits for its tokens; on a processor every core has a batch to tokenise.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false" if is_processor else "true")
        precision = self._precision if self._precision != "auto" else _best_precision(device)
        with self._faults_named():
            if is_processor and precision in {"bf16", "fp32"} and self._is_plain_bert:
                encode = self._packed_bert(precision)
            else:
                encode = self._sentence_transformer(device, precision)
        logger.info("loaded %s on %s in %s", self._name, device, precision)
        return encode

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        """Faults of the model's files, by the folder that they are in."""
        try:
            yield
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
            raise ModelLoadError(
                f"the embedder in {self._folder} cannot be loaded: {reason}. Pull it again."
            ) from error

    def _packed_bert(self, precision: Literal["bf16", "fp32"]) -> _Encode:
        from agentkit.embedders.packed_bert import PackedBertEncoder

        model = PackedBertEncoder(self._folder, precision)
        return lambda texts: model.encode([self._ids(text) for text in texts])

    def _sentence_transformer(self, device: str, precision: str) -> _Encode:
        """Any model, on any device. It batches the texts by length itself."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        dtype = getattr(torch, {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}[precision])
        model = SentenceTransformer(
            str(self._folder), device=device, local_files_only=True, model_kwargs={"dtype": dtype}
        ).eval()

        def encode(texts: Sequence[str]) -> NDArray[np.float32]:
            vectors = model.encode(
                list(texts),
                batch_size=self._batch_size or _GPU_BATCH,
                normalize_embeddings=True,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
            array: NDArray[np.float32] = vectors.float().cpu().numpy()
            return array

        return encode

    @cached_property
    def _tokenizer(self) -> Any:  # Any: tokenizers has no types
        return load_tokenizer(self.tokenizer_file)

    def _config(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        if not path.is_file():
            return {}
        try:
            loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ModelLoadError(f"{path} is not valid JSON: pull the embedder again") from error
        return loaded


def _give_memory_back() -> None:
    """Batches of many shapes leave holes in the heap, which glibc keeps: a third more memory in the end."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(ctypes.c_size_t(0))


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_precision(device: str) -> Precision:
    if device.startswith(("cuda", "mps")):
        return "fp16"
    return "bf16" if has_native_bf16() else "fp32"


def has_native_bf16() -> bool:
    """True where the processor multiplies bf16 in hardware; emulated, it is slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))


def _file_identity(folder: Path) -> str:
    """For a folder of unknown origin: its weights' size and first bytes, without reading all of them."""
    path = folder / "model.safetensors"
    with path.open("rb") as file:
        return hashlib.sha256(file.read(1 << 20) + str(path.stat().st_size).encode()).hexdigest()
