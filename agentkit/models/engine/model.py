"""A GGUF file loaded by llama.cpp: weights, vocabulary, metadata.

Which layers go to a GPU is `placement.py`'s business.
"""

import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import Any

from agentkit.errors import ModelLoadError
from agentkit.models.engine.binding import clear_log, engine_report, gpu_devices, llama_cpp, recent_log
from agentkit.models.engine.gguf import check_gguf
from agentkit.models.engine.placement import (
    KV_CACHE_TYPES,
    Placement,
    fitting_layers,
    model_bytes,
    offloaded_layers,
)
from agentkit.models.engine.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


class LlamaModel:
    """The weights of one GGUF file. Free it with `close()`, after every context made from it."""

    def __init__(
        self, path: Path, *, placement: Placement | None = None, is_stopped: threading.Event | None = None
    ) -> None:
        """Load `path`. `placement`: None chooses by free GPU memory. `is_stopped` ends the load.

        Raises:
            ModelLoadError: no such file, not a GGUF, truncated, an architecture that llama.cpp does not know, a
                model that does not generate text, or a placement that this machine cannot do.
        """
        check_gguf(path)
        library = llama_cpp()
        self.path = path
        self.placement = placement or Placement()
        self.placement.check(engine_report().gpus)
        wanted = self.placement.gpu_layers
        self.gpu_layers = choose_gpu_layers(path) if wanted is None else wanted
        parameters = library.llama_model_default_params()
        parameters.n_gpu_layers = self.gpu_layers
        parameters.main_gpu = self.placement.main_gpu
        shares = _tensor_split(self.placement.tensor_split)
        parameters.tensor_split = shares  # kept in a name of its own: ctypes would free it
        no_device = ctypes.c_void_p(None)
        if not self.gpu_layers:  # else prompts are computed on a GPU all the same, which may have no room
            parameters.devices = ctypes.addressof(no_device)
        if engine_report().is_amx_avoided:
            parameters.use_extra_bufts = False
        goes_on = library.llama_progress_callback(lambda _progress, _data: not (is_stopped and is_stopped.is_set()))
        parameters.progress_callback = goes_on
        clear_log()
        self.pointer = library.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self.pointer:
            raise ModelLoadError(f"{path} cannot be loaded: {_load_failure()}. Pull or convert it again.")
        self._library = library
        self.vocabulary = Vocabulary(library.llama_model_get_vocab(self.pointer))
        self.context_limit: int = library.llama_model_n_ctx_train(self.pointer)
        self.layers: int = library.llama_model_n_layer(self.pointer)
        try:
            self._check_generates_text()
        except ModelLoadError:
            self.close()
            raise
        logger.info("loaded %s: %d of %d layers on a GPU", path.name, self.offloaded_layers, self.layers)
        if self.gpu_layers and not engine_report().gpus:
            logger.warning("gpu_layers is %d, and there is no GPU: all is computed on the processor", self.gpu_layers)

    @property
    def can_share_prefixes(self) -> bool:
        """False for recurrent and hybrid models, whose state at an earlier position cannot be had again."""
        library = self._library
        return not (library.llama_model_is_recurrent(self.pointer) or library.llama_model_is_hybrid(self.pointer))

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of one token in the KV cache: keys and values of every layer."""
        library = self._library
        heads = max(1, library.llama_model_n_head(self.pointer))
        head_size = library.llama_model_n_embd(self.pointer) // heads
        architecture = self.metadata("general.architecture")
        values = sum(
            int(self.metadata(f"{architecture}.attention.{part}_length") or head_size) for part in ("key", "value")
        )
        bytes_per_value = KV_CACHE_TYPES[self.placement.kv_cache_type].bytes_per_value
        return int(values * self.layers * library.llama_model_n_head_kv(self.pointer) * bytes_per_value)

    def metadata(self, key: str) -> str | None:
        """A GGUF metadata value as text, such as `general.architecture`; None where the file has none."""
        return _metadata(self.pointer, key)

    def close(self) -> None:
        """Free the weights. Calling it twice does nothing."""
        if self.pointer:
            self.vocabulary.close()
            self._library.llama_model_free(self.pointer)
            self.pointer = None

    @property
    def offloaded_layers(self) -> int:
        """Layers on a GPU."""
        return offloaded_layers(self.gpu_layers, self.layers, engine_report().gpus)

    def _check_generates_text(self) -> None:
        library = self._library
        pooling = self.metadata(f"{self.metadata('general.architecture')}.pooling_type")
        if (
            not library.llama_model_has_decoder(self.pointer)
            or library.llama_model_has_encoder(self.pointer)
            or pooling
        ):
            raise ModelLoadError(f"{self.path} is not a text-generating model. Choose a chat model.")
        if self.vocabulary.size == 0:
            raise ModelLoadError(f"{self.path} has no vocabulary. Convert it again with its tokenizer.")


def choose_gpu_layers(path: Path) -> int:
    """How many layers to offload now: -1 for all, by the GPUs' free memory."""
    gpus = gpu_devices() if engine_report().supports_gpu_offload else ()
    return fitting_layers(count_layers(path), model_bytes(path), gpus) if gpus else 0


def planned_layers(path: Path, gpu_layers: int | None) -> tuple[int, int]:
    """Layers that a load would put on a GPU now, and layers in all, without loading the weights."""
    layers = count_layers(path)
    chosen = choose_gpu_layers(path) if gpu_layers is None else gpu_layers
    return offloaded_layers(chosen, layers, engine_report().gpus), layers


def count_layers(path: Path) -> int:
    """Layers of a GGUF, from its metadata: the weights are not read."""
    library = llama_cpp()
    parameters = library.llama_model_default_params()
    parameters.vocab_only = True
    pointer = library.llama_model_load_from_file(os.fsencode(path), parameters)
    if not pointer:
        return 0
    try:
        return int(_metadata(pointer, f"{_metadata(pointer, 'general.architecture')}.block_count") or 0)
    finally:
        library.llama_model_free(pointer)


def _tensor_split(shares: tuple[float, ...]) -> Any:  # Any: a ctypes array, or None for llama.cpp's own choice
    """Shares as llama.cpp reads them: one for every device it could have."""
    return (ctypes.c_float * llama_cpp().llama_max_devices())(*shares) if shares else None


def _metadata(pointer: Any, key: str) -> str | None:  # Any: a ctypes pointer
    size = 256
    while True:
        buffer = ctypes.create_string_buffer(size)
        length: int = llama_cpp().llama_model_meta_val_str(pointer, key.encode(), buffer, size)
        if length < 0:
            return None
        if length < size:
            return buffer.value.decode("utf-8", "replace")
        size = length + 1


def _load_failure() -> str:
    """llama.cpp's own reason, from its log."""
    telling = [line for line in recent_log() if "error" in line.lower() or "failed" in line.lower()]
    return telling[0] if telling else "llama.cpp gave no reason"
