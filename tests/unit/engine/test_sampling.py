"""Drawing tokens from logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from agentkit.errors import EngineError
from agentkit.models.engine.sampling import Sampler, SamplingParameters, log_probabilities

_LOGITS = arrays(np.float32, 50, elements=st.floats(-20, 20, width=32))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_logits_that_are_no_numbers_are_named(bad: float, temperature: float) -> None:
    """Seen on a GPU; the greedy token was 0, and a draw failed with NumPy's words."""
    logits = np.zeros(50, dtype=np.float32)
    logits[7] = bad
    with pytest.raises(EngineError, match=r"computes (nan|inf) where numbers should be"):
        Sampler(SamplingParameters(temperature=temperature)).sample(logits)
    with pytest.raises(EngineError, match="where numbers should be"):
        log_probabilities(logits, [3])


@given(_LOGITS)
def test_temperature_zero_takes_the_most_probable(logits: NDArray[np.float32]) -> None:
    assert logits[Sampler(SamplingParameters()).sample(logits)] == logits.max()


@given(_LOGITS, arrays(np.bool_, 50).filter(lambda mask: bool(mask.any())), st.floats(0, 3), st.integers(0, 2**40))
def test_a_token_that_is_not_allowed_is_never_drawn(
    logits: NDArray[np.float32], allowed: NDArray[np.bool_], temperature: float, seed: int
) -> None:
    sampler = Sampler(SamplingParameters(temperature=temperature, seed=seed, top_p=0.9, top_k=20))
    assert all(allowed[sampler.sample(logits, allowed)] for _ in range(5))


@given(_LOGITS, st.integers(1, 10))
def test_top_k_draws_only_from_the_k_most_probable(logits: NDArray[np.float32], k: int) -> None:
    sampler = Sampler(SamplingParameters(temperature=2.0, top_k=k, min_p=0.0))
    lowest = np.sort(logits)[-k]
    assert all(logits[sampler.sample(logits)] >= lowest for _ in range(5))


def test_draws_follow_the_probabilities() -> None:
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    sampler = Sampler(SamplingParameters(temperature=1.0, min_p=0.0, seed=7))
    logits = np.log(probabilities).astype(np.float32)
    counts = np.bincount([sampler.sample(logits) for _ in range(20_000)], minlength=4) / 20_000
    assert counts == pytest.approx(probabilities, abs=0.02)


def test_small_differences_of_the_logits_do_not_change_the_draws() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(400, 1000)).astype(np.float32) * 3
    noisy = logits + random.normal(size=logits.shape).astype(np.float32) * 1e-3
    one, other = (Sampler(SamplingParameters(temperature=1.0, seed=3)) for _ in range(2))
    same = sum(one.sample(a) == other.sample(b) for a, b in zip(logits, noisy, strict=True))
    assert same >= 396


def test_another_seed_draws_others() -> None:
    logits = np.zeros(1000, dtype=np.float32)
    drawn = {Sampler(SamplingParameters(temperature=1.0, seed=seed)).sample(logits) for seed in range(50)}
    assert len(drawn) > 40


@given(_LOGITS)
def test_log_probabilities_add_up_to_one(logits: NDArray[np.float32]) -> None:
    assert np.exp(log_probabilities(logits, range(len(logits)))).sum() == pytest.approx(1.0)
