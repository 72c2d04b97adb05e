"""Every Pareto draw is the power of the uniform number of its own half of a word, recomputed in 50 digits."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from clipbounds.lanes import LANES
from clipbounds.lanes.random import NOISE, threefry2x64
from clipbounds.noise import Pareto

SEED, FIRST, COUNT, TRAJECTORY = 5, 12, 8, 128
ROUNDING = 2.0**-53


def uniforms(trajectory):
    """(COUNT, LANES) integers k of the midpoints (k + 1/2)/2^52: each word, then the same read from its other end."""
    draws, lanes = np.meshgrid(
        np.arange(FIRST // 4, (FIRST + COUNT) // 4), trajectory + np.arange(LANES), indexing="ij"
    )
    words = threefry2x64((SEED, int(NOISE)), np.stack([draws, lanes], axis=-1).astype(np.uint64)).transpose(0, 2, 1)
    return (np.stack([words, words.byteswap()], axis=2) >> np.uint64(12)).reshape(COUNT, LANES)


def draws(law):
    out = np.empty(COUNT * LANES)
    law.fill(out, FIRST, COUNT, law.parameters, np.uint64(SEED), NOISE, np.uint64(TRAJECTORY))
    return out.reshape(COUNT, LANES)


def largest_error(law, trajectory=TRAJECTORY):
    """In units of what roundings may cost.

    2^y with y = -log2(u)/alpha: y is wrong by 16 + 2 roundings (logarithm, 1/alpha and the product), which 2^y multiplies
    by y log 2; then 8 of 2^y itself, and two each of the difference to the mean and of the scale.
    """
    worst, alpha = 0.0, law.tail_index
    with mp.workdps(50):
        mean = mp.mpf(alpha) / (mp.mpf(alpha) - 1)
        for got, k in zip(draws(law).ravel(), uniforms(trajectory).ravel(), strict=True):
            power = ((int(k) + mp.mpf(1) / 2) / 2**52) ** (-1 / mp.mpf(alpha))
            may = power * (18 * mp.log(power) + 8) + 4 * (power + mean)
            worst = max(worst, float(abs(got / mp.mpf(law.scale) - (power - mean)) / (may * ROUNDING)))
    return worst


@pytest.mark.parametrize("law", [Pareto(1.5, 2.0), Pareto(1.01, 1e-3), Pareto(30.0, 1e5)], ids=str)
def test_draws_are_powers_of_their_own_uniform_numbers(law):
    assert largest_error(law) <= 1
    assert largest_error(law, TRAJECTORY + 1) > 1e9  # the control: another trajectory's words


CELLS = 32


def independence(u, v):
    """p-value of a chi-square test that a pair of numbers is uniform on the square, for a large sample."""
    cells = (u * CELLS).astype(int) * CELLS + (v * CELLS).astype(int)
    counts = np.bincount(cells, minlength=CELLS * CELLS)
    expected = u.size / CELLS**2
    return stats.chi2.sf(np.sum((counts - expected) ** 2) / expected, CELLS * CELLS - 1)


def test_draws_of_one_word_are_independent():
    """By ranks: their exact distribution function makes both uniform. The lags 1 and 2 are within a word and across two."""
    law, count = Pareto(1.5, 1.0), 40_000
    out = np.empty(count * LANES)
    law.fill(out, 0, count, law.parameters, np.uint64(3), NOISE, np.uint64(0))
    ranks = np.asarray(law.cdf(out)).reshape(count, LANES)
    ranks = np.minimum(ranks, math.nextafter(1, 0))
    one = [
        independence(ranks[k::4].ravel(), ranks[k + lag :: 4].ravel()) for k, lag in ((0, 1), (2, 1), (0, 2), (1, 2))
    ]
    assert min(one) > 1e-6 / len(one)
    # the control: a second number that follows the first one in one draw of twenty
    first, second = ranks[0::4].ravel(), ranks[1::4].ravel().copy()
    second[::20] = first[::20]
    assert independence(first, second) < 1e-6
