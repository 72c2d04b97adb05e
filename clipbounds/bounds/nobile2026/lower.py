"""Lower bounds for estimating a mean from n samples, whatever the estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent, check_positive
from .deviation import check_probability
from .search import lowest_point

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray


def two_point_error(q: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """rho_q = sigma q^{(p-1)/p}/((1-q) [(1-q)^{p-1} + q^{p-1}])^{1/p}.

    The law "c with probability q, else 0" with E|X - qc|^p = sigma^p, c > 0, has the mean rho_q = q c.
    """
    q = np.asarray(q, dtype=np.float64)
    return sigma * q ** ((p - 1) / p) / ((1 - q) * ((1 - q) ** (p - 1) + q ** (p - 1))) ** (1 / p)


def three_point_error(u: FloatOrArray, v: FloatOrArray, sigma: float, p: float) -> FloatOrArray:
    """rho = (u-v) c for +c, -c, 0 with probabilities u > v, 1-u-v and E|X - (u-v)c|^p = sigma^p."""
    mean = u - v
    spread = u * (1 - mean) ** p + v * (1 + mean) ** p + (1 - u - v) * mean**p
    return mean * sigma / spread ** (1 / p)


NODES = 300  # totals at which the confusion is evaluated


def confusion(n: int, u: float, v: float) -> float:
    """P(N+ < N-) + P(N+ = N-)/2 for the counts in n draws, u >= v, from below.

    Given the total m = N+ + N- it is g(m) = P(Bin(m, s) < m/2) + P(Bin(m, s) = m/2)/2, s = u/(u+v) >= 1/2, g(0) = 1/2. A draw more
    changes g(2k-1) only where the margin is ±1, and C s^k (1-s)^k cancels: g(2k) = g(2k-1). It turns a tie into a loss
    with probability 1-s <= 1/2: g(2k+1) <= g(2k). So g decreases, and a block of totals takes its value at the last one; totals
    far from n(u+v) are left out.
    """
    from scipy.special import bdtr

    expected, chance = n * (u + v), min(u + v, 1.0)
    spread = 12 * np.sqrt(expected * (1 - chance) + 1) + 40
    first, last = max(expected - spread, 0.0), min(expected + spread, n + 1.0)
    halves = np.unique(np.linspace(first / 2, (last + 1) / 2, NODES).astype(int))
    halves = halves[halves >= 1]
    mass = np.diff(bdtr(np.minimum(np.append(2 * max(int(halves[0]) - 1, 0), 2 * halves), n), n, chance))
    none = bdtr(0, n, chance) if halves[0] == 1 else 0.0
    return float(mass @ bdtr(halves - 1, 2 * halves - 1, u / (u + v)) + 0.5 * none) * (1 - 1e-9)


def _three_point_bound(n: int, sigma: float, p: float, delta: float) -> float:
    """Best rho over u > v with confusion >= delta; every admissible pair gives a valid bound."""

    def largest_total(ratio: float) -> float:
        """The largest u + v with v = ratio·u that still confuses, by bisection; 0 if none."""
        low, high = 0.0, 1.0
        for _ in range(30):  # from below: what is returned confuses enough
            total = 0.5 * (low + high)
            good = confusion(n, total / (1 + ratio), total * ratio / (1 + ratio)) >= delta
            low, high = (total, high) if good else (low, total)
        return low

    def negative(ratios: FloatArray) -> FloatArray:
        totals = np.array([largest_total(r) for r in np.atleast_1d(ratios)])
        u, v = totals / (1 + ratios), totals * ratios / (1 + ratios)
        return np.where(totals > 0, -three_point_error(u, v, sigma, p), 0.0)

    ratio = lowest_point(negative, 1e-4, 0.98, count=21, rounds=3)
    return -float(negative(np.array([ratio]))[0])


def gaussian_error(n: int, sigma: float, p: float, delta: float) -> float:
    """s z/sqrt n with s = sigma/(E|N|^p)^{1/p} and P(N > z) = delta/2: the location family N(theta, s²).

    Under the uniform prior on [-A, A] the posterior of theta is a normal law of deviation s/sqrt n, cut at ±A; a window of length
    2 rho has at most the mass P(|N| <= rho sqrt n/s), up to the cut, whose share vanishes as A -> inf. So for every
    estimator the supremum over theta of P(|error| > rho) is at least delta at this rho.
    """
    from scipy.special import gamma, ndtri

    moment = 2 ** (p / 2) * gamma((p + 1) / 2) / np.sqrt(np.pi)
    return float(-ndtri(delta / 2) * sigma / (moment ** (1 / p) * np.sqrt(n))) * (1 - 1e-12)


def mean_estimation_lower_bound(
    n: int, sigma: float, p: float, delta: float, families: tuple[str, ...] = ("two", "three", "gaussian")
) -> float:
    """Every estimator from n samples errs by at least rho with probability >= delta on some law of the class.  [proved]

    The class: E|X - g|^p <= sigma^p. Two points: c with probability q = 1 - (2 delta)^{1/n}, else 0, against its mirror
    image. Both show n zeros with probability 2 delta; what the estimator then says errs by at least rho_q for one of
    the two means ±rho_q, so one of the laws has probability >= delta. Three points: +c, -c, 0 with u > v against the
    mirror image; the test with the smallest average error decides by the larger count and errs with probability
    P(N+ < N-) + P(N+ = N-)/2, and an estimator closer than rho to the mean would be a test. Gaussian: `gaussian_error`;
    it is the largest for p = 2 and moderate delta. (For this family "on some law" is a supremum over the laws.)

    Parameters
    ----------
    n : int >= 1
    sigma : float in (0, inf)
    p : float in (1, 2]
    delta : float in (0, 1/2)
    families : which to use; the larger is returned
    """
    p = check_exponent("mean_estimation_lower_bound", p)
    sigma = check_positive("mean_estimation_lower_bound", "sigma", sigma)
    delta = check_probability("mean_estimation_lower_bound", "delta", delta, 0.5)
    found = []
    if "two" in families:
        found.append(float(two_point_error(-np.expm1(np.log(2 * delta) / n), sigma, p)))
    if "three" in families:
        found.append(_three_point_bound(n, sigma, p, delta))
    if "gaussian" in families:
        found.append(gaussian_error(n, sigma, p, delta))
    return max(found)


def minimax_error(n: int, sigma: float, p: float, power: int = 2) -> tuple[float, float]:
    """(value, q): max over q <= 1/2 of rho_q^power (1-q)^n <= minimax E|error|^power, power 1 or 2.       [proved]

    Averaged over the two mirror-image laws of `two_point_error`, the error on the event "n zeros" is at least rho_q
    (power 2: by convexity too). Every q gives a valid bound; the best up to 1/2 is found on a grid. Larger q speak about
    means far above sigma: for p < 2 and small n the bound then has no limit.
    """
    p = check_exponent("minimax_error", p)

    def negative(q: FloatOrArray) -> FloatOrArray:
        return -(two_point_error(q, sigma, p) ** power) * (1 - q) ** n

    q = float(lowest_point(negative, 1e-4 / n, min(0.5, 50 / n), count=101))
    return -float(negative(q)), q
