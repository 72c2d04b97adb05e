"""beta1: attained by two atoms, above every law, against the exact linear programs of the theory page."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import clipbounds as cb

EXPONENTS = (1.02, 1.1, 1.2, 1.5, 1.8, 1.95, 2.0)
# (s, p, lower and upper value of the linear program) with sigma = 1, to the accuracy of its grid
PROGRAMS = [
    (1.0, 1.2, 0.37055269115364675, 0.3705755117193355),
    (10.0, 1.2, 0.2738138769380138, 0.2738381704516394),
    (0.5, 1.5, 0.3470269281037855, 0.34711287348460923),
    (3.0, 1.5, 0.18983951562570, 0.1901972504198788),
]


def best_pair(s, p):
    """The largest E(W - s)_+ of a centred law on two atoms with E|W|^p = 1: a search over the ratio of the atoms."""

    def negative(t):
        r = np.exp(-t)
        q, z = r / (1 + r), ((1 + r) / (r + r**p)) ** (1 / p)
        return -q * (z - s)

    grid = np.geomspace(1e-6, 600, 4000)
    centre = grid[np.argmin(negative(grid))]
    found = minimize_scalar(negative, bounds=(centre * 0.98, centre * 1.02), method="bounded", options={"xatol": 1e-12})
    return -found.fun


@pytest.mark.parametrize("p", EXPONENTS)
@pytest.mark.parametrize("s", (1e-3, 0.3, 1.0, 4.0, 50.0))
def test_two_atoms_attain_it(s, p):
    value, attained = cb.worst_case.clipping_bias(s, 1.0, p), best_pair(s, p)
    # the search stops within 1e-12 of a maximum, where the value is flat; sums of a few rounded numbers
    assert attained <= value * (1 + 1e-14)
    assert value <= attained * (1 + 1e-9)
    assert attained > 0.999 * value  # negative control: .999 of it is no bound


@pytest.mark.parametrize(("s", "p", "low", "high"), PROGRAMS)
def test_linear_programs(s, p, low, high):
    assert low <= cb.worst_case.clipping_bias(s, 1.0, p) <= high


def test_random_laws_stay_below():
    rng = np.random.default_rng(3)
    for _ in range(1000):
        p, sigma = rng.uniform(1.01, 2), rng.choice([0.1, 1.0, 7.0])
        weights = rng.dirichlet(np.full(5, 0.3))
        w = rng.standard_cauchy(5)
        w -= weights @ w
        w *= sigma / (weights @ np.abs(w) ** p) ** (1 / p)
        s = rng.normal() * sigma * 2
        # rounding of a sum of five terms of the size of |W| + |s|
        slack = 1e-14 * (abs(s) + weights @ np.abs(w))
        assert weights @ np.maximum(w - s, 0) <= cb.worst_case.clipping_bias(s, sigma, p) + slack


def test_square_limit_reflection_scale_and_monotony():
    s = np.linspace(-5, 5, 101)
    bias = cb.worst_case.clipping_bias
    np.testing.assert_allclose(bias(s, 2.0), (np.sqrt(s**2 + 4) - s) / 2, rtol=1e-14)
    np.testing.assert_allclose(bias(s, 2.0, 2 - 1e-9), bias(s, 2.0), rtol=1e-8)
    for p in EXPONENTS:
        np.testing.assert_allclose(bias(-s, 1.0, p), s + bias(s, 1.0, p), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(bias(3 * s, 3.0, p), 3 * bias(s, 1.0, p), rtol=1e-13)
        slopes = np.diff(bias(s, 1.0, p)) / np.diff(s)
        assert np.all(slopes <= 1e-12) and np.all(slopes >= -1 - 1e-12) and np.all(np.diff(slopes) >= -1e-10)
    assert np.all(bias([-2.0, 0.0, 3.0], 0.0, 1.5) == [2.0, 0.0, 0.0])
    assert bias(0.0, 3.0, 1.3) == 1.5


@pytest.mark.parametrize("p", (1 + 1e-6, 1.001, 1.5, 1.999999, 2.0))
def test_extreme_levels_are_finite_and_ordered(p):
    s = np.geomspace(1e-290, 1e290, 4000)
    values = cb.worst_case.clipping_bias(s, 1.0, p)
    assert np.all(np.isfinite(values)) and np.all(values >= 0) and np.all(values <= 0.5)
    assert np.all(np.diff(values) <= 1e-11 * values[:-1])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [((np.nan, 1.0, 1.5), "distance"), ((1.0, -1.0, 1.5), "sigma"), ((1.0, 1.0, 1.0), "p"), ((1.0, 1.0, 2.1), "p")],
)
def test_bad_input(arguments, word):
    with pytest.raises(ValueError, match=f"clipping_bias: {word} must"):
        cb.worst_case.clipping_bias(*arguments)
