"""Choosing the next token from logits: greedy, or temperature with top-k, top-p and min-p.

Order as in llama.cpp's default chain: top-k, top-p, min-p on the unchanged distribution, then the temperature.
Sources: top-p, Holtzman et al. 2019 (arXiv:1904.09751); min-p, Nguyen et al. 2024 (arXiv:2407.01082).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import EngineError

_COLDEST = 1e-4
"""A lower temperature takes the most probable token, as 0 does."""


@dataclass(frozen=True, slots=True)
class SamplingParameters:
    """How the next token is drawn."""

    temperature: float = 0.0
    """0 takes the most probable token."""
    top_k: int = 0
    """Keep the k most probable; 0 keeps all."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens that together have this probability."""
    min_p: float = 0.05
    """Keep tokens with at least this share of the most probable one's probability."""
    seed: int = 0


class Sampler:
    """Draws tokens; the same seed and nearly the same logits give the same tokens.

    A draw is the largest of log-probability plus Gumbel noise (Gumbel 1954; Maddison et al. 2014, arXiv:1411.0030), and
    the noise depends on the seed, the step and the token alone. So the rounding differences between batches of another
    shape change a draw only where two tokens are as good as even.
    """

    def __init__(self, parameters: SamplingParameters) -> None:
        self._parameters = parameters
        self._step = 0

    def sample(self, logits: NDArray[np.float32], allowed: NDArray[np.bool_] | None = None) -> int:
        """A token id from `logits`, shape (vocabulary,), among the `allowed` ones, shape (vocabulary,), if given.

        At least one token must be allowed.

        Raises:
            EngineError: the logits are no numbers.
        """
        tokens = np.flatnonzero(allowed) if allowed is not None else None
        values = logits if tokens is None else logits[tokens]
        choice = int(values.argmax())
        _check_number(values[choice])
        if self._parameters.temperature < _COLDEST:
            return choice if tokens is None else int(tokens[choice])
        kept = self._truncate(values, values[choice])
        identities = kept if tokens is None else tokens[kept]
        self._step += 1
        noise = _gumbel_noise(identities, seed=self._parameters.seed, step=self._step)
        return int(identities[(values[kept].astype(np.float64) / self._parameters.temperature + noise).argmax()])

    def _truncate(self, values: NDArray[np.float32], best: np.float32) -> NDArray[np.int64]:
        """Where the tokens are that top-k, top-p and min-p keep."""
        parameters = self._parameters
        kept = np.flatnonzero(values >= best + np.float32(np.log(max(parameters.min_p, 1e-12))))
        if parameters.top_p < 1.0 or parameters.top_k:
            kept = kept[np.argsort(values[kept])[::-1]]
            if parameters.top_k:
                kept = kept[: parameters.top_k]
            cumulative = np.cumsum(np.exp(values[kept] - best, dtype=np.float64)) / np.exp(values - best).sum()
            kept = kept[: int(np.searchsorted(cumulative, parameters.top_p)) + 1]
        return kept


def _check_number(highest: np.float32) -> None:
    """Of the highest logit: NaN counts as higher than every number."""
    if not np.isfinite(highest):
        raise EngineError(
            f"the model computes {highest} where numbers should be: its file is damaged, or its numbers are too large "
            "for this processor or GPU. Pull it again, or try gpu_layers = 0."
        )


def _gumbel_noise(tokens: NDArray[np.int64], *, seed: int, step: int) -> NDArray[np.float64]:
    """Standard Gumbel noise for each token, from the SplitMix64 finaliser (Steele et al. 2014) of seed, step, token."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed & 0xFFFFFFFFFFFFFFFF) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(step)
        mixed = _mix(_mix(state) + tokens.astype(np.uint64) * np.uint64(0xD1342543DE82EF95))
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    noise: NDArray[np.float64] = -np.log(-np.log(uniform))
    return noise


def _mix(value: Any) -> Any:  # Any: a uint64 or an array of them
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def log_probabilities(logits: NDArray[np.float32], tokens: Sequence[int]) -> list[float]:
    """Natural-log softmax of `logits`, shape (vocabulary,), at the tokens asked for."""
    highest = logits.max()
    _check_number(highest)
    total = float(highest) + math.log(np.exp(logits - highest).sum(dtype=np.float64))
    return [float(logits[token]) - total for token in tokens]
