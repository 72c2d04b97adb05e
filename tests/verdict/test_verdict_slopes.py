"""Slopes: exact power laws, known errors, and wrong exponents that must be rejected."""

import numpy as np
import pytest
from scipy.stats import linregress

from clipbounds.verdict import check_slope, fit_slope

X = np.geomspace(1, 1e4, 12)


def test_an_exact_power_law_has_its_exponent():
    fit = fit_slope(X, 3 * X**-0.5)
    assert fit.slope == pytest.approx(-0.5, abs=1e-13)
    assert np.exp(fit.intercept) == pytest.approx(3)
    assert fit.deviation < 1e-12 and fit.standard_error < 1e-12


def test_deviation_sees_a_knee_that_the_fit_averages_away():
    y = np.where(X < 100, X**-1.0, 100**-1.0 * np.ones_like(X))
    fit = fit_slope(X, y)
    assert fit.deviation > 0.4


def test_agrees_with_linear_regression():
    y = X**-1.3 * np.exp(0.1 * np.random.default_rng(0).standard_normal(X.size))
    fit, peer = fit_slope(X, y), linregress(np.log(X), np.log(y))
    assert fit.slope == pytest.approx(peer.slope, rel=1e-12)
    assert fit.standard_error == pytest.approx(peer.stderr, rel=1e-12)
    assert fit.intercept == pytest.approx(peer.intercept, rel=1e-10)


def test_integer_weights_are_repeated_points():
    y = X**-1.0 * (1 + 0.1 * np.sin(np.arange(X.size)))
    weights = 1 + np.arange(X.size) % 3
    weighted, repeated = fit_slope(X, y, weights), fit_slope(np.repeat(X, weights), np.repeat(y, weights))
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-12)
    assert weighted.intercept == pytest.approx(repeated.intercept, rel=1e-12)


def test_a_wrong_exponent_is_rejected():
    assert check_slope(X, X**-1.0, -1.0, 0.03)[0] == "holds"
    assert check_slope(X, X**-0.9, -1.0, 0.03)[0] == "violated"


def test_one_curve_has_no_confidence():
    """The errors of one mean curve are correlated along it: an interval that takes them as independent covers 67 % at 99 %."""
    with pytest.raises(ValueError, match="over trajectories"):
        check_slope(X, X**-1.0, -1.0, 0.03, confidence=0.99)
    with pytest.raises(ValueError, match="at least 256"):
        check_slope(X, np.ones((X.size, 64)), 0.0, 0.03, confidence=0.99)


def test_with_trajectories_a_slope_has_a_verdict():
    noise = np.exp(0.2 * np.random.default_rng(4).standard_normal((X.size, 400)) - 0.02)
    values = X[:, None] ** -0.5 * noise
    assert check_slope(X, values, -0.5, 0.03, confidence=0.999)[0] == "holds"
    assert check_slope(X, values, -2 / 3, 0.03, confidence=0.999)[0] == "violated"
    assert check_slope(X, values, -0.5, 1e-6, confidence=0.999)[0] == "undecided"


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [1, 0], "positive"),
        ([1, 1], [1, 2], "two different"),
        ([1, 2, 3], [1, 2], "shape"),
        ([1, 2], [1, np.inf], "finite"),
    ],
)
def test_bad_points(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_slope(x, y)
    with pytest.raises(ValueError, match="tolerance"):
        check_slope(X, X, 1, -1)
