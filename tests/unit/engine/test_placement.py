"""Where layers go, over GPUs that are not there; and how many threads compute."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import ModelLoadError
from agentkit.models.engine.binding import GpuDevice
from agentkit.models.engine.context import default_threads
from agentkit.models.engine.placement import (
    ALL_LAYERS,
    Placement,
    crowded_gpus,
    fewer_layers,
    fitting_layers,
    fitting_tokens,
    model_bytes,
    offloaded_layers,
)

_GB = 10**9


def _gpus(*free_gb: float) -> list[GpuDevice]:
    return [GpuDevice(f"GPU{n}", "A GPU", int(free * _GB), 24 * _GB) for n, free in enumerate(free_gb)]


@pytest.mark.parametrize(
    ("free_gb", "expected"),
    [((), 0), ((24.0,), ALL_LAYERS), ((11.0,), ALL_LAYERS), ((5.0,), 13), ((2.5, 2.5), 11), ((0.8,), 0), ((0.0,), 0)],
)
def test_layers_are_chosen_from_the_memory_that_is_free(free_gb: tuple[float, ...], expected: int) -> None:
    assert fitting_layers(32, 8 * _GB, _gpus(*free_gb)) == expected


@given(st.integers(1, 200), st.integers(1, 10**12), st.lists(st.floats(0, 100), max_size=8))
def test_what_is_chosen_fits_the_free_memory(layers: int, size: int, free_gb: list[float]) -> None:
    gpus = _gpus(*free_gb)
    chosen = fitting_layers(layers, size, gpus)
    on_gpu = offloaded_layers(chosen, layers, gpus)
    assert 0 <= on_gpu <= layers
    assert size * on_gpu / layers <= sum(gpu.free_bytes for gpu in gpus) * 0.8 + 1


@pytest.mark.parametrize(
    ("on_gpu", "expected"), [(0.0, 4 * _GB // 4 // 1000), (1.0, 6 * _GB // 2 // 1000), (0.5, 4 * _GB // 4 // 500)]
)
def test_a_context_is_chosen_from_the_memory_that_its_layers_are_in(on_gpu: float, expected: int) -> None:
    assert fitting_tokens(1000, on_gpu, 4 * _GB, _gpus(6.0)) == expected


def test_a_gpu_that_a_load_has_filled_up_is_named() -> None:
    """CUDA ends the process where a decode finds no memory (seen on an H200 with 0.9 GB free)."""
    before = _gpus(6.0, 8.0, 0.1)
    assert crowded_gpus(before, _gpus(0.2, 8.0, 0.1)) == ["GPU0"]
    assert crowded_gpus(before, _gpus(0.3, 0.2, 0.1)) == ["GPU1"]
    assert crowded_gpus([], []) == []


def test_without_a_gpu_nothing_is_offloaded_whatever_is_asked_for() -> None:
    assert offloaded_layers(ALL_LAYERS, 32, []) == offloaded_layers(7, 32, []) == 0
    assert offloaded_layers(ALL_LAYERS, 32, _gpus(1)) == offloaded_layers(99, 32, _gpus(1)) == 32


@given(st.integers(ALL_LAYERS, 300), st.integers(0, 300))
def test_where_layers_do_not_fit_fewer_are_tried_until_none_are(tried: int, layers: int) -> None:
    for _ in range(20):
        tried = fewer_layers(tried, layers)
    assert tried == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpu_layers": -2}, "gpu_layers is -2"),
        ({"kv_cache_type": "q5_1"}, "kv_cache_type 'q5_1' is none of f32, f16"),
        ({"kv_cache_type": "q8_0", "flash_attention": False}, "q8_0 needs flash attention"),
        ({"tensor_split": (0.0, 0.0)}, "tensor_split"),
        ({"tensor_split": (-1.0, 2.0)}, "tensor_split"),
        ({"tensor_split": (float("nan"),)}, "tensor_split"),
        ({"tensor_split": (float("inf"), 1.0)}, "tensor_split"),
    ],
)
def test_a_setting_that_no_machine_can_do_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelLoadError, match=message):
        Placement(**settings)


@pytest.mark.parametrize(
    ("placement", "gpus", "message"),
    [
        (Placement(main_gpu=2), 2, r"main_gpu is 2, counted from 0, and llama.cpp sees 2 GPUs \(GPU0, GPU1\)"),
        (Placement(main_gpu=1), 0, r"sees 0 GPUs \(see agentkit doctor\)"),
        (Placement(tensor_split=(1.0, 1.0)), 1, "tensor_split has 2 shares"),
    ],
)
def test_a_setting_that_this_machine_cannot_do_is_named(placement: Placement, gpus: int, message: str) -> None:
    with pytest.raises(ModelLoadError, match=message):
        placement.check(_gpus(*[8.0] * gpus))
    Placement().check([])
    placement.check(_gpus(8.0, 8.0, 8.0))


def test_the_parts_of_a_split_model_count_together(tmp_path: Path) -> None:
    for number, size in ((1, 10), (2, 20), (3, 30)):
        (tmp_path / f"m-0000{number}-of-00003.gguf").write_bytes(b"x" * size)
    (tmp_path / "single.gguf").write_bytes(b"x" * 5)
    assert model_bytes(tmp_path / "m-00001-of-00003.gguf") == 60
    assert model_bytes(tmp_path / "single.gguf") == 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin processes")
def test_no_more_threads_than_cores_that_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= default_threads() <= len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert default_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)
