"""Slope of a mean over trajectories: exact on power laws, its band covers, and a wrong exponent is outside."""

import numpy as np
import pytest

from clipbounds.verdict.mean_slopes import mean_slope

STEPS = np.geomspace(10, 1000, 15)


def trajectories(rng, count, slope):
    """t^slope times a factor that is nearly the same along one trajectory: the mean has exactly that slope."""
    lasting = rng.gamma(2.0, 0.5, (1, count))
    moving = np.exp(0.3 * rng.standard_normal((STEPS.size, count)) - 0.045)
    return STEPS[:, None] ** slope * lasting * moving


def test_exact_power_law():
    values = 3.0 * STEPS[:, None] ** -0.7 * np.ones((1, 5))
    assert mean_slope(STEPS, values) == pytest.approx((-0.7, -0.7, -0.7))


def test_band_covers_at_its_rate():
    """300 samples of 200 trajectories at confidence .9: misses are Bin(300, .1), above 54 with probability 1e-5."""
    rng = np.random.default_rng(1)
    misses = 0
    for _ in range(300):
        _, low, high = mean_slope(STEPS, trajectories(rng, 200, -0.8), 0.9)
        misses += not low <= -0.8 <= high
    assert 10 <= misses <= 54  # nor is the band empty of risk: below 10 has probability 2e-5


def test_a_wrong_exponent_is_outside():
    rng = np.random.default_rng(2)
    _, low, high = mean_slope(STEPS, trajectories(rng, 2000, -0.8), 0.999)
    assert not low <= -0.75 <= high and not low <= -0.85 <= high
