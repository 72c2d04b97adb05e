"""Every law of the package keeps its claims; each kind of wrong claim is found."""

import math

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.lanes import LANES, kernel
from clipbounds.noise import FILL
from clipbounds.specs import POSITIVE, parameter
from clipbounds.testing import check_noise, failing_claims
from clipbounds.testing.noise_claims import median_of_means

N = cb.noise
LAWS = [
    N.NoNoise(), N.Rademacher(2.0), N.TwoPoint(1.0, 0.3), N.Gaussian(2.0), N.StudentT(1.5, 1.0), N.StudentT(9.0, 1.0),
    N.Pareto(1.5, 1.0), N.Pareto(5.0, 2.0), N.SymmetricPareto(0.5, 1.0), N.SymmetricLomax(3.0, 1.0), N.LogTailed(1.0),
    N.Stable(1.5, 1.0), N.Stable(1.2, 1.0, 0.7), N.Stable(2.0, 1.0), N.Stable(0.5, 1.0),
]  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_the_laws_of_the_package_keep_their_claims(law):
    check_noise(law)


class Skewed(N.Pareto):
    symmetric = True


class MoreMass(N.TwoPoint):
    def atoms(self):
        support, weights = super().atoms()
        return support, weights[::-1]


class WrongAtom(N.Rademacher):
    def atoms(self):
        return np.array([-1.1, 1.1]) * self.sigma, np.full(2, 0.5)


class Bounded(N.Gaussian):
    @property
    def bound(self):
        return 3.0 * self.scale


class WrongMoment(N.Gaussian):
    def moment(self, p):
        return 1.05**p * super().moment(p)


class FallingMoments(N.Gaussian):
    def moment(self, p):
        return (super().moment(p) ** (1 / p) / p) ** p


class WrongCdf(N.Gaussian):
    def cdf(self, x):
        return super().cdf(1.05 * np.asarray(x))


class WrongQuantile(N.Gaussian):
    def quantile(self, u):
        return 1.01 * super().quantile(u)


class Shifted(N.Gaussian):
    """Claims a Gaussian, but the mean is half a standard deviation."""

    @N.from_quantile
    def fill(u, scale):
        return scale * (math.sqrt(12) * (u - 0.5) + 0.5)


@kernel(FILL)
def by_position(out, first, count, params, seed, stream, trajectory):
    for i in range(count * LANES):
        out[i] = params[0] * (1.0 if i % 2 == 0 else -1.0)
    out[0] = params[0] * (1.0 if first % 8 == 0 else -1.0)


class ByPosition(N.Rademacher):
    fill = by_position


class Infinite(N.Gaussian):
    @N.from_quantile
    def fill(u, scale):
        return scale / (0.0 if u > 0.999 else u - 0.5)


@pytest.mark.parametrize(
    ("law", "names"),
    [
        (Skewed(3.0, 1.0), {"symmetric"}),
        (MoreMass(1.0, 0.5), {"atoms", "moment"}),
        (WrongAtom(1.0), {"atoms", "bound", "moment"}),
        (Bounded(1.0), {"bound"}),
        (WrongMoment(1.0), {"moment"}),
        (FallingMoments(1.0), {"moment", "moments"}),
        (WrongCdf(1.0), {"cdf", "quantile"}),
        (WrongQuantile(1.0), {"quantile"}),
        (Shifted(1.0), {"mean", "symmetric", "cdf", "moment"}),
        (ByPosition(1.0), {"stream"}),
        (Infinite(1.0), {"finite"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, N.Noise) else None,
)
def test_a_wrong_claim_is_found(law, names):
    found = {claim.name for claim in failing_claims(law)}
    assert found and found <= names
    with pytest.raises(AssertionError, match="contradicts its claims"):
        check_noise(law)


class Silent(N.Noise):
    scale: float = parameter(POSITIVE)
    fill = N.Gaussian.fill


def test_a_law_without_moments_claims_none():
    assert failing_claims(Silent(1.0)) == []


def test_the_median_of_means_is_inside_its_error_for_a_heavy_tail_and_outside_for_a_wrong_mean():
    """Pareto of index 2.2: the variance is finite, the fourth moment is not. False alarm 1e-6 a seed."""
    law = N.Pareto(2.2, 1.0)
    for seed in range(20):
        mean, error = median_of_means(law.sample(20_000, seed), 1e-6)
        assert abs(mean) <= error * math.sqrt(law.variance)
        assert abs(mean - 0.5 * math.sqrt(law.variance)) > error * math.sqrt(law.variance)


@pytest.mark.parametrize(
    ("build", "part"),
    [
        (lambda: failing_claims(3), "law must be a Noise, but 3"),
        (lambda: failing_claims(N.Gaussian(1.0), 10), "draws must be an integer >= 10000, but 10"),
        (lambda: failing_claims(N.Gaussian(1.0), false_alarm=1.0), r"in \(0, 1/2\), but 1.0"),
    ],
)
def test_bad_input(build, part):
    with pytest.raises(ValueError, match=part):
        build()
