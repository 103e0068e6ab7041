"""Guessing the next tokens of a reply, where verifying them costs less than what they save.

Prompt-lookup decoding (Saxena 2023, apoorvumang/prompt-lookup-decoding) for many replies at once: what follows is
guessed from the prompt, from the reply so far and from the other replies to the same prompt, which say much the same.
Several tokens are verified in one decode (Leviathan et al. 2022, arXiv:2211.17192). A guess changes what is computed,
never what is chosen: a token is kept only if the sampler draws it from its own logits.
"""

import statistics
from collections import deque
from collections.abc import Sequence as Tokens
from itertools import accumulate

_LONGEST_RUN = 4
_BLOCK = 4
"""A step is filled up to a multiple of so many rows, or not at all."""
_FEW = 16
"""Rows that are tried however few replies there are; else a step is at most doubled."""
_UNTRIED = 1000
"""Steps after which what a number of rows costs is not known any more."""


class Continuations:
    """What followed each run of up to four tokens in one prompt and all replies to it."""

    def __init__(self, prompt: Tokens[int]) -> None:
        self._prompt = prompt
        self._counts: dict[tuple[int, ...], dict[int, int]] = {}
        self.replies = 0
        """How many replies to the prompt have begun."""

    def add(self, tokens: Tokens[int], start: int) -> None:
        """Count the tokens from position `start` on, each after those before it."""
        for place in range(max(start, 1), len(tokens)):
            token = tokens[place]
            for size in range(1, min(_LONGEST_RUN, place) + 1):
                after = self._counts.setdefault(tuple(tokens[place - size : place]), {})
                after[token] = after.get(token, 0) + 1

    def guess(self, tokens: Tokens[int], most: int) -> tuple[list[int], list[float]]:
        """Up to `most` tokens that may follow `tokens`, and for each the probability that it and those before it do."""
        if not self._counts:
            self.add(self._prompt, 0)
        last, guessed, right = list(tokens[-_LONGEST_RUN:]), list[int](), list[float]()
        for _ in range(most):
            found = self._next(last)
            if found is None:
                break
            guessed.append(found[0])
            right.append(found[1] * (right[-1] if right else 1.0))
            last = [*last, found[0]][-_LONGEST_RUN:]
        return guessed, right

    def _next(self, last: list[int]) -> tuple[int, float] | None:
        """What came most often after the longest run that is known. The longer the run and the more often, the
        surer: on GSM8K what was seen once after one token comes again in 4 of 10 cases, after four in 8.
        """
        for size in range(len(last), 0, -1):
            if after := self._counts.get(tuple(last[-size:])):
                token = max(after, key=lambda token: after[token])
                return token, after[token] / (sum(after.values()) + 0.5) * (1 - 0.5**size)
        return None


class StepCosts:
    """How many guesses a step should verify, by how long the steps before it took for their number of rows.

    That is no straight line: kernels multiply in blocks of 4 rows or more, and each processor has blocks of its own.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}
        self._last_seen: dict[int, int] = {}
        self._steps = 0

    def learn(self, rows: int, seconds: float) -> None:
        """A step of so many rows took so long."""
        self._steps += 1
        if self._cost(rows) is None:
            self._seconds[rows] = deque(maxlen=5)
        self._seconds[rows].append(seconds)
        self._last_seen[rows] = self._steps

    def worthwhile(self, rows: int, right: Tokens[float]) -> int:
        """How many of the likeliest guesses give most tokens a second beside `rows` rows that are evaluated anyway.

        `right`: the probability of each that it is right, falling. What a number of rows costs is found by trying it.
        """
        plain = self._cost(rows)
        if plain is None:
            return 0
        best, best_rate = 0, rows / plain
        for count, expected in enumerate(accumulate(right, initial=float(rows))):
            total = rows + count
            if total % _BLOCK == 0 and rows < total <= max(2 * rows, _FEW):
                rate = expected / (self._cost(total) or plain)
                best, best_rate = (count, rate) if rate > best_rate else (best, best_rate)
        return best

    def _cost(self, rows: int) -> float | None:
        """The median of the last steps with so many rows; None where there was none for long."""
        if self._steps - self._last_seen.get(rows, -_UNTRIED) >= _UNTRIED:
            return None
        return statistics.median(self._seconds[rows])
