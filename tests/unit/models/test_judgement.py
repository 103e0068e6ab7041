"""What is read off log-probabilities."""

import math

import pytest

from agentkit.models.judgement import expectation


def test_values_are_weighted_by_the_likelihood_of_their_replies() -> None:
    assert expectation([1.0, 0.0], [math.log(0.1), math.log(0.3)]) == pytest.approx(0.25)


def test_probabilities_too_small_for_a_float_still_weigh() -> None:
    assert expectation([1.0, 5.0], [-5000.0, -5000.0]) == 3.0
