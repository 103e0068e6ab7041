"""The engine: one llama.cpp context, one worker thread, one queue; many sequences in one batch per step.

Continuous batching (Orca, Yu et al. 2022): requests from any thread are admitted between steps; `planning.py` says
what a step evaluates.

Two threads on one context would end the process, so only the worker touches it.
"""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Tokens
from concurrent.futures import Future
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import AgentkitError, ContextLengthError, EngineError
from agentkit.models.constraints import Constraint
from agentkit.models.engine.context import DecodeAbortedError, KVCacheFullError
from agentkit.models.engine.drafting import Continuations, StepCosts
from agentkit.models.engine.generation import Generation, GenerationRequest
from agentkit.models.engine.loading import load
from agentkit.models.engine.matching import ConstraintCompiler, Matcher
from agentkit.models.engine.placement import Placement
from agentkit.models.engine.planning import Planned, PromptShare, is_being_read, plan
from agentkit.models.engine.prefixes import PrefixCache
from agentkit.models.engine.reply import ReplyTask
from agentkit.models.engine.scoring import Score, ScoreTask
from agentkit.models.engine.sequence import Sequence
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.results import StopReason

logger = logging.getLogger(__name__)

MOST_RUNNING = 32
"""Sequences decoded together; more wait their turn."""

_open_engines: "weakref.WeakSet[LlamaEngine]" = weakref.WeakSet()


class LlamaEngine:
    """Generates and scores text with one GGUF model. Thread-safe. Close it, or use it as a context manager."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int | None = None,
        placement: Placement | None = None,
        threads: int | None = None,
        max_running: int = MOST_RUNNING,
    ) -> None:
        """Load the model and start the worker.

        `context_tokens`: None takes the model's own limit, or what a quarter of the free memory holds.
        `placement`: None lets free GPU memory choose. `threads`: None is one per physical core.

        Raises:
            ModelLoadError: the file cannot be used, or the memory does not suffice.
        """
        self._model, self._context, sizes = load(path, placement or Placement(), context_tokens, threads)
        self.context_tokens = sizes.context
        """Longest prompt and reply together, in tokens."""
        self._sizes = sizes
        self._max_running = max_running
        self._constraints = ConstraintCompiler(self._model.vocabulary)
        self._prefixes = PrefixCache(self._context, slots=sizes.sequences, can_fork=self._model.can_share_prefixes)
        self._share = PromptShare(sizes.batch)
        self._costs = StepCosts()
        self._continuations: weakref.WeakValueDictionary[tuple[int, ...], Continuations] = weakref.WeakValueDictionary()
        self._running: list[Sequence] = []
        self._stepping: list[Sequence] = []
        """Those that the decode that runs evaluates."""
        self._waiting: deque[Sequence] = deque()
        self._wakeup = threading.Condition()
        self._is_closing = self._is_crowded = False
        self._process = os.getpid()
        self._worker = threading.Thread(target=self._work, name="agentkit-engine", daemon=True)
        self._worker.start()
        _open_engines.add(self)

    @property
    def vocabulary(self) -> Vocabulary:
        return self._model.vocabulary

    @property
    def gpu_layers(self) -> int:
        """Layers offloaded to a GPU."""
        return self._model.offloaded_layers

    def metadata(self, key: str) -> str | None:
        """A metadata value of the GGUF, such as `tokenizer.chat_template`.

        Raises:
            EngineError: the engine is closed.
        """
        with self.vocabulary.in_use():
            return self._model.metadata(key)

    def compile(self, constraint: Constraint) -> Matcher:
        """A matcher for one request.

        Raises:
            ConstraintError: the grammar, schema or regular expression is refused.
        """
        return self._constraints.compile(constraint)

    def generate(self, request: GenerationRequest) -> Generation:
        """Start continuing the request's prompt; returns at once.

        Raises:
            ContextLengthError: the prompt leaves no room for a reply.
            EngineError: the engine is closed or belongs to the parent process; a token that the vocabulary lacks.
        """
        self._check_length(len(request.prompt))
        self._check_tokens(request.prompt)
        generation = Generation(on_cancel=lambda: self._cancel(task, sequence))
        self._check_process()
        with self._wakeup:
            continuations = self._continuations.setdefault(request.prompt, Continuations(request.prompt))
        task = ReplyTask(request, generation, self.vocabulary, continuations)
        sequence = Sequence(task, list(request.prompt), prefix=len(request.prompt) - 1)
        self._submit([sequence])
        return generation

    def score(self, prompt: Tokens[int], continuations: Iterable[Tokens[int]]) -> list[Score]:
        """Natural-log probability of every token of each continuation, given the prompt; all in one batch.

        The prompt, at least one token, is evaluated once.

        Raises:
            ContextLengthError: a prompt and continuation longer than the context.
            EngineError: the engine is closed, belongs to the parent process, or a decode failed; no prompt, or a token
                that the vocabulary lacks.
        """
        futures: list[Future[Score]] = []
        sequences = []
        self._check_length(len(prompt))
        for continuation in continuations:
            tokens = [*prompt, *continuation]
            self._check_length(max(len(prompt), len(tokens) - 1))
            self._check_tokens(tokens)
            futures.append(Future())
            task = ScoreTask(len(prompt), tokens[len(prompt) :], futures[-1])
            sequences.append(Sequence(task, tokens[:-1], prefix=len(prompt) - 1))
        self._submit(sequences)
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            with self._wakeup:
                self._abort_unwanted()
            raise

    def close(self) -> None:
        """Cancel what is running and free the memory. Calling it twice does nothing."""
        if self._process == os.getpid():
            self.stop()
            self._worker.join()

    def stop(self) -> None:
        """Close without waiting for it, from any thread and at any moment: a garbage collector may call it."""
        with self._wakeup:
            self._is_closing = True
            self._context.abort()
            self._wakeup.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_length(self, tokens: int) -> None:
        if tokens >= self.context_tokens:
            raise ContextLengthError(
                f"the prompt has {tokens} tokens and the context {self.context_tokens}: shorten it by "
                f"{tokens - self.context_tokens + 1} or more, or choose a model with a longer context"
            )
        if tokens < 1:
            raise EngineError("the prompt has no tokens: give at least one")

    def _check_tokens(self, tokens: Tokens[int]) -> None:
        """One bad token would end the decode of everybody's."""
        if min(tokens) < 0 or max(tokens) >= self.vocabulary.size:
            bad = min(tokens) if min(tokens) < 0 else max(tokens)
            raise EngineError(f"there is no token {bad}: this model's are 0 to {self.vocabulary.size - 1}")

    def _check_process(self) -> None:
        """A lock may be held for ever in a process that was forked."""
        if self._process != os.getpid():
            raise EngineError(
                "the engine was made before this process was forked and cannot be used in it: "
                "make it after the fork, or start processes with the 'spawn' method"
            )

    def _submit(self, sequences: list[Sequence]) -> None:
        self._check_process()
        with self._wakeup:
            if self._is_closing:
                raise EngineError("the engine is closed: make a new one")
            self._waiting.extend(sequences)
            self._wakeup.notify()

    def _cancel(self, task: ReplyTask, sequence: Sequence) -> None:
        """The caller does not wait for the step that runs, which others may need."""
        task.answer_cancelled(sequence)
        with self._wakeup:
            self._abort_unwanted()

    def _abort_unwanted(self) -> None:
        """End the step that runs if all of its sequences are cancelled; with others in it its work would be lost."""
        if self._stepping and all(sequence.task.is_cancelled for sequence in self._stepping):
            self._context.abort()

    # The worker thread

    def _work(self) -> None:
        while self._wait_for_work():
            try:
                self._drop_cancelled()
                self._admit()
                planned = plan(
                    self._running,
                    self._sizes,
                    self._costs,
                    prompt_share=self._share.tokens,
                    can_fork=self._model.can_share_prefixes,
                )
                if planned:
                    self._step(planned)
            except BaseException as error:  # a fault of ours, or a panic of llguidance's, must reach the callers
                logger.exception("the engine's worker failed")
                self._fail_all(f"the engine failed: {type(error).__name__}: {error}")
        self._fail_all("the engine was closed")
        self._context.close()
        self._model.close()

    def _wait_for_work(self) -> bool:
        """Sleep until there is work; False when the engine is closing."""
        with self._wakeup:
            while not (self._running or self._waiting or self._is_closing):
                self._wakeup.wait()
            if not self._is_closing:
                self._context.clear_abort()
            return not self._is_closing

    def _drop_cancelled(self) -> None:
        for sequence in [sequence for sequence in self._running if sequence.task.is_cancelled]:
            self._end(sequence, StopReason.CANCELLED)
        with self._wakeup:
            cancelled = [sequence for sequence in self._waiting if sequence.task.is_cancelled]
            for sequence in cancelled:
                self._waiting.remove(sequence)
        for sequence in cancelled:
            sequence.task.finish(sequence, StopReason.CANCELLED)

    def _admit(self) -> None:
        """Start waiting sequences.

        While the cache is crowded none is started: it would take the room that the running ones need to end.
        """
        if self._is_crowded and self._running:
            return
        self._is_crowded = False
        with self._wakeup:
            candidates = list(self._waiting)
        for sequence in candidates:
            if len(self._running) >= self._max_running:
                return
            if not self._prefixes.place(sequence, self._prefixes.match(sequence, self._running)):
                return
            sequence.cached = sequence.evaluated
            with self._wakeup:
                self._waiting.remove(sequence)
            self._running.append(sequence)
            self._attempt(sequence, lambda sequence=sequence: sequence.task.begin(sequence))  # type: ignore[misc]

    def _step(self, planned: Planned) -> None:
        rows = sum(len(part.tokens) - part.shared for _, part in planned)
        is_reading = any(is_being_read(sequence) for sequence, _ in planned)
        can_pad = self._model.can_share_prefixes and not is_reading and len(planned) > 1  # one alone is as a bare loop
        padding = min(self._costs.padding(rows), self._sizes.batch - rows) if can_pad else 0
        started = time.perf_counter()
        try:
            results = self._decode(planned, padding)
        except DecodeAbortedError:
            self._take_back(planned)
            return
        except KVCacheFullError:
            self._take_back(planned)
            self._make_room()
            return
        except EngineError as error:
            for sequence, _ in planned:
                self._abandon(sequence, error)
            return
        if is_reading:
            self._share.learn(rows, time.perf_counter() - started)
        else:
            self._costs.learn(rows, time.perf_counter() - started, padding=padding)
        for (sequence, part), logits in zip(planned, results, strict=True):
            sequence.cached += max(0, min(part.shared, sequence.prefix + 1 - part.position))
            sequence.evaluated += len(part.tokens)
            if part.outputs:
                self._attempt(sequence, lambda s=sequence, rows=logits: self._receive(s, rows))  # type: ignore[misc]
            if sequence.slot is not None and sequence.pending and len(sequence.tokens) > self.context_tokens:
                self._end(sequence, StopReason.CONTEXT_FULL)

    def _decode(self, planned: Planned, padding: int) -> list[NDArray[np.float32]]:
        """With padding only where the KV cache has room for it."""
        slices = [part for _, part in planned]
        with self._wakeup:
            self._stepping = [sequence for sequence, _ in planned]
            self._abort_unwanted()
        try:
            return self._context.decode(slices, padding=padding)
        except KVCacheFullError:
            if not padding:
                raise
            self._take_back(planned)
            return self._context.decode(slices, padding=0)
        finally:
            with self._wakeup:
                self._stepping = []

    def _receive(self, sequence: Sequence, logits: NDArray[np.float32]) -> StopReason | None:
        """Let the task act on logits, and forget in the cache what it takes back."""
        assert sequence.slot is not None
        cached = sequence.evaluated
        reason = sequence.task.receive(sequence, logits)
        if sequence.evaluated < cached:
            sequence.evaluated = self._context.truncate(sequence.slot, sequence.evaluated)
        return reason

    def _take_back(self, planned: Planned) -> None:
        """Nothing of a decode that did not end counts. Where its state before is lost (recurrent models), a sequence
        begins again.
        """
        for sequence, part in planned:
            if self._context.truncate(part.sequence, part.position) < part.position:
                self._set_back(sequence)

    def _make_room(self) -> None:
        """The KV cache is full: forget a kept prefix, else set the youngest sequence back, else end the only one."""
        if self._prefixes.evict() or not self._running:
            return
        youngest = self._running[-1]
        if len(self._running) == 1:
            self._end(youngest, StopReason.CONTEXT_FULL)
            return
        self._set_back(youngest)
        self._is_crowded = True

    def _set_back(self, sequence: Sequence) -> None:
        """Let a sequence wait, and evaluate all of its tokens again when its turn comes."""
        self._running.remove(sequence)
        self._prefixes.drop(sequence)
        with self._wakeup:
            self._waiting.appendleft(sequence)

    def _attempt(self, sequence: Sequence, action: Callable[[], StopReason | None]) -> None:
        """Let the task act; end the sequence where it says so or fails: its fault is not the others'."""
        try:
            reason = action()
        except AgentkitError as error:
            self._abandon(sequence, error)
            return
        except BaseException as error:  # as in `_work`
            logger.exception("a generation failed")
            self._abandon(sequence, EngineError(f"the generation failed: {type(error).__name__}: {error}"))
            return
        if reason:
            self._end(sequence, reason)

    def _end(self, sequence: Sequence, reason: StopReason) -> None:
        self._running.remove(sequence)
        self._is_crowded = False
        self._prefixes.keep(sequence)
        sequence.task.finish(sequence, reason)

    def _abandon(self, sequence: Sequence, error: Exception) -> None:
        self._running.remove(sequence)
        self._is_crowded = False
        self._prefixes.drop(sequence)
        sequence.task.fail(error)

    def _fail_all(self, message: str) -> None:
        """Tell every caller, then begin anew with an empty cache: after a fault nothing about it is certain."""
        with self._wakeup:
            ended = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
        for sequence in ended:
            sequence.task.fail(EngineError(message))
        self._is_crowded = False
        self._prefixes.clear()


@atexit.register
def _close_engines() -> None:
    """Freeing a context while its worker still decodes would crash the interpreter on its way out."""
    for engine in list(_open_engines):
        engine.close()
