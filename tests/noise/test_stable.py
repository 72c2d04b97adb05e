"""The alpha-stable transform against 50 digits, and its law against scipy and the asymptotic series."""

import math

import mpmath as mp
import numpy as np
import pytest
from numba import types
from scipy import stats
from scipy.special import gamma

from clipbounds.lanes import kernel
from clipbounds.lanes.blocks import FLOATS
from clipbounds.noise import LogTailed, Stable
from clipbounds.noise.heavy_kernels import stable_transform

DRAWS = 1_000_000
BAND = math.sqrt(math.log(2 / 1e-6) / (2 * DRAWS))
LAWS = [(1.5, 0.0), (1.1, 0.0), (1.99, 0.0), (1.5, 0.7), (1.2, -1.0), (1.9, 1.0), (0.7, 0.0), (0.8, 0.5)]


@kernel(types.void(FLOATS, FLOATS, FLOATS, FLOATS))
def transform(u, w, params, out):
    for i in range(u.size):
        out[i] = stable_transform(
            u[i],
            w[i],
            params[0],
            params[1],
            params[2],
            params[3],
            params[4],
            params[5],
            params[6],
            params[7],
            params[8],
            params[9],
        )


def exact(u, w, alpha, skewness):
    """Chambers-Mallows-Stuck as it stands in the textbook, in 50 digits."""
    u, w, alpha = mp.mpf(float(u)), mp.mpf(float(w)), mp.mpf(alpha)
    angle = mp.pi * (u - mp.mpf(1) / 2)
    phi = mp.atan(mp.mpf(skewness) * mp.tan(mp.pi * alpha / 2)) if skewness else mp.mpf(0)
    x = mp.sin(alpha * angle + phi) / mp.cos(angle) ** (1 / alpha)
    return mp.cos(phi) ** (-1 / alpha) * x * (mp.cos((1 - alpha) * angle - phi) / w) ** ((1 - alpha) / alpha)


def inputs(count):
    """Uniforms as the stream makes them, a third of them close to 0, 1 or 1/2, and exponentials."""
    rng = np.random.default_rng(5)
    u = rng.uniform(size=count)
    third = count // 3
    small = np.exp(rng.uniform(math.log(1e-15), 0, third)) / 2
    u[:third] = np.where(rng.uniform(size=third) < 0.5, small, 1 - small)
    u[third : third + third // 3] = 0.5 + (small - 0.25)[: third // 3] * 1e-3
    u = (np.floor(u * 2**52) + 0.5) / 2**52
    return u, -np.log(np.clip(rng.uniform(size=count), 1e-15, None))


def textbook(u, w, alpha):
    angle = math.pi * (u - 0.5)
    return (
        np.sin(alpha * angle)
        / np.cos(angle) ** (1 / alpha)
        * (np.cos((1 - alpha) * angle) / w) ** ((1 - alpha) / alpha)
    )


def relative_errors(got, u, w, alpha, skewness):
    with mp.workdps(50):
        true = [exact(a, b, alpha, skewness) for a, b in zip(u, w, strict=True)]
        return np.array([float(abs((mp.mpf(float(g)) - t) / t)) for g, t in zip(got, true, strict=True)])


@pytest.mark.parametrize(("alpha", "skewness"), LAWS)
def test_the_transform_is_exact_to_1e14_relative(alpha, skewness):
    u, w = inputs(600)
    out = np.empty_like(u)
    transform(u, w, Stable(alpha, 1.0, skewness).parameters, out)
    assert relative_errors(out, u, w, alpha, skewness).max() < 1e-14


def test_the_textbook_form_fails_the_same_test():
    u, w = inputs(600)
    assert relative_errors(textbook(u, w, 1.5), u, w, 1.5, 0.0).max() > 1e-13


@pytest.mark.parametrize(("alpha", "skewness"), LAWS)
def test_the_law_agrees_with_scipy(alpha, skewness):
    oracle = stats.levy_stable
    oracle.parameterization = "S1"
    x = np.concatenate([-np.geomspace(30, 0.03, 16), [0.0], np.geomspace(0.03, 30, 16)])
    cdf = oracle.cdf(x, alpha, skewness)
    draws = np.sort(Stable(alpha, 2.0, skewness).sample(DRAWS, 21)) / 2.0
    empirical = np.searchsorted(draws, x, side="right") / DRAWS
    # the largest difference on a grid is at most the Kolmogorov-Smirnov distance
    assert np.abs(empirical - cdf).max() < BAND
    if skewness:
        assert np.abs(empirical - oracle.cdf(x, alpha, -skewness)).max() > BAND


@pytest.mark.parametrize("alpha", [1.2, 1.5, 1.8])
def test_tails_follow_the_asymptotic_series(alpha):
    """P(|X| > x) = (2/pi) sum_k (-1)^{k+1} Gamma(alpha k) sin(pi alpha k/2) x^{-alpha k}/k!, in its range."""
    draws = np.abs(Stable(alpha, 1.0).sample(DRAWS, 22))
    k = np.arange(1, 6)
    for x in np.geomspace(30, 3e4, 10):
        terms = (
            (-1.0) ** (k + 1) * gamma(alpha * k) * np.sin(math.pi * alpha * k / 2) * x ** (-alpha * k) / gamma(k + 1)
        )
        p = 2 / math.pi * float(terms.sum())
        low, high = stats.binom.ppf([1e-6 / 60, 1 - 1e-6 / 60], DRAWS, p)
        assert low <= np.count_nonzero(draws > x) <= high
    # the control: the same band around twice the probability at x = 30 does not contain the count
    wrong = 2 * float(stats.levy_stable.sf(30.0, alpha, 0.0))
    low, high = stats.binom.ppf([1e-6 / 60, 1 - 1e-6 / 60], DRAWS, 2 * wrong)
    assert not low <= np.count_nonzero(draws > 30) <= high


def test_the_log_tailed_quantile_is_lamberts_w():
    u = np.concatenate([np.geomspace(1e-15, 0.4, 200), 1 - np.geomspace(1e-15, 0.4, 100)])
    law = LogTailed(1.0)
    with mp.workdps(50):
        for v, x in zip(u, law.quantile(u), strict=True):
            tail = 2 * min(mp.mpf(float(v)), 1 - mp.mpf(float(v)))
            size = mp.exp(2 * mp.lambertw(mp.exp(mp.mpf(1) / 2) / (2 * mp.sqrt(tail))) - 1) - 1
            assert abs(abs(mp.mpf(float(x))) - size) < 1e-13 * size + 1e-15
