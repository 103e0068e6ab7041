"""The door to llama.cpp: the one module that imports `llama_cpp`, starts its backend and asks what it can do.

llama.cpp writes its log to stderr unless a callback is set; here it goes to `logging` at DEBUG, and the last lines
are kept so that a failed load can say why.
"""

import ctypes
import logging
import os
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Any

logger = logging.getLogger(__name__)

_GPU_DEVICE_TYPES = (1, 2)  # enum ggml_backend_dev_type (ggml-backend.h): CPU 0, GPU 1, integrated GPU 2

_SPIN_COUNT = "10000"
"""How often a thread of libgomp looks whether the others are done before it sleeps; 300,000 times by default. On cores
that another program uses, too, they wait for a thread that has no core: 40 tokens took 125 s, and 8 with this. On idle
cores it is as fast.
"""

_recent_lines: deque[str] = deque(maxlen=40)


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A device that layers can be offloaded to. Memory is in bytes, as the driver reports it now."""

    name: str
    description: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What this machine's build of llama.cpp can do."""

    llama_cpp_python_version: str
    cpu_features: tuple[str, ...]
    """Names that `llama_print_system_info` reports as 1, such as `AVX512` and `AMX_INT8`."""
    has_amx: bool
    """True where the build uses AMX."""
    is_amx_avoided: bool
    """True where AMX is reported: extra buffer types are off then, since the first prompt would end the process
    (ggml-org/llama.cpp issue 20824)."""
    supports_gpu_offload: bool
    gpus: tuple[GpuDevice, ...]


@cache
def llama_cpp() -> Any:  # Any: llama_cpp's functions are ctypes objects without useful types
    """The `llama_cpp` module with its log redirected and its backend started, once per process."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)  # libgomp reads it when it is loaded
    import llama_cpp as module

    module.llama_log_set(_log_callback(), ctypes.c_void_p(0))
    module.llama_backend_init()
    return module


@cache
def engine_report() -> EngineReport:
    """What `agentkit doctor` shows about llama.cpp. Loads the library (about 0.3 s) and no model."""
    library = llama_cpp()
    features = _cpu_features(library.llama_print_system_info().decode())
    has_amx = any(name.startswith("AMX") for name in features)
    supports_gpu = bool(library.llama_supports_gpu_offload())
    return EngineReport(
        llama_cpp_python_version=library.__version__,
        cpu_features=features,
        has_amx=has_amx,
        is_amx_avoided=has_amx,
        supports_gpu_offload=supports_gpu,
        gpus=gpu_devices() if supports_gpu else (),
    )


def gpu_devices() -> tuple[GpuDevice, ...]:
    """The GPUs of this build with their free memory, in llama.cpp's order (its `main_gpu` counts in it)."""
    ggml = _ggml()
    handles = (ctypes.c_void_p(ggml.ggml_backend_dev_get(number)) for number in range(ggml.ggml_backend_dev_count()))
    return tuple(
        _describe(ggml, handle) for handle in handles if ggml.ggml_backend_dev_type(handle) in _GPU_DEVICE_TYPES
    )


def recent_log() -> list[str]:
    """llama.cpp's last log lines, oldest first: the reason when a load returns nothing."""
    return list(_recent_lines)


def clear_log() -> None:
    """Forget the kept log lines, so that the next ones belong to what is done next."""
    _recent_lines.clear()


def _cpu_features(system_info: str) -> tuple[str, ...]:
    """`CPU : SSE3 = 1 | AVX = 1 | …` -> the names whose value is 1."""
    pairs = (part.rpartition(":")[2].partition("=") for part in system_info.split("|"))
    return tuple(name.strip() for name, _, value in pairs if value.strip() == "1")


def _describe(ggml: Any, handle: ctypes.c_void_p) -> GpuDevice:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
    return GpuDevice(
        name=ggml.ggml_backend_dev_name(handle).decode("utf-8", "replace"),
        description=ggml.ggml_backend_dev_description(handle).decode("utf-8", "replace"),
        free_bytes=free.value,
        total_bytes=total.value,
    )


@cache
def _ggml() -> Any:
    """Ggml's device functions (ggml-backend.h), which llama_cpp ships but does not declare."""
    llama_cpp()
    from llama_cpp._ggml import libggml

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
        getattr(libggml, name).argtypes = [ctypes.c_void_p]
        getattr(libggml, name).restype = ctypes.c_char_p
    libggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    libggml.ggml_backend_dev_memory.restype = None
    return libggml


@cache  # ctypes frees a callback that nothing refers to, and llama.cpp would call freed memory
def _log_callback() -> Any:
    from llama_cpp import llama_log_callback

    def receive(_level: int, text: bytes, _user_data: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if line.strip("."):
            _recent_lines.append(line)
            logger.debug("%s", line)

    return llama_log_callback(receive)
