"""What is asked of the engine and what it gives back: requests, pieces, outcomes, and the handle on a generation."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agentkit.models.constraints import Thought
from agentkit.models.engine.matching import Matcher
from agentkit.models.engine.sampling import SamplingParameters
from agentkit.results import StopReason, Usage


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One sequence to be continued."""

    prompt: tuple[int, ...]
    max_tokens: int
    sampling: SamplingParameters = field(default_factory=SamplingParameters)
    stop: tuple[str, ...] = ()
    """The reply ends before the first of these strings."""
    matcher: Matcher | None = None
    """Belongs to this request alone."""
    thought: Thought | None = None
    """Free text before the matcher applies; None applies it from the first token."""
    draft_tokens: int | None = None
    """At most how many tokens to guess and verify in one decode, as far as that is faster; 0 guesses none, and None
    only where several replies to the prompt are running."""
    logprobs: int | None = None
    """How many alternatives to report beside each token's own log-probability; None reports nothing."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """The natural-log probability of a produced token, before constraint and temperature, and of its rivals."""

    token: int
    logprob: float
    alternatives: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is final: it will not be taken back by a stop string or an unfinished character."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    is_constrained: bool = False
    """True from the marker that ends a thought on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended."""

    stop_reason: StopReason
    usage: Usage


class Generation:
    """A running generation: iterate over its pieces, then read `outcome`. Made by the engine.

    Leaving the iteration early, also by an exception such as `KeyboardInterrupt`, cancels it.
    """

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        self._events: queue.SimpleQueue[Piece | Outcome | Exception] = queue.SimpleQueue()
        self._on_cancel = on_cancel
        self._cancelled = threading.Event()
        self._outcome: Outcome | None = None

    def __iter__(self) -> Iterator[Piece]:
        """Pieces in order as they are decoded.

        Raises:
            ModelError: the engine was closed, a decode failed or the constraint became too complex.
        """
        try:
            while self._outcome is None:
                event = self._events.get()
                if isinstance(event, Exception):
                    self._outcome = Outcome(StopReason.CANCELLED, Usage())
                    raise event
                if isinstance(event, Outcome):
                    self._outcome = event
                else:
                    yield event
        finally:
            if self._outcome is None:
                self.cancel()

    @property
    def outcome(self) -> Outcome:
        """How it ended. Waits for the end, so iterate over the pieces first if they are wanted."""
        for _ in self:
            pass
        assert self._outcome is not None
        return self._outcome

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def text(self) -> str:
        """The whole reply; waits for its end."""
        return "".join(piece.text for piece in self)

    def cancel(self) -> None:
        """End it now, also within a long prompt; the outcome's stop reason is `cancelled`. From any thread.

        What the engine still does for it is not waited for.
        """
        if self._outcome is not None:
            return
        self._cancelled.set()
        self._on_cancel()

    def emit(self, event: Piece | Outcome | Exception) -> None:
        """For the engine: hand over a piece, or the end."""
        self._events.put(event)


class GenerationGroup:
    """Generations that are waited for together. Safe to use from several threads."""

    def __init__(self, outer: "GenerationGroup | None" = None) -> None:
        """`outer`: a group that its generations belong to as well."""
        self._outer = outer
        self._generations: list[Generation] = []
        self._is_cancelled = False
        self._lock = threading.Lock()

    def add(self, generation: Generation) -> None:
        """One more; it is cancelled at once where the group was."""
        with self._lock:
            self._generations.append(generation)
            is_late = self._is_cancelled
        if is_late:
            generation.cancel()
        if self._outer:
            self._outer.add(generation)

    def cancel(self) -> None:
        """Cancel all that were added, and all that will be."""
        with self._lock:
            self._is_cancelled = True
            generations = list(self._generations)
        for generation in generations:
            generation.cancel()
