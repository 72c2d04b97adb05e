"""Laws: samplers against exact distributions, moments against quadrature, domains."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from clipbounds.noise import (
    Gaussian,
    LogTailed,
    NoNoise,
    Pareto,
    Rademacher,
    Stable,
    StudentT,
    SymmetricPareto,
    ThreePoint,
    TwoPoint,
)

DRAWS = 1_000_000
FALSE_ALARM = 1e-6
# Dvoretzky-Kiefer-Wolfowitz with Massart's constant, valid for every sample size
BAND = math.sqrt(math.log(2 / FALSE_ALARM) / (2 * DRAWS))

DENSITIES = [
    Gaussian(2.0),
    StudentT(1.5, 0.5),
    StudentT(0.7, 1.0),
    StudentT(5.0, 3.0),
    Pareto(1.2, 1.0),
    Pareto(3.5, 2.0),
    SymmetricPareto(0.4, 1.0),
    SymmetricPareto(1.5, 3.0),
    LogTailed(2.0),
]
DISCRETE = [Rademacher(1.5), TwoPoint(2.0, 0.3), TwoPoint(1.0, 1.0), ThreePoint(2.0, 0.3, 0.1)]


def scipy_law(noise):
    """The same law in scipy, as an oracle for cdf and sf."""
    if isinstance(noise, Gaussian):
        return stats.norm(scale=noise.scale)
    if isinstance(noise, StudentT):
        return stats.t(noise.dof, scale=noise.scale)
    if isinstance(noise, Pareto):
        alpha = noise.tail_index
        return stats.pareto(alpha, loc=-noise.scale * alpha / (alpha - 1), scale=noise.scale)
    return None


def distance(draws, cdf):
    """Kolmogorov-Smirnov distance."""
    x = np.sort(draws)
    u, steps = cdf(x), np.arange(x.size + 1) / x.size
    return max(np.max(steps[1:] - u), np.max(u - steps[:-1]))


@pytest.mark.parametrize("noise", DENSITIES, ids=str)
def test_sampler_follows_the_exact_law(noise):
    draws = noise.sample(DRAWS, 11)
    oracle = scipy_law(noise)
    assert distance(draws, (oracle or noise).cdf) < BAND
    # the control: a scale 3 % too large is rejected
    assert distance(1.03 * draws, (oracle or noise).cdf) > BAND


@pytest.mark.parametrize("noise", DENSITIES, ids=str)
def test_tail_probabilities_on_ten_decades(noise):
    draws = np.abs(noise.sample(DRAWS, 12))
    for x in np.geomspace(1e-4, 1e5, 10) * noise.scale:
        p = float(noise.sf(x) + noise.cdf(-x))
        count = int(np.count_nonzero(draws > x))
        low, high = stats.binom.ppf([FALSE_ALARM / 40, 1 - FALSE_ALARM / 40], DRAWS, min(p, 1.0))
        assert low <= count <= high, (x, p, count)


@pytest.mark.parametrize("noise", DENSITIES, ids=str)
def test_cdf_sf_pdf_and_quantile_agree(noise):
    u = np.array([1e-9, 1e-4, 0.1, 0.3, 0.6, 0.99, 1 - 1e-6])
    x = noise.quantile(u)
    assert np.allclose(noise.cdf(x), u, rtol=1e-9)
    assert np.allclose(noise.sf(x), 1 - u, rtol=1e-6)
    step = 1e-5 * np.maximum(np.abs(x), 1e-3)
    inner = slice(1, 6)
    slope = (noise.cdf(x + step) - noise.cdf(x - step)) / (2 * step)
    assert np.allclose(noise.pdf(x)[inner], slope[inner], rtol=1e-4)


@pytest.mark.parametrize("noise", DENSITIES[:6], ids=str)
def test_closed_forms_agree_with_scipy(noise):
    oracle = scipy_law(noise)
    x = noise.quantile(np.linspace(0.01, 0.99, 17))
    assert np.allclose(noise.cdf(x), oracle.cdf(x), rtol=1e-12, atol=0)
    assert np.allclose(noise.sf(x), oracle.sf(x), rtol=1e-12, atol=0)
    assert np.allclose(noise.pdf(x), oracle.pdf(x), rtol=1e-12, atol=0)


@pytest.mark.parametrize("noise", DISCRETE, ids=str)
def test_atoms_occur_with_their_probabilities(noise):
    draws = noise.sample(DRAWS, 13)
    support, weights = noise.atoms()
    assert set(np.unique(draws)) == set(support)
    for atom, weight in zip(support, weights, strict=True):
        low, high = stats.binom.ppf([FALSE_ALARM / 4, 1 - FALSE_ALARM / 4], DRAWS, weight)
        assert low <= np.count_nonzero(draws == atom) <= high
    assert math.isclose(float(support @ weights), 0, abs_tol=1e-15)
    assert noise.bound == np.abs(support).max()
    assert noise.symmetric == (np.array_equal(np.sort(-support), np.sort(support)) and np.ptp(weights) < 1e-15)


def quadrature(noise, p):
    """E|xi|^p = int_0^inf p x^{p-1} P(|xi| > x) dx, with x = e^t and kinks as break points."""

    def integrand(t):
        x = math.exp(t)
        return p * math.exp(p * t) * float(noise.sf(x) + noise.cdf(-x))

    kinks = {0.0}
    if isinstance(noise, (Pareto, SymmetricPareto)):
        kinks |= {math.log(noise.scale)}
    if isinstance(noise, Pareto):
        kinks |= {math.log(noise.scale / (noise.tail_index - 1))}
    marks = [-40.0 / p, *sorted(kinks), 8.0, 40.0, 150.0, 690.0 / max(p, 1)]
    return sum(integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=500)[0] for a, b in pairwise(marks))


POWERS = {
    Gaussian(2.0): (0.5, 1, 1.5, 2, 3.7),
    StudentT(1.5, 0.5): (0.3, 1, 1.3),
    StudentT(5.0, 3.0): (1, 2, 3.5, 4.5),
    Pareto(1.2, 1.0): (0.5, 1, 1.1),
    Pareto(3.5, 2.0): (1, 1.5, 2, 3.2),
    SymmetricPareto(0.4, 1.0): (0.2, 0.3),
    SymmetricPareto(1.5, 3.0): (0.5, 1, 1.4),
    LogTailed(2.0): (0.2, 0.5, 0.9),
}


@pytest.mark.parametrize(("noise", "p"), [(n, p) for n, powers in POWERS.items() for p in powers], ids=str)
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
def test_moments_agree_with_quadrature(noise, p):
    moment = noise.moment(p)
    assert not moment.upper_bound
    assert float(moment) == pytest.approx(quadrature(noise, p), rel=1e-8)


def characteristic_quadrature(noise, p):
    """E|X|^p = (2/pi) Gamma(1+p) sin(pi p/2) int_0^inf (1 - Re phi(t)) t^{-1-p} dt for p in (0, 2), of S1 itself."""
    alpha, z = noise.tail_index, noise.skewness * math.tan(math.pi * noise.tail_index / 2)

    def integrand(s):
        t = math.exp(s)
        size = t**alpha
        # 1 - e^{-size} cos(z size), without cancellation
        real = -math.expm1(-size) + 2 * math.exp(-size) * math.sin(0.5 * z * size) ** 2
        return real * math.exp(-p * s)

    marks = [-60.0 / (alpha - p), -5.0, 0.0, 1.0, 2.0, 3.0, 4.0, 60.0 / p]
    total = sum(integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=2000)[0] for a, b in pairwise(marks))
    return noise.scale**p * 2 / math.pi * math.gamma(1 + p) * math.sin(math.pi * p / 2) * total


@pytest.mark.parametrize(
    ("tail_index", "skewness", "p"),
    [(1.5, 0.0, 1.2), (1.5, 0.7, 1.2), (1.2, -1.0, 0.5), (1.9, 1.0, 1.5), (0.8, 0.5, 0.4), (1.0, 0.0, 0.6)],
)
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
def test_stable_moments_agree_with_the_characteristic_function(tail_index, skewness, p):
    noise = Stable(tail_index, 1.7, skewness)
    assert float(noise.moment(p)) == pytest.approx(characteristic_quadrature(noise, p), rel=1e-8)


def test_stable_at_two_is_gaussian():
    noise, gauss = Stable(2.0, 1.5), Gaussian(1.5 * math.sqrt(2))
    for p in (0.5, 1, 2, 3):
        assert float(noise.moment(p)) == pytest.approx(float(gauss.moment(p)), rel=1e-13)
    assert noise.variance == pytest.approx(2 * 1.5**2)
    assert distance(noise.sample(DRAWS, 14), gauss.cdf) < BAND


def test_moments_of_atoms_and_of_log_tailed_noise():
    q, sigma = 0.3, 2.0
    noise = TwoPoint(sigma, q)
    for p in (1, 1.5, 2, 3):
        assert float(noise.moment(p)) == pytest.approx(sigma**p * (q**p + q ** (2 - p)) / (1 + q * q), rel=1e-14)
    assert float(Rademacher(1.5).moment(1.7)) == pytest.approx(1.5**1.7)
    assert float(NoNoise().moment(2)) == 0
    assert float(LogTailed(3.0).moment(1)) == 3.0


@pytest.mark.parametrize("rate", [1.0, 0.3, 1e-6])
def test_three_points_are_two_points_at_a_rate(rate):
    noise, all_steps = ThreePoint(2.0, 0.3, rate), TwoPoint(2.0, 0.3)
    places, weights = noise.atoms()
    assert weights.sum() == pytest.approx(1, rel=1e-15)
    assert abs(weights @ places) < 1e-15 * (weights @ np.abs(places))
    for p in (1, 1.5, 2, 3):
        direct = math.fsum(weights * np.abs(places) ** p)
        assert float(noise.moment(p)) == pytest.approx(direct, rel=1e-14)
        assert float(noise.moment(p)) == pytest.approx(rate ** (1 - p / 2) * float(all_steps.moment(p)), rel=1e-14)


@pytest.mark.parametrize(
    ("noise", "p"),
    [
        (StudentT(1.5, 1.0), 1.5),
        (StudentT(1.5, 1.0), 2),
        (Pareto(1.7, 1.0), 1.7),
        (SymmetricPareto(1.7, 1.0), 2),
        (Stable(1.5, 1.0), 1.5),
        (Stable(1.5, 1.0, 0.5), 2),
        (LogTailed(1.0), 1.0001),
    ],
    ids=str,
)
def test_moments_beyond_the_tail_index_are_infinite(noise, p):
    assert noise.moment(p) == math.inf
    assert noise.variance == math.inf


@pytest.mark.parametrize("noise", [*DENSITIES, *DISCRETE, NoNoise(), Stable(1.5, 1.0)], ids=str)
def test_powers_outside_their_domain_are_refused(noise):
    for p in (0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"p must be a number in \(0, inf\)"):
            noise.moment(p)


@pytest.mark.parametrize("noise", [*DENSITIES, *DISCRETE, NoNoise(), Stable(1.5, 1.0), Stable(0.8, 1.0)], ids=str)
def test_the_mean_is_zero_or_does_not_exist(noise):
    assert noise.mean == 0 or (math.isnan(noise.mean) and noise.moment(1) == math.inf)


@pytest.mark.parametrize("noise", [n for n in DENSITIES if n.moment(1) < math.inf], ids=str)
def test_the_law_is_centred(noise):
    """E xi = int_0^inf P(xi > x) - P(xi < -x) dx."""

    def integrand(t):
        x = math.exp(t)
        return x * float(noise.sf(x) - noise.cdf(-x))

    pieces = [
        -40.0,
        *sorted({0.0, math.log(noise.scale), math.log(noise.scale / 2.5), math.log(noise.scale / 0.2)}),
        40.0,
        300.0,
    ]
    total = sum(integrate.quad(integrand, a, b, epsabs=1e-11, limit=500)[0] for a, b in pairwise(pieces))
    assert abs(total) < 1e-8 * float(noise.moment(1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gaussian(0.0), r"Gaussian: scale must be a number in \(0, inf\)"),
        (lambda: Gaussian(math.nan), r"scale must be a number in \(0, inf\)"),
        (lambda: Pareto(1.0, 1.0), r"tail_index must be a number in \(1, inf\).*mean"),
        (lambda: StudentT(0.0, 1.0), r"dof must be a number in \[0.1, inf\)"),
        (lambda: Stable(2.1, 1.0), r"tail_index must be a number in \[0.1, 2\]"),
        (lambda: Stable(1.5, 1.0, 1.1), r"skewness must be a number in \[-1, 1\]"),
        (lambda: Stable(1.0, 1.0, 0.5), "skewness must be 0 for tail_index = 1"),
        (lambda: TwoPoint(1.0, 1.5), r"skew must be a number in \(0, 1\]"),
        (lambda: ThreePoint(1.0, 0.5, 0.0), r"rate must be a number in \(0, 1\]"),
        (lambda: Gaussian(1.0, radial=True, along=[1.0]), "not both"),
        (lambda: Gaussian(1.0, along=[1.0, 1.0]), "unit vector"),
        (lambda: Gaussian(1.0).sample(-1, 0), "size must be an integer >= 0"),
        (lambda: Gaussian(1.0).sample(10, -1), "seed must be an integer >= 0"),
    ],
)
def test_bad_input_names_the_domain(make, words):
    with pytest.raises(ValueError, match=words):
        make()
