"""What one decode evaluates: every running reply's tokens, and a part of the prompts that are still being read.

Chunked prefill (Sarathi-Serve, Agrawal et al. 2024, arXiv:2403.02310): a prompt is read beside running replies in parts
so small that the replies keep flowing.
"""

from collections.abc import Collection

from agentkit.models.engine.context import ContextSizes, Slice
from agentkit.models.engine.sequence import Sequence

_SHORT = 16
"""Pending tokens up to which a sequence counts as a running reply; above, as a prompt being read."""
_STEP_S = 0.25
"""How long a step with running replies may take for the prompt tokens in it."""
_SMALLEST_SHARE, _FIRST_SHARE = 16, 64


class PromptShare:
    """How many prompt tokens a step takes beside running replies, by how long the steps before it took."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._token_s: float | None = None

    @property
    def tokens(self) -> int:
        """From 16 to the whole batch."""
        if self._token_s is None:
            return min(_FIRST_SHARE, self._batch)
        return int(min(max(_STEP_S / max(self._token_s, 1e-9), _SMALLEST_SHARE), self._batch))

    def learn(self, tokens: int, seconds: float) -> None:
        """A step of so many tokens took so long. Steps of a few tokens tell nothing of a prompt's."""
        if tokens >= _SMALLEST_SHARE:
            seen = seconds / tokens
            self._token_s = seen if self._token_s is None else (self._token_s + seen) / 2


def plan(running: Collection[Sequence], sizes: ContextSizes, *, prompt_share: int) -> list[tuple[Sequence, Slice]]:
    """A slice for each sequence that has its turn: replies first, then prompts as far as the batch goes.

    Every sequence is sure of one row of logits; what guesses and scores want beyond it goes to the first who ask.
    """
    replies = [sequence for sequence in running if sequence.pending <= _SHORT]
    prompts = [sequence for sequence in running if sequence.pending > _SHORT]
    room, rows = sizes.batch, sizes.outputs
    prompt_room = prompt_share if replies else room
    planned = []
    for behind, sequence in zip(range(len(replies) + len(prompts) - 1, -1, -1), [*replies, *prompts], strict=True):
        most = rows - behind
        guesses = min(most - 1, room - behind - sequence.pending, sizes.context - len(sequence.tokens))
        sequence.task.prepare(sequence, max(guesses, 0))
        count = min(sequence.pending, room if sequence.pending <= _SHORT else min(room, prompt_room))
        wanted = sequence.task.outputs(sequence, count)
        if wanted > most:
            count -= wanted - most
            wanted = sequence.task.outputs(sequence, count) if count > 0 else 0
        if count <= 0:
            continue
        assert sequence.slot is not None
        tokens = sequence.tokens[sequence.evaluated : sequence.evaluated + count]
        planned.append((sequence, Slice(sequence.slot, sequence.evaluated, tokens, wanted)))
        room -= count
        rows -= wanted
        if sequence.pending > _SHORT:
            prompt_room -= count
    return planned
