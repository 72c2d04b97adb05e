"""m(u): exact arithmetic, its properties, its worst law, and random laws in dimensions 1 to 3 that try to beat it."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipbounds.worst_case import drift, drift_atoms

EPS = np.finfo(float).eps
positive = st.floats(1e-3, 1e3)


def exact_drift(u, c, sigma):
    """The theorem, in 800 digits: c + u - S cancels 700 of them at the most extreme points."""
    with mpmath.workdps(800):
        u, c, s = mpmath.mpf(float(u)), mpmath.mpf(float(c)), mpmath.mpf(float(sigma))
        if s == 0:
            return min(u, c)
        if s * s <= (3 * c - u) * (c + u):
            return (c + u - mpmath.sqrt((c - u) ** 2 + s * s)) / 2
        return c * ((u + c) ** 2 - s * s) / ((u + c) ** 2 + s * s)


def rounding_units(values, u, c, sigma):
    """Largest error in units of rounding of min(c, u) + |m|."""
    worst = 0.0
    for value, *point in zip(values, u, c, sigma, strict=True):
        exact = exact_drift(*point)
        scale = min(point[0], point[1]) + abs(exact)
        error = abs(mpmath.mpf(float(value)) - exact)
        worst = max(worst, float(error / (EPS * scale + 1e-300)))
    return worst


def extreme_points():
    u, c, sigma = np.meshgrid(
        [0.0, 1e-160, 1e-12, 1e-6, 0.1, 1.0, 2.999999, 3.0, 3.1, 10.0, 1e8, 1e160],
        [1e-160, 1e-9, 1.0, 1e9, 1e150],
        [0.0, 1e-170, 1e-9, 1e-3, 0.5, 1.0, 2.0, 11.0, 1e6, 1e155],
        indexing="ij",
    )
    with np.errstate(over="ignore"):
        u = np.concatenate([(u * c).ravel(), u.ravel()])
    c, sigma = np.tile(c.ravel(), 2), np.tile(sigma.ravel(), 2)
    usable = u < 1e200
    return u[usable], c[usable], sigma[usable]


def test_exact_at_all_scales():
    u, c, sigma = extreme_points()
    assert rounding_units(drift(u, c, sigma), u, c, sigma) < 12


def test_the_textbook_form_fails_that_check():
    u, c, sigma = np.array([1e-9, 1e9]), np.array([1.0, 1.0]), np.array([1e-6, 1.0])
    assert rounding_units((c + u - np.sqrt((c - u) ** 2 + sigma**2)) / 2, u, c, sigma) > 1e3


@given(positive, st.floats(0, 1e3), st.lists(st.floats(0, 1e4), min_size=2, max_size=20))
def test_increasing_and_lipschitz(c, sigma, norms):
    u = np.sort(norms)
    rise = np.diff(drift(u, c, sigma))
    slack = 1e-13 * (c + u[1:])
    assert np.all(rise >= -slack)
    assert np.all(rise <= np.diff(u) + slack)


@given(st.floats(0, 1e3), positive, st.floats(0, 1e3), st.floats(0.01, 100))
def test_homogeneous_decreasing_in_sigma_and_below_clip(u, c, sigma, factor):
    m = drift(u, c, sigma)
    assert drift(factor * u, factor * c, factor * sigma) == pytest.approx(factor * m, rel=1e-12, abs=1e-12 * factor * c)
    assert drift(u, c, 1.1 * sigma + 0.01) <= m + 1e-13 * c
    assert -c <= m <= min(u, c)


def test_limits():
    c = np.array([0.1, 1.0, 7.0])
    assert np.array_equal(drift(2.0, c, 0.0), np.minimum(2.0, c))
    np.testing.assert_allclose(drift(1e9, c, 3.0), c, rtol=1e-15)
    np.testing.assert_allclose(drift(1.0, c, 1e12), -c, rtol=1e-12)
    assert isinstance(float(drift(1, 2, 3)), float)
    assert drift(5e307, 5e307, 5e307) == pytest.approx(2.5e307)  # near overflow
    assert drift(np.ones((4, 1)), np.ones(3), 0.5).shape == (4, 3)


def one_sided_slopes(u, c, sigma, h):
    low, here, high = drift(np.array([u - h, u, u + h]), c, sigma)
    return (here - low) / h, (high - here) / h


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.9])
def test_continuously_differentiable_across_the_regimes(sigma):
    c = 1.0
    boundary = c + np.sqrt(4 * c * c - sigma * sigma)  # (3c-u)(c+u) = sigma²
    for h in (1e-3, 1e-4):
        left, right = one_sided_slopes(boundary, c, sigma, h)
        assert abs(left - right) < 5 * h
    left, right = one_sided_slopes(c, c, 0.0, 1e-4)  # no noise: a kink, which this check must see
    assert abs(left - right) > 0.5


def random_points(rng, count):
    c = 10 ** rng.uniform(-2, 2, count)
    return c * 10 ** rng.uniform(-2, 1, count), c, c * 10 ** rng.uniform(-1.5, 1.5, count)


def test_worst_atoms_are_feasible_and_attain_the_drift():
    u, c, sigma = random_points(np.random.default_rng(1), 2000)
    atoms, weights = drift_atoms(u, c, sigma)
    assert np.all(weights >= 0) and np.all(atoms[:, 0] <= atoms[:, 1])
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose((weights * atoms).sum(axis=1), u, atol=1e-13 * (u + c + sigma).max(), rtol=1e-10)
    spread = np.sqrt((weights * (atoms - u[:, np.newaxis]) ** 2).sum(axis=1))
    np.testing.assert_allclose(spread, sigma, rtol=1e-9)
    value = (weights * np.clip(atoms, -c[:, np.newaxis], c[:, np.newaxis])).sum(axis=1)
    m = drift(u, c, sigma)
    assert np.all(np.abs(value - m) <= 1e-13 * c)
    # negative control: a bound one percent of c higher is refuted by these laws
    assert np.all(value < m + 0.01 * c)


def test_atoms_without_noise():
    for u in (0.0, 0.4, 1.0, 2.0, 5.0):
        atoms, weights = drift_atoms(u, 1.0, 0.0)
        assert weights @ atoms == pytest.approx(u) and np.max(atoms[weights > 0]) == pytest.approx(u)


def excess_of_random_laws(rng, dim, count, perturb):
    """(<h/u, E clip(g)> - m)/c for random laws of mean h and variance at most sigma²."""
    u, c, sigma = random_points(rng, count)
    if perturb:  # near the worst law
        atoms = np.zeros((count, 2, dim))
        atoms[:, :, 0], weights = drift_atoms(u, c, sigma)
        size = 10 ** rng.uniform(-6, -1, (count, 1, 1)) * sigma[:, np.newaxis, np.newaxis]
        atoms = atoms + size * rng.normal(size=atoms.shape)
        power = np.ones(count)
    else:
        number = 5
        atoms = rng.normal(size=(count, number, dim)) * np.exp(2 * rng.normal(size=(count, number, 1)))
        weights = rng.dirichlet(np.full(number, 0.3), size=count)
        power = rng.uniform(0.5, 1, count)
    noise = atoms - np.einsum("ij,ijk->ik", weights, atoms)[:, np.newaxis]
    spread = np.sqrt(np.einsum("ij,ijk->i", weights, noise**2))
    noise *= (power * sigma / np.maximum(spread, 1e-300))[:, np.newaxis, np.newaxis]
    g = noise.copy()
    g[:, :, 0] += u[:, np.newaxis]
    norms = np.linalg.norm(g, axis=2)
    along = g[:, :, 0] * np.minimum(1, c[:, np.newaxis] / np.maximum(norms, 1e-300))
    return ((weights * along).sum(axis=1) - drift(u, c, sigma)) / c


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_no_law_goes_below(dim):
    rng = np.random.default_rng(dim)
    assert excess_of_random_laws(rng, dim, 20000, perturb=False).min() > -1e-12
    near = excess_of_random_laws(rng, dim, 20000, perturb=True)
    assert near.min() > -1e-9
    assert near.min() < 1e-4  # so a drift larger by 1e-4 c would be refuted
