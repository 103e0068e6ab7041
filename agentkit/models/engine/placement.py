"""Where a model's layers and its KV cache go, and in which form: what a person may set, and what is chosen.

Layers go to a GPU: all of them where the free memory of the GPUs holds the model, else as many as fit.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentkit.errors import ModelLoadError
from agentkit.models.engine.binding import GpuDevice

ALL_LAYERS = -1
_GPU_SHARE_FOR_WEIGHTS = 0.8
"""Of the free GPU memory beyond `_GPU_COMPUTE_BYTES`; the rest is for the KV cache."""
_GPU_COMPUTE_BYTES = 700_000_000
"""Of each GPU, for compute buffers and what CUDA's libraries take; half of it was seen with a model of 1.5B."""
_KV_MEMORY_SHARE, _KV_GPU_SHARE = 0.25, 0.5
"""Of the memory that is free when the weights are loaded: the machine's, and the GPUs'."""
_GPU_LEAST_FREE_BYTES = 256_000_000
"""Of each GPU in use once all is loaded: a decode takes some more, and CUDA ends the process where it finds none."""


@dataclass(frozen=True, slots=True)
class KVCacheType:
    """A form of the KV cache's numbers."""

    ggml_type: int
    """In `enum ggml_type` (ggml.h)."""
    bytes_per_value: float

    @property
    def is_quantised(self) -> bool:
        return self.bytes_per_value < 2


KV_CACHE_TYPES = {
    "f32": KVCacheType(0, 4),
    "f16": KVCacheType(1, 2),
    "bf16": KVCacheType(30, 2),
    "q8_0": KVCacheType(8, 34 / 32),
    "q4_0": KVCacheType(2, 18 / 32),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model's layers and cache go, and in which form."""

    gpu_layers: int | None = None
    """None chooses by free GPU memory, -1 is all, 0 is none."""
    main_gpu: int = 0
    """The GPU for what is not split, in `gpu_devices()`' order."""
    tensor_split: tuple[float, ...] = ()
    """Shares of the model for each GPU; empty splits by free memory."""
    flash_attention: bool | None = None
    """None leaves it to llama.cpp."""
    kv_cache_type: str = "f16"
    """One of `KV_CACHE_TYPES`; the quantised ones need flash attention."""

    def __post_init__(self) -> None:
        """Refuse what no machine can do.

        Raises:
            ModelLoadError: it names the setting and its value.
        """
        if self.gpu_layers is not None and self.gpu_layers < ALL_LAYERS:
            raise ModelLoadError(f"gpu_layers is {self.gpu_layers}: give a number of layers, or -1 for all")
        if self.kv_cache_type not in KV_CACHE_TYPES:
            raise ModelLoadError(f"kv_cache_type {self.kv_cache_type!r} is none of {', '.join(KV_CACHE_TYPES)}")
        if KV_CACHE_TYPES[self.kv_cache_type].is_quantised and self.flash_attention is False:
            raise ModelLoadError(
                f"kv_cache_type {self.kv_cache_type} needs flash attention: leave flash_attention out, or take f16"
            )
        shares = self.tensor_split
        if shares and not (all(math.isfinite(share) and share >= 0 for share in shares) and max(shares) > 0):
            raise ModelLoadError(f"tensor_split {shares} must be shares of 0 or more, not all of them 0")

    def check(self, gpus: Sequence[GpuDevice]) -> None:
        """Refuse what this machine cannot do, since llama.cpp would do something else in silence.

        Raises:
            ModelLoadError: it names the setting, its value and the GPUs that there are.
        """
        seen = f"llama.cpp sees {len(gpus)} GPUs ({', '.join(gpu.name for gpu in gpus) or 'see agentkit doctor'})"
        if self.main_gpu and not 0 <= self.main_gpu < len(gpus):
            raise ModelLoadError(f"main_gpu is {self.main_gpu}, counted from 0, and {seen}: set another or none")
        if len(self.tensor_split) > len(gpus):
            raise ModelLoadError(f"tensor_split has {len(self.tensor_split)} shares, and {seen}: set fewer or none")


def fitting_layers(layers: int, file_bytes: int, gpus: Sequence[GpuDevice]) -> int:
    """How many of a model's layers to offload: -1 for all where the GPUs' free memory holds the file, else a share.

    The share is by file size, since a GGUF's layers are of nearly equal size.
    """
    room = _GPU_SHARE_FOR_WEIGHTS * sum(max(0, gpu.free_bytes - _GPU_COMPUTE_BYTES) for gpu in gpus)
    if gpus and file_bytes <= room:
        return ALL_LAYERS
    return int(layers * room / file_bytes) if file_bytes else 0


def fitting_tokens(token_bytes: int, on_gpu: float, machine_bytes: int, gpus: Sequence[GpuDevice]) -> int:
    """How many tokens of `token_bytes` a KV cache may hold by the memory that is free; the share `on_gpu` of each is
    where those layers are.
    """
    gpu_bytes = sum(gpu.free_bytes for gpu in gpus)
    room = ((machine_bytes * _KV_MEMORY_SHARE, 1 - on_gpu), (gpu_bytes * _KV_GPU_SHARE, on_gpu))
    return int(min(size / share for size, share in room if share) / max(1, token_bytes))


def crowded_gpus(before: Sequence[GpuDevice], after: Sequence[GpuDevice]) -> list[str]:
    """Names of the GPUs that a load has used and left too little of for a decode."""
    return [
        now.name
        for then, now in zip(before, after, strict=True)
        if now.free_bytes < then.free_bytes and now.free_bytes < _GPU_LEAST_FREE_BYTES
    ]


def fewer_layers(tried: int, layers: int) -> int:
    """What to try where so many of a model's layers did not fit: half as many, at last none."""
    return (layers if tried == ALL_LAYERS else tried) // 2


def offloaded_layers(chosen: int, layers: int, gpus: Sequence[GpuDevice]) -> int:
    """Layers that are on a GPU where `chosen` was asked for; none where there is no GPU.

    The output layer counts as one more in llama.cpp's setting, and does not here.
    """
    if not gpus:
        return 0
    return layers if chosen == ALL_LAYERS else min(chosen, layers)


def model_bytes(path: Path) -> int:
    """Bytes of a GGUF, all parts of one that is split into `…-00001-of-00003.gguf` and so on."""
    parts = [path]
    if split := re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", path.name):
        names = (f"{split[1]}-{number:05}-of-{split[2]}.gguf" for number in range(2, int(split[2]) + 1))
        parts += [path.with_name(name) for name in names]
    return sum(part.stat().st_size for part in parts if part.exists())
