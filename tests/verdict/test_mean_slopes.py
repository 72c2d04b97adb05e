"""Slope of a mean over trajectories: exact on power laws, its band covers, and a wrong exponent is outside."""

import numpy as np
import pytest
from scipy.stats import binom

import clipbounds as cb
from clipbounds.verdict import bands, check_slope, fit_slope, mean_slope

STEPS = np.geomspace(10, 1000, 15)


def trajectories(rng, count, slope):
    """t^slope times a factor that is nearly the same along one trajectory: the mean has exactly that slope."""
    lasting = rng.gamma(2.0, 0.5, (1, count))
    moving = np.exp(0.3 * rng.standard_normal((STEPS.size, count)) - 0.045)
    return STEPS[:, None] ** slope * lasting * moving


def test_exact_power_law():
    values = 3.0 * STEPS[:, None] ** -0.7 * np.ones((1, 256))
    assert mean_slope(STEPS, values) == pytest.approx((-0.7, -0.7, -0.7))


def one_wild(count=256):
    """Runs of which all but one are on the line t^-.7, up to a little noise; the last one has 10^4 more at the end."""
    values = 3.0 * STEPS[:, None] ** -0.7 * (1 + 1e-3 * np.random.default_rng(3).standard_normal((1, count)))
    values[-1, -1] += 1e4
    return values


def test_one_run_that_carries_the_variance_has_no_band():
    """That run moves the slope by more than .5, and the plain band does not contain the slope of all the others."""
    values = one_wild()
    slope, low, high = mean_slope(STEPS, values)
    assert slope > -0.2 and (low, high) == (-np.inf, np.inf)
    assert [check_slope(STEPS, values, s, 0.05, confidence=0.99)[0] for s in (-0.7, 5.0)] == ["undecided"] * 2
    u, mean = np.log(STEPS) - np.log(STEPS).mean(), values.mean(axis=1)
    parts = (u / (u @ u) / mean) @ values
    assert bands.normal(parts.size, slope, parts.var(ddof=1), 0.99)[0] > -0.7 + 0.05


@pytest.mark.parametrize(("expected", "word"), [(-0.7, "holds"), (-0.5, "violated")])
def test_without_noise_the_slope_is_decided(expected, word):
    values = 3.0 * STEPS[:, None] ** -0.7 * np.ones((1, 256))
    assert check_slope(STEPS, values, expected, 0.05, confidence=0.99)[0] == word


def test_band_covers_at_its_rate():
    """300 samples of 256 trajectories at confidence .9: misses are Bin(300, .1), above 54 with probability 1e-5."""
    rng = np.random.default_rng(1)
    misses = 0
    for _ in range(300):
        _, low, high = mean_slope(STEPS, trajectories(rng, 256, -0.8), 0.9)
        misses += not low <= -0.8 <= high
    assert 10 <= misses <= 54  # nor is the band empty of risk: below 10 has probability 2e-5


def test_a_wrong_exponent_is_outside():
    rng = np.random.default_rng(2)
    _, low, high = mean_slope(STEPS, trajectories(rng, 2000, -0.8), 0.999)
    assert not low <= -0.75 <= high and not low <= -0.85 <= high


def settings():
    """Unclipped quadratics with the exact mean of the gap, (m_t + v_t)/2 times the curvature, and steps to look at."""
    noises = {
        "Gaussian": (cb.noise.Gaussian(1.0), 3.0),
        "Rademacher": (cb.noise.Rademacher(1.0), 10.0),
        "TwoPoint": (cb.noise.TwoPoint(1.0, 0.5), 3.0),
        "Student 9": (cb.noise.StudentT(9.0, 1.0), 30.0),
    }
    for name, (noise, start) in noises.items():
        yield pytest.param(noise, start, id=name)


def misses_on_runs(noise, start, runs, seed):
    """How many of `runs` runs of 256 trajectories, along which everything is correlated, have a 99 % band without the true slope.

    f = x²/2: E x_t = (1 - eta)^t x_0 and Var x_t = eta sigma² (1 - (1 - eta)^{2t})/(2 - eta), so E gap_t is exact, and with it the
    slope of its least-squares line.
    """
    eta, steps = 0.1, np.array([1, 2, 4, 7, 12, 20, 35])
    setting = cb.Setting(cb.problems.Quadratic([1.0], [start]), noise, cb.methods.SGD(eta))
    shrink = (1 - eta) ** (2 * steps)
    truth = fit_slope(steps, 0.5 * (shrink * start**2 + eta * noise.variance * (1 - shrink) / (2 - eta))).slope
    gaps = cb.simulate(setting, 35, 256 * runs, seed=seed, checkpoints=steps, threads=1)["gap"].values
    misses = 0
    for values in np.split(gaps, runs, axis=1):
        _, low, high = mean_slope(steps, values, 0.99)
        misses += not low <= truth <= high
    return misses


@pytest.mark.parametrize(("noise", "start"), list(settings()))
def test_coverage_at_99_percent_on_runs(noise, start):
    """600 runs: a band whose rate is the nominal 1 % fails here with probability 1e-4 a setting."""
    assert misses_on_runs(noise, start, 600, seed=9) <= binom.isf(1e-4, 600, 0.01)


@pytest.mark.full
@pytest.mark.parametrize(("noise", "start"), list(settings()))
def test_coverage_at_99_percent_on_many_runs(noise, start):
    """4000 runs, and at least so many misses that the band is not empty of risk; false alarms 1e-4 a setting and side."""
    misses = misses_on_runs(noise, start, 4000, seed=31)
    assert binom.ppf(1e-4, 4000, 0.005) <= misses <= binom.isf(1e-4, 4000, 0.01)


@pytest.mark.parametrize(("noise", "start"), list(settings()))
def test_independent_errors_along_the_curve_would_not_cover(noise, start):
    """Negative control: Student's t interval of the regression of one mean curve, as if its points were independent."""
    from scipy.stats import linregress, t

    eta, steps, runs = 0.1, np.arange(20, 60, 3), 200
    setting = cb.Setting(cb.problems.Quadratic([1.0], [0.0]), noise, cb.methods.SGD(eta))
    shrink = (1 - eta) ** (2 * steps)
    exact = 0.5 * eta * noise.variance * (1 - shrink) / (2 - eta)
    gaps = cb.simulate(setting, 60, 256 * runs, seed=9, checkpoints=steps, threads=1)["gap"].values
    misses = 0
    for values in np.split(gaps, runs, axis=1):
        # the ratio to the exact mean: a straight line of slope 0, whose deviations are sampling errors only
        fit = linregress(np.log(steps), np.log(values.mean(axis=1) / exact))
        misses += abs(fit.slope) > t.ppf(0.995, len(steps) - 2) * fit.stderr
    assert misses > binom.isf(1e-4, runs, 0.015)
