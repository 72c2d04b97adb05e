"""E clip(h + xi): closed Gaussian form, finite sums, 30-digit quadrature of the density."""

import mpmath
import numpy as np
import pytest

from clipbounds import noise
from clipbounds.worst_case import drift, gaussian_drift, mean_clipped_step

H = np.linspace(-5, 5, 21)


@pytest.mark.parametrize("scale", [1e-3, 0.2, 1.0, 30.0])
def test_gaussian_against_the_closed_form(scale):
    law = noise.Gaussian(scale)
    np.testing.assert_allclose(mean_clipped_step(law, H, 1.3), gaussian_drift(H, 1.3, scale), atol=1e-13 * (1 + scale))
    # negative control: one percent more noise is seen
    assert np.abs(mean_clipped_step(law, 1.3, 1.3) - gaussian_drift(1.3, 1.3, 1.01 * scale + 0.01)) > 1e-5


def test_gaussian_closed_form_to_thirty_digits():
    with mpmath.workdps(30):
        for h, c, s in [(0.3, 1.0, 0.5), (-2.0, 0.1, 3.0), (4.0, 1.0, 1.0)]:
            exact = mpmath.quad(
                lambda z: max(-c, min(c, h + s * z)) * mpmath.npdf(z),  # noqa: B023
                [-12, (-c - h) / s, (c - h) / s, 12],
            )
            assert gaussian_drift(h, c, s) == pytest.approx(float(exact), abs=1e-14 * (c + s))
    assert np.array_equal(gaussian_drift(H, 1.0, 0.0), np.clip(H, -1, 1))


@pytest.mark.parametrize("tail", [1.2, 1.5, 3.0])
@pytest.mark.parametrize("h", [-3.0, 0.0, 0.8, 3.5])
def test_pareto_against_quadrature_of_the_density(tail, h):
    """The density form needs the tail; the survival form of the library does not."""
    c, law = 1.0, noise.Pareto(tail, 0.7)
    with mpmath.workdps(30):
        mean = mpmath.mpf(tail) / (mpmath.mpf(tail) - 1)

        def integrand(x):
            return max(-c, min(c, h + 0.7 * (x - mean))) * tail * x ** (-tail - 1)

        kinks = sorted(k for k in ((s * c - h) / 0.7 + mean for s in (-1, 1)) if k > 1)
        top = max([*kinks, 1])
        inside = mpmath.quad(integrand, [1, *kinks]) if kinks else 0
        # right of the last kink the step is c
        exact = inside + c * mpmath.mpf(top) ** (-tail)
    assert mean_clipped_step(law, h, c) == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize(
    "law", [noise.StudentT(1.5, 0.4), noise.SymmetricPareto(1.3, 2.0), noise.Rademacher(2.0), noise.LogTailed(0.5)]
)
def test_symmetric_laws_give_an_odd_function(law):
    step = mean_clipped_step(law, H, 1.0)
    np.testing.assert_allclose(step, -step[::-1], atol=1e-12)
    assert np.all(np.diff(step) >= -1e-12)
    assert np.all(np.abs(step) <= 1)


@pytest.mark.parametrize("threshold", [1e-6, 1.0, 1e6])
def test_all_scales_of_the_threshold(threshold):
    """A narrow law inside a long interval must not be missed by the quadrature."""
    law = noise.Gaussian(1.0)
    h = threshold * np.array([0.0, 0.4, -1.7])
    np.testing.assert_allclose(
        mean_clipped_step(law, h, threshold), gaussian_drift(h, threshold, 1.0), atol=1e-12 * threshold + 1e-15
    )


@pytest.mark.parametrize(
    "law", [noise.Gaussian(1.0), noise.TwoPoint(1.0, 0.3), noise.Pareto(3.0, 1.0), noise.NoNoise()]
)
def test_never_below_the_worst_case(law):
    h = np.linspace(0, 6, 25)
    for c in (0.3, 1.0, 3.0):
        assert np.all(mean_clipped_step(law, h, c) >= drift(h, c, np.sqrt(law.variance)) - 1e-12)
