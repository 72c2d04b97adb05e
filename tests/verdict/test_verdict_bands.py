"""Coverage of every band at a stated false-alarm rate, on bounded laws that are unkind to normal theory."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from clipbounds.verdict.bands import betting, empirical_bernstein, normal, split

FALSE_ALARM = 1e-6  # of each coverage test, were the band exactly at its level
EXPERIMENTS = {"empirical Bernstein": 4000, "betting": 400}
LAWS = {  # draws from (generator, shape) and the mean
    "rare spike": (lambda g, shape: (g.random(shape) < 0.02).astype(float), 0.02),
    "rare dip": (lambda g, shape: (g.random(shape) >= 0.02).astype(float), 0.98),
    "coin": (lambda g, shape: (g.random(shape) < 0.5).astype(float), 0.5),
    "spike on a slope": (
        lambda g, shape: np.where(g.random(shape) < 0.01, 1.0, 0.1 * g.random(shape)),
        0.01 + 0.99 * 0.05,
    ),
    "u-shape": (lambda g, shape: g.beta(0.3, 0.3, shape), 0.5),
}


def misses_allowed(confidence, experiments=4000):
    """Largest number of misses that a band of this confidence exceeds with probability at most FALSE_ALARM."""
    return binom.isf(FALSE_ALARM, experiments, 1 - confidence)


def limits(band, values, confidence, sides):
    if band == "betting":
        return betting(values, 0.0, 1.0, confidence, sides)
    mean, variance = values.mean(axis=-1), values.var(axis=-1, ddof=1)
    return empirical_bernstein(values.shape[-1], mean, variance, 0.0, 1.0, confidence, sides)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("band", ["empirical Bernstein", "betting"])
def test_finite_sample_bands_cover_on_nasty_laws(band, law):
    draw, mean = LAWS[law]
    experiments = EXPERIMENTS[band]
    values = draw(np.random.default_rng(7), (experiments, 60))
    low, high = limits(band, values, 0.9, 2)
    assert np.count_nonzero((low > mean) | (high < mean)) <= misses_allowed(0.9, experiments)
    low, high = limits(band, values, 0.9, 1)
    assert np.count_nonzero(low > mean) <= misses_allowed(0.9, experiments)
    assert np.count_nonzero(high < mean) <= misses_allowed(0.9, experiments)


def test_the_coverage_test_catches_the_normal_band_on_a_rare_spike():
    """Negative control: with 60 trials of probability 0.02 the normal band misses whenever no spike was seen (30 %)."""
    draw, mean = LAWS["rare spike"]
    values = draw(np.random.default_rng(7), (4000, 60))
    low, high = normal(60, values.mean(axis=1), values.var(axis=1, ddof=1), 0.9)
    assert np.count_nonzero((low > mean) | (high < mean)) > misses_allowed(0.9)


def test_the_coverage_test_catches_empirical_bernstein_without_its_range_term():
    draw, mean = LAWS["rare spike"]
    values = draw(np.random.default_rng(7), (4000, 60))
    low, high = empirical_bernstein(60, values.mean(axis=1), values.var(axis=1, ddof=1), 0.0, 1.0, 0.9)
    mean_and_spread = np.sqrt(2 * values.var(axis=1, ddof=1) * np.log(2 * 2 / 0.1) / 60)
    assert np.count_nonzero(values.mean(axis=1) + mean_and_spread < mean) > misses_allowed(0.95)
    assert np.all((low <= mean) & (mean <= high))  # with the term it is conservative on this law: 7 ln(40)/177 > 0.02


def test_normal_band_covers_where_it_is_meant_to():
    values = np.random.default_rng(3).normal(2.0, 3.0, (4000, 2000))
    low, high = normal(2000, values.mean(axis=1), values.var(axis=1, ddof=1), 0.99)
    misses = np.count_nonzero((low > 2.0) | (high < 2.0))
    # Student's t of 1999 degrees against the normal quantile changes the rate by less than 2 %
    assert binom.ppf(FALSE_ALARM, 4000, 0.01) <= misses <= binom.isf(FALSE_ALARM, 4000, 0.0102)


def test_bands_together_cover_a_whole_curve():
    """Bonferroni: 20 checkpoints of one walk, all inside at once with probability >= 0.9."""
    generator = np.random.default_rng(11)
    experiments, n, checkpoints = 1000, 100, 20
    p = 0.03
    spikes = generator.random((experiments, n, checkpoints)) < p
    running = np.cumsum(spikes, axis=2) / np.arange(1, checkpoints + 1)
    mean, variance = running.mean(axis=1), running.var(axis=1, ddof=1)
    low, high = empirical_bernstein(n, mean, variance, 0.0, 1.0, split(0.9, checkpoints))
    misses = np.count_nonzero(np.any((low > p) | (high < p), axis=1))
    assert misses <= binom.isf(FALSE_ALARM, experiments, 0.1)


def test_empirical_bernstein_constants_at_a_point():
    """n = 101, V = 1/4, delta = 2/e per side: ln(2/delta) = 1, half width sqrt(0.5/101) + 7/300."""
    confidence = 1 - 2 / np.e
    low, high = empirical_bernstein(101, 0.5, 0.25, 0.0, 1.0, confidence, sides=1)
    assert high - 0.5 == pytest.approx(np.sqrt(0.5 / 101) + 7 / 300, rel=1e-14)
    assert 0.5 - low == pytest.approx(high - 0.5, rel=1e-14)
    # the range scales the second term only, a shift moves everything
    low, high = empirical_bernstein(101, 5.5, 0.25, 5.0, 15.0, confidence, sides=1)
    assert high - 5.5 == pytest.approx(np.sqrt(0.5 / 101) + 70 / 300, rel=1e-14)


def test_normal_lies_inside_empirical_bernstein():
    for confidence in (0.1, 0.5, 0.9, 0.999, 1 - 1e-9):
        a, b = empirical_bernstein(300, 0.4, 0.01, 0.0, 1.0, confidence)
        c, d = normal(300, 0.4, 0.01, confidence)
        assert a <= c < d <= b


def test_bands_are_monotone():
    previous = None
    for confidence in (0.5, 0.9, 0.99, 0.9999):
        low, high = empirical_bernstein(200, 0.3, 0.05, 0.0, 1.0, confidence)
        assert previous is None or (low <= previous[0] and high >= previous[1])
        previous = (low, high)
    widths = [np.diff(empirical_bernstein(n, 0.5, 0.05, 0.0, 1.0, 0.99))[0] for n in (2, 10, 100, 1000, 10**5)]
    assert all(a >= b for a, b in pairwise(widths)) and widths[-1] < 0.01
    x = np.random.default_rng(0).random(500)
    narrow, wide = betting(x, 0.0, 1.0, 0.9), betting(x, 0.0, 1.0, 0.999)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_betting_is_tighter_on_low_variance_and_equivariant():
    x = 0.5 + 0.02 * np.random.default_rng(1).random(1000)
    low, high = betting(x, 0.0, 1.0, 0.999)
    a, b = empirical_bernstein(1000, x.mean(), x.var(ddof=1), 0.0, 1.0, 0.999)
    assert a < low < x.mean() < high < b
    shifted = betting(3 + 10 * x, 3.0, 13.0, 0.999)
    assert np.allclose(shifted, (3 + 10 * low, 3 + 10 * high), rtol=1e-9)
    mirrored = betting(1 - x, 0.0, 1.0, 0.999)
    assert np.allclose(mirrored, (1 - high, 1 - low), rtol=1e-9)


def test_no_limit_without_a_range_or_a_second_trajectory():
    assert empirical_bernstein(100, 1.0, 1.0, 0.0, np.inf, 0.9)[1] == np.inf
    assert empirical_bernstein(1, 0.3, np.nan, 0.0, 1.0, 0.9) == (0.0, 1.0)
    assert betting([[0.1, 0.2]], [0.0], [np.inf], 0.9)[1][0] == np.inf
    assert normal(1, 0.3, np.nan, 0.9)[1] == np.inf


@pytest.mark.parametrize("confidence", [0, 1, 1.5, np.nan, True, "high"])
def test_confidence_outside_its_domain(confidence):
    with pytest.raises(ValueError, match="confidence"):
        empirical_bernstein(10, 0.5, 0.1, 0, 1, confidence)
