"""Clopper-Pearson and order-statistic limits against exact binomial sums."""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from clipbounds.verdict import clopper_pearson, quantile_limits
from clipbounds.verdict.quantiles import quantile_ranks


def at_most(k, n, p):
    """P(Bin(n, p) <= k) with 40 digits."""
    with mp.workdps(40):
        p = mpf(float(p))
        return sum((math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1)), mpf(0))


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (5, 5), (3, 40), (0, 400), (17, 64), (399, 400)])
@pytest.mark.parametrize("confidence", [0.9, 0.999, 1 - 1e-9])
def test_clopper_pearson_solves_the_binomial_equations(k, n, confidence):
    low, high = clopper_pearson(k, n, confidence)
    delta = (1 - confidence) / 2
    if k > 0:
        assert float(1 - at_most(k - 1, n, low)) == pytest.approx(delta, rel=1e-6)
    else:
        assert low == 0
    if k < n:
        assert float(at_most(k, n, high)) == pytest.approx(delta, rel=1e-6)
    else:
        assert high == 1


def test_clopper_pearson_covers_exactly():
    """Coverage is a finite sum: at least the confidence for every p, and 0.9 of the limits would not do."""
    n = 30
    low, high = clopper_pearson(np.arange(n + 1), n, 0.95)
    for p in np.linspace(0.001, 0.999, 97):
        weights = np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
        assert weights[(low <= p) & (p <= high)].sum() >= 0.95 - 1e-12
    p = 0.1
    weights = np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
    assert (
        weights[(0.5 * (low + high) - 0.2 * (high - low) <= p) & (p <= 0.5 * (low + high) + 0.2 * (high - low))].sum()
        < 0.95
    )


def test_clopper_pearson_zero_and_bad_counts():
    assert clopper_pearson(0, 100, 0.99, sides=1)[1] == pytest.approx(
        1 - 0.01 ** (1 / 100)
    )  # no success: 1 - delta^{1/n}
    for k, n in [(-1, 5), (6, 5), (0, 0)]:
        with pytest.raises(ValueError, match="successes"):
            clopper_pearson(k, n, 0.9)


@pytest.mark.parametrize("n", [5, 37, 200])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_ranks_are_the_tightest_valid_ones(n, level, confidence):
    """For a uniform law P(X_(k) < q) = P(Bin(n, q) >= k): summed with 40 digits."""
    low, high = quantile_ranks(n, level, confidence)
    delta = (1 - confidence) / 2
    miss_above = lambda k: float(1 - at_most(k - 1, n, level))  # noqa: E731  quantile above X_(k)
    miss_below = lambda k: float(at_most(k - 1, n, level))  # noqa: E731  quantile below X_(k)
    if high <= n:
        assert miss_above(high) <= delta * (1 + 1e-9)
    assert high == 1 or miss_above(high - 1) > delta
    if low >= 1:
        assert miss_below(low) <= delta * (1 + 1e-9)
    assert low == n or miss_below(low + 1) > delta


def test_too_small_a_sample_has_no_upper_limit():
    """A finite upper limit needs level^n <= delta: 459 values for the 0.99-quantile at 99 %, one-sided."""
    values = np.arange(458.0)
    assert quantile_limits(values, 0.99, 0.99, sides=1)[1] == np.inf
    assert quantile_limits(np.arange(459.0), 0.99, 0.99, sides=1)[1] == 458.0
    assert quantile_limits(values, 0.01, 0.99, sides=1)[0] == -np.inf


def test_quantile_limits_need_no_moment():
    """Median of a Cauchy law: the share of misses stays within 1e-6 of the stated rate."""
    from scipy.stats import binom

    values = np.random.default_rng(5).standard_cauchy((3000, 101))
    low, high = quantile_limits(values, 0.5, 0.9)
    assert np.count_nonzero((low > 0) | (high < 0)) <= binom.isf(1e-6, 3000, 0.1)
    # negative control: order statistics two ranks further in miss too often
    a, b = quantile_ranks(101, 0.5, 0.9)
    ordered = np.sort(values, axis=1)
    assert np.count_nonzero((ordered[:, a + 2] > 0) | (ordered[:, b - 4] < 0)) > binom.isf(1e-6, 3000, 0.1)


def test_nan_counts_as_infinite_and_bad_levels():
    values = np.array([1.0, np.nan, 2.0] * 50)
    assert quantile_limits(values, 0.9, 0.9)[1] == np.inf
    with pytest.raises(ValueError, match="level"):
        quantile_limits(values, 1.0, 0.9)
