"""u*, u*_p and their laws: zeros of the drift, the chain of inequalities, the table of the theory page."""

import mpmath
import numpy as np
import pytest

from clipbounds.noise import TwoPoint
from clipbounds.worst_case import (
    bounded_noise_floor,
    drift,
    floor,
    floor_noise,
    supporting_line,
    two_point_fixed_point,
)

C = np.geomspace(1e-3, 1e3, 121)


def test_the_floor_is_the_zero_of_the_drift():
    u = floor(C, 1.0)
    assert np.all(np.abs(drift(u, C, 1.0)) <= 1e-14 * np.minimum(C, 1.0))
    assert np.all(drift(u * (1 + 1e-6), C, 1.0) > 0)
    assert np.all(drift(u * (1 - 1e-6), C, 1.0) < 0)  # negative control: a floor 1e-6 too large is seen


def test_chain_of_inequalities():
    simple = np.minimum(1.0, 1 / (4 * C))
    u = floor(C, 1.0)
    assert np.all(0.75 * simple <= u * (1 + 1e-14)) and np.all(u <= simple * (1 + 1e-14))
    assert floor(0.25, 1.0) == 0.75 * min(1.0, 1.0)  # the constant 3/4 is attained: 0.76 would fail
    recalled = np.where(C <= 2, 1 / 12, 1 / (6 * C))
    assert np.all(u[C <= 0.5] >= 1.5 * recalled[C <= 0.5])
    assert np.all(u >= 1.5 * recalled * (1 - 1e-14))


def test_scaling_and_no_noise():
    np.testing.assert_allclose(floor(7 * C, 7.0), 7 * floor(C, 1.0), rtol=1e-14)
    np.testing.assert_allclose(floor(7 * C, 7.0, 1.5), 7 * floor(C, 1.0, 1.5), rtol=1e-13)
    assert floor(1.0, 0.0) == 0.0 and floor(1.0, 0.0, 1.3) == 0.0
    assert floor(1e200, 1e-200) == 0.0 and floor(1e-200, 1e200) == 1e200
    assert floor(np.ones((3, 1)), 1.0, np.array([1.2, 2.0])).shape == (3, 2)


@pytest.mark.parametrize(("c", "value"), [(0.5, 0.4998), (1, 0.25), (2, 0.125), (4, 0.0625), (8, 0.03125)])
def test_the_table_of_the_theory_page(c, value):
    noise = floor_noise(c, 1.0)
    assert two_point_fixed_point(c, 1.0, noise.skew) == pytest.approx(value, abs=1e-12)
    assert noise.variance == pytest.approx(1.0, rel=1e-14)


def test_floor_noise_attains_the_floor():
    for c in C:
        noise = floor_noise(c, 1.0)
        u = two_point_fixed_point(c, 1.0, noise.skew)
        assert 0.98 * floor(c, 1.0) <= u <= floor(c, 1.0) * (1 + 1e-14)
        if c > 0.5 / 0.98:
            assert u == pytest.approx(floor(c, 1.0), rel=1e-14)


@pytest.mark.parametrize("q", [0.05, 0.3, 0.6, 0.9, 0.999])
def test_two_point_fixed_point_is_stationary_and_stable(q):
    for c in (0.3, 0.9, 1.5, 4.0, 40.0):
        support, weights = TwoPoint(1.3, q).atoms()
        u = two_point_fixed_point(c, 1.3, q)
        assert abs(weights @ np.clip(u + support, -c, c)) <= 1e-14 * c
        assert weights @ np.clip(u + 1e-3 + support, -c, c) > 1e-4 * min(1, c)
        assert weights @ np.clip(u - 1e-3 + support, -c, c) < -1e-4 * min(1, c)


def heavy_law(r, sigma, p):
    b = sigma * ((1 + r) / (r**p + r)) ** (1 / p)
    return np.array([-r * b, b]), np.array([1, r]) / (1 + r)


@pytest.mark.parametrize("p", [1.02, 1.2, 1.5, 1.8, 1.999])
def test_heavy_tailed_floor_is_the_maximum(p):
    r = np.concatenate([np.geomspace(1e-14, 1, 20001), np.linspace(1e-3, 1, 20001)])
    for c in (0.01, 0.4, 0.49, 0.51, 0.7, 1.0, 10.0, 1e3):
        values = r * (((1 + r) / (r**p + r)) ** (1 / p) - c)
        assert floor(c, 1.0, p) >= values.max() * (1 - 1e-14)
        assert floor(c, 1.0, p) <= values.max() * (1 + 1e-5)
        best = r[np.argmax(values)]
        support, weights = heavy_law(best, 1.0, p)
        u = values.max()
        assert weights @ support == pytest.approx(0, abs=1e-12)
        assert weights @ np.abs(support) ** p == pytest.approx(1, rel=1e-12)
        assert weights @ np.clip(u + support, -c, c) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("c", "p"), [(0.45, 1.05), (3.0, 1.3), (200.0, 1.7)])
def test_heavy_tailed_floor_to_rounding(c, p):
    with mpmath.workdps(40):
        P, k = mpmath.mpf(p), mpmath.mpf(c)

        def F(s):
            return mpmath.exp(s) * (((1 + mpmath.exp(s)) / (mpmath.exp(P * s) + mpmath.exp(s))) ** (1 / P) - k)

        grid = [-mpmath.mpf(j) / 8 for j in range(400)]
        start = max(grid, key=F)
        root = mpmath.findroot(lambda s: mpmath.diff(F, s), start) if start < 0 else start
        assert floor(c, 1.0, p) == pytest.approx(float(F(root)), rel=1e-13)


@pytest.mark.parametrize("p", [1.1, 1.5, 1.9])
def test_heavy_tailed_floor_noise(p):
    for c in (0.3, 0.7, 2.0, 30.0):
        noise = floor_noise(c, 1.5, p)
        u = two_point_fixed_point(c, noise.sigma, noise.skew)
        assert noise.moment(p) == pytest.approx(1.5**p, rel=1e-12)
        assert 0.97 * floor(c, 1.5, p) <= u <= floor(c, 1.5, p) * (1 + 1e-12)
        if noise.skew < 0.98:
            assert u == pytest.approx(floor(c, 1.5, p), rel=1e-9)
    near, square = floor_noise(3.0, 1.5, 2 - 1e-9), floor_noise(3.0, 1.5)
    assert (near.sigma, near.skew) == pytest.approx((square.sigma, square.skew), rel=1e-6)


def test_heavy_tailed_gain_is_concave():
    """G(r) = r((1+r)/(r^p + r))^{1/p} is concave, so that the search for the maximum has one summit."""
    with mpmath.workdps(60):
        for p in map(mpmath.mpf, ("1.001", "1.05", "1.3", "1.6", "1.95", "2")):

            def gain(r, p=p):
                return r * ((1 + r) / (r**p + r)) ** (1 / p)

            assert all(mpmath.diff(gain, mpmath.mpf(10) ** (-mpmath.mpf(k) / 3), 2) < 0 for k in range(40))


def test_heavy_tails_join_the_variance_case():
    np.testing.assert_allclose(floor(C, 1.0, 2 - 1e-10), floor(C, 1.0), rtol=1e-8)
    # sigma_p grows with p: a bound on a higher moment is the stronger assumption
    assert np.all(np.diff(floor(C[:, np.newaxis], 1.0, np.array([1.1, 1.4, 1.7, 2.0])), axis=1) <= 1e-14)


@pytest.mark.parametrize("p", [1.3, 1.5, 1.8])
def test_heavy_tailed_asymptote(p):
    c = np.geomspace(1e8, 1e12, 5)
    u = floor(c, 2.0, p)
    asymptote = (p - 1) ** (p - 1) / p**p * 2.0**p / c ** (p - 1)
    np.testing.assert_allclose(u, asymptote, rtol=0.02)
    slope = np.polyfit(np.log(c), np.log(u), 1)[0]
    assert slope == pytest.approx(-(p - 1), abs=2e-3)
    assert abs(slope + p) > 0.5  # negative control: the exponent p is told from p - 1


@pytest.mark.parametrize("sigma", [0.0, 0.1, 1.0, 2.0, 5.0, 50.0])
def test_supporting_line(sigma):
    u = np.concatenate([np.linspace(0, 20, 4001), np.geomspace(20, 1e6, 2001)])
    for v in floor(1.0, sigma) * np.array([1, 1.001, 1.5, 4]) + np.array([0, 0, 0.3, 2]):
        slope, intercept = supporting_line(1.0, sigma, v)
        assert np.all(u * drift(u, 1.0, sigma) >= slope * u + intercept - 1e-12 * (1 + u))
    if sigma:  # it touches at v = u*: one percent more slope is refuted
        slope, intercept = supporting_line(1.0, sigma)
        near = floor(1.0, sigma) * (1 + np.geomspace(1e-6, 1e-2, 20))
        assert np.any(near * drift(near, 1.0, sigma) < 1.01 * (slope * near + intercept))


def test_bounded_noise():
    rng = np.random.default_rng(3)
    count = 20000
    c = rng.uniform(0.1, 2, count)
    sigma = rng.uniform(0.1, 2, count)
    least = bounded_noise_floor(c, sigma)
    u = least + 10 ** rng.uniform(-3, 0, count)
    # three atoms in the disc of radius sigma, with mean 0
    atoms = rng.normal(size=(count, 3, 2))
    weights = rng.dirichlet(np.ones(3), size=count)
    atoms -= np.einsum("ij,ijk->ik", weights, atoms)[:, np.newaxis]
    atoms *= (sigma / np.linalg.norm(atoms, axis=2).max(axis=1))[:, np.newaxis, np.newaxis]
    atoms[:, :, 0] += u[:, np.newaxis]
    norms = np.linalg.norm(atoms, axis=2)
    along = atoms[:, :, 0] * np.minimum(1, c[:, np.newaxis] / norms)
    assert np.all((weights * along).sum(axis=1) > 0)
    # negative control: below the floor, ±sigma along h stops the mean step
    low = 0.99 * least[least > 0]
    c, sigma = c[least > 0], sigma[least > 0]
    assert np.all(np.clip(low - sigma, -c, c) + np.clip(low + sigma, -c, c) <= 0)
