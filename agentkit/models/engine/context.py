"""One llama.cpp context: the KV cache and the decode call. Used by the engine's worker thread alone.

A KV cache holds, per sequence, the tokens evaluated so far; a fork marks the cells of one sequence as another's too,
so that a shared prefix is stored and evaluated once (`kv_unified`).
"""

import ctypes
import ctypes.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from agentkit.cores import usable_cores
from agentkit.errors import EngineError, ModelLoadError
from agentkit.models.engine.binding import clear_log, gpu_devices, llama_cpp, recent_log
from agentkit.models.engine.model import LlamaModel
from agentkit.models.engine.placement import KV_CACHE_TYPES, Placement, fitting_tokens

logger = logging.getLogger(__name__)

_SMALLEST_CONTEXT = 512
_LONGEST_BATCH = 512


@dataclass(frozen=True, slots=True)
class ContextSizes:
    """Sizes of a context, in tokens unless said."""

    context: int
    """KV cells in all; also the longest sequence."""
    outputs: int = 64
    """Logit rows of one decode call."""
    sequences: int = 63
    """Sequences that the KV cache tells apart: running ones and cached prefixes. One more is that of the padding;
    llama.cpp asserts that there are no more of them than outputs."""

    @property
    def batch(self) -> int:
        """Tokens of one decode call: llama.cpp takes no more than its context holds, and asserts that."""
        return min(_LONGEST_BATCH, self.context)


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive tokens of one sequence that one decode evaluates."""

    sequence: int
    position: int
    """Of the first token, counted from 0."""
    tokens: Sequence[int]
    outputs: int = 0
    """For how many of the last tokens logits are wanted."""
    twin: int = 0
    """The place in the batch of an earlier slice, of a sequence that holds the same tokens so far."""
    shared: int = 0
    """How many of the first tokens are the twin's first ones too: evaluated once, for both."""


class KVCacheFullError(Exception):
    """The KV cache has no room for the batch: the worker makes room and tries again."""


class DecodeAbortedError(Exception):
    """`abort()` ended the decode; no slice of it counts as evaluated."""


class LlamaContext:
    """A context over a model. `abort` may be called from any thread, everything else from one thread only."""

    def __init__(self, model: LlamaModel, sizes: ContextSizes, *, threads: int | None = None) -> None:
        """Make the KV cache and the compute buffers.

        Raises:
            ModelLoadError: llama.cpp cannot make the context, for want of memory as a rule.
        """
        library = llama_cpp()
        self._library = library
        self._sizes = sizes
        self._vocabulary_size = model.vocabulary.size
        self._abort_flag = ctypes.create_string_buffer(b"0")
        parameters = self._parameters(sizes, threads or default_threads(), model.placement)
        clear_log()
        self._pointer = library.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            reason = next((line for line in recent_log() if "fail" in line.lower()), "llama.cpp gave no reason")
            raise ModelLoadError(
                f"no context of {sizes.context} tokens for {model.path.name}: {reason}. Set a smaller context_tokens."
            )
        logger.info("context of %d tokens, KV cache %s", sizes.context, model.placement.kv_cache_type)
        self._memory = library.llama_get_memory(self._pointer)
        self._batch = library.llama_batch_init(sizes.batch, 0, sizes.sequences)

    def decode(self, slices: Sequence[Slice], *, padding: int = 0) -> list[NDArray[np.float32]]:
        """Evaluate the slices in one call; for each, its raw logits, shape `(outputs, vocabulary)`.

        They are valid until the next call. `padding`: rows beside them that nobody wants.

        Raises:
            KVCacheFullError: no room.
            DecodeAbortedError: `abort` was called.
            EngineError: llama.cpp refused or failed.
        After each of them some of the slices may be in the cache: `truncate` their sequences to where they began.
        """
        rows = self._fill(slices)
        self._pad(padding)
        status = self._library.llama_decode(self._pointer, self._batch)
        if padding:
            self.truncate(self._sizes.sequences, 0)
        if status == 0:
            return [self._logits(row) for row in rows]
        if status == 1:
            raise KVCacheFullError
        if status == 2:
            raise DecodeAbortedError
        raise EngineError(f"llama.cpp's decode failed with status {status}. Try again; the engine goes on.")

    def abort(self) -> None:
        """End the decode that is running now, or else the next one, within one graph node (milliseconds)."""
        self._abort_flag.value = b"1"

    def clear_abort(self) -> None:
        """Let decodes run again."""
        self._abort_flag.value = b"0"

    def fork(self, source: int, target: int, length: int) -> None:
        """Make the first `length` tokens of sequence `source` those of the empty sequence `target` too."""
        self._library.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def truncate(self, sequence: int, length: int) -> int:
        """Forget what sequence `sequence` holds from position `length` on; gives how many tokens it still holds.

        They are none where the state at an earlier position cannot be had again (recurrent models).
        """
        if self._library.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        self._library.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def close(self) -> None:
        """Free the context. Calling it twice does nothing."""
        if self._pointer:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(self._pointer)
            self._pointer = None

    def _parameters(self, sizes: ContextSizes, threads: int, placement: Placement) -> Any:
        library = self._library
        parameters = library.llama_context_default_params()
        parameters.n_ctx = sizes.context
        parameters.n_batch = sizes.batch
        parameters.n_ubatch = sizes.batch
        parameters.n_outputs_max = sizes.outputs
        parameters.n_seq_max = sizes.sequences + 1
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.kv_unified = True
        parameters.swa_full = True  # a sliding-window cache could not be forked at an earlier position
        parameters.type_k = parameters.type_v = KV_CACHE_TYPES[placement.kv_cache_type].ggml_type
        if placement.flash_attention is not None:
            parameters.flash_attn_type = int(placement.flash_attention)
        parameters.no_perf = True
        parameters.abort_callback, parameters.abort_callback_data = self._abort_callback()
        return parameters

    def _abort_callback(self) -> tuple[Any, Any]:
        """Libc's `atoi` reading "0" or "1": llama.cpp polls it at every graph node, and a Python callback would wait
        for the interpreter lock each time.
        """
        libc = ctypes.CDLL(ctypes.util.find_library("c") if os.name == "posix" else "msvcrt")
        address = ctypes.cast(libc.atoi, ctypes.c_void_p).value
        callback_type = type(self._library.llama_context_default_params().abort_callback)
        return callback_type(address), ctypes.cast(self._abort_flag, ctypes.c_void_p)

    def _fill(self, slices: Sequence[Slice]) -> list[list[int]]:
        """Write the slices into the batch; for each, the rows of its outputs."""
        batch, rows = self._batch, list[list[int]]()
        batch.n_tokens = 0
        for part in slices:
            own = rows[part.twin][: part.shared] if part.shared else []
            for row in own:
                batch.seq_id[row][batch.n_seq_id[row]] = part.sequence
                batch.n_seq_id[row] += 1
            for offset in range(part.shared, len(part.tokens)):
                row = batch.n_tokens
                batch.token[row] = part.tokens[offset]
                batch.pos[row] = part.position + offset
                batch.n_seq_id[row] = 1
                batch.seq_id[row][0] = part.sequence
                batch.logits[row] = False
                batch.n_tokens += 1
                own.append(row)
            rows.append(own)
        outputs = [own[len(own) - part.outputs :] for own, part in zip(rows, slices, strict=True)]
        for row in chain.from_iterable(outputs):
            batch.logits[row] = True
        return outputs

    def _pad(self, count: int) -> None:
        """Write rows of a sequence of their own into the batch."""
        batch = self._batch
        for position in range(count):
            row = batch.n_tokens
            batch.token[row], batch.pos[row], batch.logits[row] = 0, position, False
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, self._sizes.sequences
            batch.n_tokens += 1

    def _logits(self, rows: list[int]) -> NDArray[np.float32]:
        """Outputs of consecutive rows lie one after another in llama.cpp's buffer, and need not be copied."""
        if not rows:
            return np.empty((0, self._vocabulary_size), dtype=np.float32)
        if rows[-1] - rows[0] >= len(rows):
            return np.concatenate([self._logits([row]) for row in rows])
        first = self._library.llama_get_logits_ith(self._pointer, rows[0])
        return np.ctypeslib.as_array(first, shape=(len(rows), self._vocabulary_size))


def default_threads() -> int:
    """Physical cores, since hyper-threads slow matrix products down; of them those that this process may use, since a
    thread that waits for its turn holds up all others at every barrier.
    """
    allowed = usable_cores()
    return min(psutil.cpu_count(logical=False) or allowed, allowed)


def choose_context(model: LlamaModel) -> int:
    """The model's own context limit, or what the free memory holds of it."""
    on_gpu = model.offloaded_layers / max(1, model.layers)
    affordable = fitting_tokens(model.kv_bytes_per_token, on_gpu, psutil.virtual_memory().available, gpu_devices())
    chosen = max(_SMALLEST_CONTEXT, min(model.context_limit, affordable))
    if chosen < model.context_limit:
        logger.info("context of %d of %d tokens: memory allows no more", chosen, model.context_limit)
    return chosen
