"""Loading a model with its context, on a thread of its own, so that Ctrl-C ends it.

Python raises KeyboardInterrupt on the main thread, and where that is inside llama.cpp, in the log callback: ctypes can
only print an exception there and go on. So the main thread waits outside of llama.cpp, and can be interrupted.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from agentkit.errors import ModelLoadError
from agentkit.models.engine.binding import gpu_devices
from agentkit.models.engine.context import ContextSizes, LlamaContext, choose_context
from agentkit.models.engine.model import LlamaModel, choose_gpu_layers, count_layers
from agentkit.models.engine.placement import Placement, crowded_gpus, fewer_layers

logger = logging.getLogger(__name__)


class _Closeable(Protocol):
    def close(self) -> None: ...


_Loaded = TypeVar("_Loaded", bound=_Closeable)


def load(
    path: Path, placement: Placement, context_tokens: int | None, threads: int | None
) -> tuple[LlamaModel, LlamaContext, ContextSizes]:
    """The model and its context; with fewer layers on the GPU where the first choice does not fit.

    `context_tokens`: None takes the model's own limit, or what the memory allows of it.

    Raises:
        ModelLoadError: the file cannot be used, or the memory does not suffice.
    """
    while True:
        model = None
        layers = choose_gpu_layers(path) if placement.gpu_layers is None else placement.gpu_layers
        tried = replace(placement, gpu_layers=layers)
        gpus = gpu_devices()
        try:
            model = load_interruptibly(partial(_load_model, path, tried))
            limit = model.context_limit
            sizes = ContextSizes(min(context_tokens, limit) if context_tokens else choose_context(model))
            context = load_interruptibly(partial(_make_context, model, sizes, threads))
            if names := crowded_gpus(gpus, gpu_devices()):
                context.close()
                raise ModelLoadError(f"{path.name} and its context leave too little memory on {', '.join(names)}")
            return model, context, sizes
        except BaseException as error:
            if model:
                model.close()
            if not isinstance(error, ModelLoadError) or layers == 0:
                raise
            placement = replace(placement, gpu_layers=fewer_layers(layers, count_layers(path)))
            logger.warning("%d layers do not fit the GPU: trying %d (%s)", layers, placement.gpu_layers, error)


def _load_model(path: Path, placement: Placement, is_stopped: threading.Event) -> LlamaModel:
    return LlamaModel(path, placement=placement, is_stopped=is_stopped)


def _make_context(model: LlamaModel, sizes: ContextSizes, threads: int | None, _: threading.Event) -> LlamaContext:
    return LlamaContext(model, sizes, threads=threads)


def load_interruptibly(load: Callable[[threading.Event], _Loaded]) -> _Loaded:
    """What `load` gives. Where this is interrupted, the event given to `load` is set, its end is waited for, and what
    it gives all the same is closed.
    """
    is_stopped = threading.Event()
    future: Future[_Loaded] = Future()

    def run() -> None:
        try:
            future.set_result(load(is_stopped))
        except BaseException as error:  # noqa: BLE001 whatever it is, it belongs to the thread that waits
            future.set_exception(error)

    thread = threading.Thread(target=run, name="agentkit-load", daemon=True)
    try:
        thread.start()
        return future.result()
    except BaseException:
        is_stopped.set()
        if thread.is_alive():
            thread.join()
        if future.done() and not future.exception():
            future.result().close()
        raise
