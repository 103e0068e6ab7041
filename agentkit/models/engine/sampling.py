"""Choosing the next token from logits: greedy, or temperature with top-k, top-p and min-p.

Order as in llama.cpp's default chain: top-k, top-p, min-p on the unchanged distribution, then the temperature.
Sources: top-p, Holtzman et al. 2019 (arXiv:1904.09751); min-p, Nguyen et al. 2024 (arXiv:2407.01082).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    """Draws tokens with its own random state: the same seed and logits give the same tokens."""

    def __init__(self, parameters: SamplingParameters) -> None:
        self._parameters = parameters
        self._random = np.random.default_rng(parameters.seed)

    def sample(self, logits: NDArray[np.float32], allowed: NDArray[np.bool_] | None = None) -> int:
        """A token id from `logits`, shape (vocabulary,), among the `allowed` ones, shape (vocabulary,), if given.

        At least one token must be allowed.
        """
        tokens = np.flatnonzero(allowed) if allowed is not None else None
        values = logits if tokens is None else logits[tokens]
        choice = int(values.argmax()) if self._parameters.temperature <= 0 else self._draw(values)
        return choice if tokens is None else int(tokens[choice])

    def _draw(self, values: NDArray[np.float32]) -> int:
        parameters = self._parameters
        values = values.astype(np.float64)
        values -= values.max()
        kept = np.flatnonzero(values >= np.log(max(parameters.min_p, 1e-12)))
        if parameters.top_p < 1.0 or parameters.top_k:
            kept = kept[np.argsort(values[kept])[::-1]]
            if parameters.top_k:
                kept = kept[: parameters.top_k]
            cumulative = np.cumsum(np.exp(values[kept])) / np.exp(values).sum()
            kept = kept[: int(np.searchsorted(cumulative, parameters.top_p)) + 1]
        weights = np.exp(values[kept] / parameters.temperature)
        return int(kept[self._random.choice(len(kept), p=weights / weights.sum())])


def log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Natural-log softmax over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
