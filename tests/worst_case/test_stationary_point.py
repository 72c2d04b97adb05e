"""Stationary gradients: fixed points of the theory page, limits, theorems, and an independent minimiser."""

import numpy as np
import pytest

from clipbounds import noise
from clipbounds.noise import Noise
from clipbounds.specs import vector
from clipbounds.worst_case import (
    floor,
    mean_clipped_step,
    stationary_gradient,
    stationary_vector,
    two_point_fixed_point,
)


class Atoms(Noise):
    """A law given by its atoms: what a user may plug in. Not centred by itself."""

    support: np.ndarray = vector()
    weights: np.ndarray = vector()

    def atoms(self):
        return self.support, self.weights


def random_law(rng, size):
    weights = rng.dirichlet(np.ones(size))
    support = rng.normal(size=size) * np.exp(rng.normal(size=size))
    return Atoms(support - weights @ support, weights)


@pytest.mark.parametrize("q", [0.02, 0.25, 0.5, 0.8, 0.98])
@pytest.mark.parametrize("c", [0.2, 0.5, 1.0, 3.0, 20.0])
def test_two_point_law(q, c):
    root = stationary_gradient(noise.TwoPoint(1.0, q), c)
    assert root == pytest.approx(two_point_fixed_point(c, 1.0, q), abs=1e-13)


def test_pareto_limits():
    law = noise.Pareto(1.5, 2.0)
    assert stationary_gradient(law, 1e-7) == pytest.approx(-law.quantile(0.5), abs=1e-6)
    roots = [stationary_gradient(law, c) for c in (0.01, 0.1, 1.0, 10.0, 1e3, 1e5)]
    assert np.all(np.diff(roots) < 0)
    # for large c the mean step at h is h minus the mean beyond c, scale^alpha c^(1-alpha)/(alpha-1)
    assert roots[-1] == pytest.approx(2.0**1.5 * 1e5**-0.5 / 0.5, rel=0.01)


def test_pareto_root_by_hand():
    """alpha = 3/2, scale 1/2, c = 1: at h = 1/2 the law starts at -1, and the mean over [-1, 1] is -1/8, the tail 1/8."""
    assert stationary_gradient(noise.Pareto(1.5, 0.5), 1.0) == pytest.approx(0.5, abs=1e-13)


@pytest.mark.parametrize("tail", [1.3, 1.7, 2.5, 4.0])
def test_pareto_stays_below_the_floor(tail):
    """u*_p with the law's own p-th moment, any p < alpha; with 1/4 of the moment the check fails."""
    law = noise.Pareto(tail, 1.0)
    p = min(2.0, 0.5 * (1 + tail))
    sigma = law.moment(p) ** (1 / p)
    c = np.geomspace(0.02, 50, 12)
    roots = np.array([stationary_gradient(law, x) for x in c])
    assert np.all(roots > 0)
    assert np.all(roots <= floor(c, sigma, p))
    assert np.any(roots > floor(c, sigma / 4, p))
    steps = np.array([mean_clipped_step(law, r, x) for r, x in zip(roots, c, strict=True)])
    assert np.all(np.abs(steps) <= 1e-12 * c)


def test_symmetric_laws_have_no_bias():
    for law in (noise.Gaussian(3.0), noise.StudentT(1.2, 1.0), noise.Stable(1.5, 1.0), noise.NoNoise()):
        assert stationary_gradient(law, 0.3) == 0.0
    assert stationary_gradient(noise.Pareto(1.5, 1.0, radial=True), 0.3) == 0.0


def test_an_interval_of_zeros_gives_its_midpoint():
    law = Atoms([-10.0, 9.0, 11.0], [0.5, 0.25, 0.25])
    for c in (0.5, 0.1):  # zero where -10 + h <= -c and 9 + h >= c
        assert stationary_gradient(law, c) == pytest.approx(0.5, abs=1e-13)


def test_random_discrete_laws():
    rng = np.random.default_rng(5)
    for _ in range(100):
        law, c = random_law(rng, 6), 10 ** rng.uniform(-1, 1)
        root = stationary_gradient(law, c)
        assert abs(mean_clipped_step(law, root, c)) <= 1e-13 * c
        assert abs(root) <= floor(c, np.sqrt(law.atoms()[1] @ law.support**2)) * (1 + 1e-12)
        again = stationary_vector(law.support[:, np.newaxis], law.weights, c)
        # compare the values of the function, as its zeros may fill an interval
        assert abs(mean_clipped_step(law, again[0], c)) <= 2e-12 * c
        assert mean_clipped_step(law, again[0] + 2 * floor(c, 10.0), c) > 0


@pytest.mark.parametrize("dim", [2, 5])
def test_vectors_against_a_general_minimiser(dim):
    from scipy.optimize import minimize

    rng = np.random.default_rng(dim)
    for _ in range(10):
        atoms, weights, c = rng.normal(size=(9, dim)) ** 3, rng.dirichlet(np.ones(9)), 10 ** rng.uniform(-1, 0.5)
        atoms -= weights @ atoms

        def huber(h, atoms=atoms, weights=weights, c=c):
            r = np.linalg.norm(h + atoms, axis=1)
            return weights @ np.where(r <= c, r * r / 2, c * r - c * c / 2)

        h = stationary_vector(atoms, weights, c)
        norms = np.linalg.norm(h + atoms, axis=1)
        assert np.linalg.norm((weights * np.minimum(1, c / norms)) @ (h + atoms)) <= 2e-12 * c
        other = minimize(huber, np.zeros(dim), method="BFGS", options={"gtol": 1e-9})
        assert np.linalg.norm(h - other.x) < 1e-4 * (1 + np.linalg.norm(h))
        assert huber(h) <= other.fun + 1e-14
        assert huber(h + 0.05) > huber(h)
        assert np.linalg.norm(h) <= floor(c, np.sqrt(weights @ np.sum(atoms**2, axis=1)))
        turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
        np.testing.assert_allclose(stationary_vector(atoms @ turn, weights, c), h @ turn, atol=1e-9)


def test_a_law_on_a_line_in_space():
    support, weights = noise.TwoPoint(1.0, 0.4).atoms()
    direction = np.array([0.6, 0.0, -0.8])
    h = stationary_vector(support[:, np.newaxis] * direction, weights, 1.0)
    np.testing.assert_allclose(h, two_point_fixed_point(1.0, 1.0, 0.4) * direction, atol=1e-11)
