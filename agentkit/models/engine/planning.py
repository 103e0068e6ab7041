"""What one decode evaluates: every running reply's tokens, and a part of the prompts that are still being read.

Chunked prefill (Sarathi-Serve, Agrawal et al. 2024, arXiv:2403.02310): a prompt is read beside running replies in parts
so small that the replies keep flowing.

Sequences that are equal so far share the rows of what comes next: prompts that arrive together, the first tokens of
several samples and texts to be scored are a tree, each node of which is read once.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from agentkit.models.engine.context import ContextSizes, Slice
from agentkit.models.engine.drafting import StepCosts
from agentkit.models.engine.sequence import Sequence, common_prefix

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
        """A step that read a prompt took so long for so many tokens. A few tokens tell nothing."""
        if tokens >= _SMALLEST_SHARE:
            seen = seconds / tokens
            self._token_s = seen if self._token_s is None else (self._token_s + seen) / 2


def is_being_read(sequence: Sequence) -> bool:
    """It is a prompt, or another text, that is still being read."""
    return sequence.pending > _SHORT


Planned = list[tuple[Sequence, Slice]]


def plan(
    running: Collection[Sequence], sizes: ContextSizes, costs: StepCosts, *, prompt_share: int, can_fork: bool
) -> Planned:
    """A slice for each sequence that has its turn: replies first, then prompts as far as the batch goes.

    Every sequence is sure of one row of logits; what scores want beyond it goes to the first who ask. Where only
    replies run, guesses fill the step as far as that pays.

    `can_fork`: what one sequence holds can be another's too, and can be taken back.
    """
    for sequence in running:
        sequence.task.take_back(sequence)
    replies = [sequence for sequence in running if not is_being_read(sequence)]
    prompts = [sequence for sequence in running if is_being_read(sequence)]
    if can_fork and not prompts:
        _draft(replies, sizes, costs)
    room, rows = sizes.batch, sizes.outputs
    prompt_room = prompt_share if replies else room
    planned: Planned = []
    beginnings: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for behind, sequence in zip(range(len(running) - 1, -1, -1), [*replies, *prompts], strict=True):
        most = rows - behind
        start = sequence.evaluated
        alike = beginnings[start, sequence.tokens[start]] if can_fork else []
        twin, shared = _twin(sequence, planned, alike)
        count = min(sequence.pending, shared + (min(room, prompt_room) if is_being_read(sequence) else room))
        part = _slice(sequence, count, twin, shared)
        while part.tokens and (excess := _new_outputs(part, planned) - most) > 0:
            part = _slice(sequence, len(part.tokens) - excess, twin, shared)
        if not part.tokens:
            continue
        alike.append(len(planned))
        room -= len(part.tokens) - part.shared
        rows -= _new_outputs(part, planned)
        if is_being_read(sequence):
            prompt_room -= len(part.tokens) - part.shared
        planned.append((sequence, part))
    return planned


def _draft(replies: Collection[Sequence], sizes: ContextSizes, costs: StepCosts) -> None:
    """Let the replies append those of their guesses that are worth their rows, the likeliest first.

    Replies that are equal so far, and will share a row, count as several.
    """
    guesses = [sequence.task.guess(sequence, sizes.context - len(sequence.tokens)) for sequence in replies]
    rows = sum(sequence.pending for sequence in replies)
    room = max(0, min(sizes.batch, sizes.outputs) - rows)
    ranked = sorted(
        ((probability, place) for place, each in enumerate(guesses) for probability in each), key=lambda one: -one[0]
    )[:room]
    count = costs.worthwhile(rows, [probability for probability, _ in ranked])
    drafted = Counter(place for _, place in ranked[:count])
    for place, sequence in enumerate(replies):
        sequence.task.draft(sequence, drafted[place])


def _twin(sequence: Sequence, planned: Planned, alike: Iterable[int]) -> tuple[int, int]:
    """Of the places `alike`, that of the slice with most of the sequence's next tokens after the same tokens, and how
    many.
    """
    start, twin, shared = sequence.evaluated, 0, 0
    for place in alike:
        other, part = planned[place]
        if other.tokens[:start] == sequence.tokens[:start]:
            length = common_prefix(sequence.tokens[start:], part.tokens)
            twin, shared = (place, length) if length > shared else (twin, shared)
            if shared == sequence.pending:
                break
    return twin, shared


def _slice(sequence: Sequence, count: int, twin: int, shared: int) -> Slice:
    assert sequence.slot is not None
    start, count = sequence.evaluated, max(count, 0)
    wanted = sequence.task.outputs(sequence, count) if count else 0
    return Slice(sequence.slot, start, sequence.tokens[start : start + count], wanted, twin, min(shared, count))


def _new_outputs(part: Slice, planned: Planned) -> int:
    """How many rows of logits the slice adds to those that its twin wants."""
    if not part.shared:
        return part.outputs
    twin = planned[part.twin][1]
    first = max(len(part.tokens) - part.outputs, len(twin.tokens) - twin.outputs)
    return part.outputs - max(0, part.shared - first)
