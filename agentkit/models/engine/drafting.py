"""Guessing the next tokens of a reply, where verifying them costs less than what they save.

Prompt-lookup decoding (Saxena 2023, apoorvumang/prompt-lookup-decoding) for many replies at once: what follows is
guessed from the prompt, from the reply so far and from the other replies to the same prompt, which say much the same.
Several tokens are verified in one decode (Leviathan et al. 2022, arXiv:2211.17192). A guess changes what is computed,
never what is chosen: a token is kept only if the sampler draws it from its own logits.
"""

from collections import deque
from collections.abc import Sequence as Tokens
from itertools import accumulate

MOST_GUESSES = 15
"""For one reply in one step; one with more tokens pending would count as a prompt that is being read."""
_LONGEST_RUN = 4
_PROMPT_TOKENS = 4096
"""So many of a prompt's last tokens are looked up: each takes a kilobyte."""
_LEAST_PROBABILITY = 0.05
_BLOCK = 4
"""A step is filled up to a multiple of so many rows, or not at all: kernels multiply by so many at once."""
_FEW_ROWS = 16
"""What is tried however few rows there are; else a step is at most doubled."""
_TRIES = 2
_UNTRIED = 250
"""Steps after which what a number of rows costs is not known any more."""


class Continuations:
    """What followed each run of up to four tokens in one prompt and in the replies to it, while any is running.

    The worker thread alone uses it.
    """

    def __init__(self, prompt: Tokens[int]) -> None:
        self._prompt = prompt[-_PROMPT_TOKENS:]
        self._counts: dict[tuple[int, ...], dict[int, int]] = {}
        self._running = 0
        self._is_prompt_counted = False
        self.is_shared = False
        """Several replies have been running together."""

    def enter(self) -> None:
        """A reply begins."""
        self._running += 1
        self.is_shared |= self._running > 1

    def leave(self) -> None:
        """A reply ended. What the last one leaves behind is forgotten, so that the next is as the first was."""
        self._running -= 1
        if not self._running:
            self._counts.clear()
            self._is_prompt_counted = self.is_shared = False

    def add(self, tokens: Tokens[int], start: int) -> None:
        """Count the tokens from position `start` on, each after those before it."""
        for place in range(max(start, 1), len(tokens)):
            token = tokens[place]
            for size in range(1, min(_LONGEST_RUN, place) + 1):
                after = self._counts.setdefault(tuple(tokens[place - size : place]), {})
                after[token] = after.get(token, 0) + 1

    def guess(self, tokens: Tokens[int], most: int) -> tuple[list[int], list[float]]:
        """Up to `most` tokens that may follow `tokens`, and for each the probability that it and those before it do."""
        if not self._is_prompt_counted:
            self._is_prompt_counted = True
            self.add(self._prompt, 0)
        last, guessed, probabilities = list(tokens[-_LONGEST_RUN:]), list[int](), list[float]()
        probability = 1.0
        while len(guessed) < most and (found := self._next(last)):
            token, alone = found
            probability *= alone
            if probability < _LEAST_PROBABILITY:
                break
            guessed.append(token)
            probabilities.append(probability)
            last = [*last, token][-_LONGEST_RUN:]
        return guessed, probabilities

    def _next(self, last: list[int]) -> tuple[int, float] | None:
        """What came most often after the longest run that is known: the longer the run and the oftener, the surer.

        What is said of it is a little less than what GSM8K shows: what was seen once comes again in 4 of 10 cases after
        one token and in 8 after four.
        """
        for size in range(len(last), 0, -1):
            if after := self._counts.get(tuple(last[-size:])):
                token = max(after, key=after.__getitem__)
                return token, after[token] / (sum(after.values()) + 0.5) * (1 - 0.5**size)
        return None


class StepCosts:
    """How a step is filled up, with guesses or with nothing, by how long the steps before it took for their rows.

    That is no straight line: kernels multiply in blocks of 4 rows or more, and each processor has blocks of its own.
    """

    def __init__(self) -> None:
        self._seconds: dict[tuple[int, int], deque[float]] = {}
        """By rows and padding: what is padded has no logits."""
        self._last_seen: dict[tuple[int, int], int] = {}
        self._steps = 0

    def learn(self, rows: int, seconds: float, *, padding: int = 0) -> None:
        """A step of so many rows, and so many that nobody wanted, took so long."""
        self._steps += 1
        step = rows, padding
        if self._is_old(step):
            self._seconds[step] = deque(maxlen=3)
        self._seconds[step].append(max(seconds, 1e-9))
        self._last_seen[step] = self._steps

    def padding(self, rows: int) -> int:
        """How many rows that nobody wants make a step of so many shorter; it is found by trying."""
        missing = -rows % _BLOCK
        plain = self._cost(rows)
        if rows < _BLOCK or not missing or plain is None:
            return 0
        padded = self._cost(rows, missing)
        return missing if padded is None or padded < plain else 0

    def worthwhile(self, rows: int, probabilities: Tokens[float]) -> int:
        """How many of the likeliest guesses give most tokens a second beside `rows` rows that are evaluated anyway.

        `probabilities`: of each that it is right, falling. What a number of rows costs is found by trying it.
        """
        plain = self._cost(rows)
        if plain is None:
            return 0
        rates = {0: rows / plain}
        for count, expected in enumerate(accumulate(probabilities, initial=float(rows))):
            total = rows + count
            if count and total % _BLOCK == 0 and total <= max(2 * rows, _FEW_ROWS):
                cost = self._cost(total)
                rates[count] = expected / (plain if cost is None else cost)
        return max(rates, key=rates.__getitem__)

    def _cost(self, rows: int, padding: int = 0) -> float | None:
        """The least of the last such steps, since other work only makes a step slower; None where there were too few
        lately.
        """
        step = rows, padding
        if self._is_old(step) or len(self._seconds[step]) < _TRIES:
            return None
        return min(self._seconds[step])

    def _is_old(self, step: tuple[int, int]) -> bool:
        return self._steps - self._last_seen.get(step, -_UNTRIED) >= _UNTRIED
