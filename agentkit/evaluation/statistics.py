"""How sure a mean is, and whether two runs differ: bootstrap (Efron 1979) and a paired permutation test.

Smucker et al. 2007 compare such tests for information retrieval and find the two to agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 9999
_SEED = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How the second of two runs differs from the first, over the questions that both have."""

    mean: Interval
    """Of second less first."""
    p_value: float
    """Two-sided, of the paired permutation test: how often chance alone gives a difference as large."""


def bootstrap_mean(values: Sequence[float]) -> Interval:
    """The mean of `values` with its percentile bootstrap interval; with fewer than two values, no width.

    Raises:
        ValueError: no values, or one that is not a number.
    """
    if not values:
        raise ValueError("there are no values to take a mean of")
    data = np.asarray(values, dtype=np.float64)
    if not np.isfinite(data).all():
        number = int(np.flatnonzero(~np.isfinite(data))[0]) + 1
        raise ValueError(f"value {number} is {data[number - 1]}: leave its question out, and count it")
    if len(data) < 2 or np.ptp(data) == 0:
        return Interval(float(data.mean()), float(data.mean()), float(data.mean()), len(data))
    generator = np.random.default_rng(_SEED)
    means = np.array([data[generator.integers(len(data), size=len(data))].mean() for _ in range(_RESAMPLES)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(data.mean()), float(low), float(high), len(data))


def paired_difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Whether `second` differs from `first`; values at the same place belong to the same question.

    Raises:
        ValueError: no values, or not as many in both.
    """
    if len(first) != len(second):
        raise ValueError(f"paired values must be as many: {len(first)} and {len(second)}")
    differences = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    interval = bootstrap_mean(differences.tolist())
    generator = np.random.default_rng(_SEED)
    observed = abs(differences.mean()) - 1e-12
    by_chance = sum(
        abs((generator.choice([-1.0, 1.0], size=len(differences)) * differences).mean()) >= observed
        for _ in range(_RESAMPLES)
    )
    return Difference(interval, (by_chance + 1) / (_RESAMPLES + 1))
