"""What a GPU gives: speed with none, half and all of a model's layers on it, in one run.

    python benchmarks/offload.py [MODEL] [--tokens N]

MODEL is a catalog name or a GGUF. Prints a table and, last, one JSON line. Needs a llama.cpp built for the GPU:
`agentkit doctor` prints how; without one every row is the processor's.
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path

from engine import run_many, shared_prompt

from agentkit.models.engine import LlamaEngine, Placement, engine_report
from agentkit.models.engine.model import count_layers
from agentkit.models.store import ModelStore

_COUNTS = (1, 8, 16, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="qwen2.5-coder-1.5b")
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    path = ModelStore().path(options.model)
    layers = count_layers(path)
    rows = []
    for asked in (0, layers // 2, None):
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # each with a llama.cpp of its own
            rows.append(pool.apply(measure, (path, asked, options.tokens)))
    for name in rows[0]:
        print(f"{name:24}", *(f"{row[name]:>10.1f}" for row in rows))
    gpus = [gpu.name for gpu in engine_report().gpus]
    print(json.dumps({"model": options.model, "layers": layers, "gpus": gpus, "rows": rows}))


def measure(path: Path, gpu_layers: int | None, tokens: int) -> dict[str, float]:
    """Tokens per second: of a prompt that is read, and of 1 to 32 replies to one prompt, side by side."""
    with LlamaEngine(path, context_tokens=8192, placement=Placement(gpu_layers=gpu_layers)) as engine:
        prompt = shared_prompt(engine)
        run_many(engine, prompt[:8], 4, 1)
        started = time.perf_counter()
        run_many(engine, prompt, 1, 1)
        figures = {
            "gpu_layers": engine.gpu_layers,
            "prompt_tokens": len(prompt),
            "prompt_tokens_per_s": len(prompt) / (time.perf_counter() - started),
        }
        for count in _COUNTS:
            run_many(engine, prompt, 8, count)
            started = time.perf_counter()
            written = sum(run_many(engine, prompt, tokens, count))
            figures[f"replies_{count}_tokens_per_s"] = written / (time.perf_counter() - started)
        return figures


if __name__ == "__main__":
    main()
