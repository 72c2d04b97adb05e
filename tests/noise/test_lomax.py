"""Symmetric Lomax noise: sampler against the distribution function, moments against quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad

from clipbounds.noise import SymmetricLomax
from clipbounds.verdict import clopper_pearson


@pytest.mark.parametrize("alpha", [0.4, 1.0, 2.5])
def test_sampler_has_the_law(alpha):
    """Kolmogorov-Smirnov: sqrt(n) D above 2.2 has probability 1.3e-4."""
    noise, n = SymmetricLomax(alpha, 2.0), 200_000
    x = np.sort(noise.sample(n, 5))
    cdf, steps = noise.cdf(x), np.arange(n + 1) / n
    assert np.sqrt(n) * max(np.max(steps[1:] - cdf), np.max(cdf - steps[:-1])) < 2.2
    other = SymmetricLomax(1.05 * alpha, 2.0).cdf(x)  # and the test would see an index that is five percent off
    assert np.sqrt(n) * np.max(np.abs(steps[1:] - other)) > 2.2


def test_far_tail():
    noise, n = SymmetricLomax(0.4, 1.0), 400_000
    size = np.abs(noise.sample(n, 8))
    for level in (1e3, 1e6, 1e9):
        low, high = clopper_pearson(np.count_nonzero(size > level), n, 1 - 1e-4)
        assert low <= 2 * noise.sf(level) <= high


def test_quantile_inverts_cdf_and_density_is_its_slope():
    noise = SymmetricLomax(0.7, 3.0)
    u = np.array([1e-9, 0.01, 0.3, 0.6, 0.999])
    assert np.allclose(noise.cdf(noise.quantile(u)), u, rtol=1e-12, atol=0)
    x, h = np.array([-40.0, -0.5, 0.2, 7.0]), 1e-5
    assert np.allclose((noise.cdf(x + h) - noise.cdf(x - h)) / (2 * h), noise.pdf(x), rtol=1e-7)


@pytest.mark.parametrize(("alpha", "p"), [(0.4, 0.2), (1.5, 1.0), (3.5, 2.0)])
def test_moments(alpha, p):
    noise = SymmetricLomax(alpha, 2.0)
    # E|xi|^p = int p x^{p-1} P(|xi| > x) dx, with x = e^t
    value, _ = quad(lambda t: p * np.exp(p * t) * 2 * noise.sf(np.exp(t)), -200, 190, points=[0.0, 50.0], limit=800)
    assert float(noise.moment(p)) == pytest.approx(value, rel=1e-7)
    assert noise.moment(alpha) == np.inf
