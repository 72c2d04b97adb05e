"""Confidence bands for means.

Every function takes the confidence of one band at one place. `split` turns an overall confidence into that of each of
several bands (Bonferroni), so that all of them hold together.
"""

import numpy as np

from ..specs import Interval

CONFIDENCE = Interval(0, 1)


def check_confidence(confidence):
    """`confidence` as a float in (0, 1), or ValueError."""
    if isinstance(confidence, bool) or not np.isreal(confidence) or not CONFIDENCE.contains(confidence):
        raise ValueError(f"confidence must be a number in (0, 1), such as 0.999, but {confidence!r} was given")
    return float(confidence)


def split(confidence, parts):
    """The confidence of each of `parts` bands that hold together at `confidence`: 1 - (1 - confidence)/parts."""
    return 1 - (1 - check_confidence(confidence)) / max(int(parts), 1)


def _check_sides(sides):
    if sides not in (1, 2):
        raise ValueError(f"sides must be 1 (each limit alone) or 2 (both together), but {sides!r} was given")


def empirical_bernstein(count, mean, variance, low, high, confidence, sides=2):
    """Finite-sample band for the mean of independent variables in [low, high], from count, mean and variance.

    Theorem (Maurer and Pontil 2009, Theorem 4). X_1..X_n independent in [0, 1], n >= 2, V their sample variance (with
    divisor n - 1). With probability at least 1 - delta,
    E mean - mean <= sqrt(2 V ln(2/delta)/n) + 7 ln(2/delta)/(3(n - 1)).
    The same holds for mean - E mean by exchanging X and 1 - X; another range multiplies the last term by its width.

    Parameters
    ----------
    count : int, n
    mean, variance : array_like, sample mean and variance (divisor n - 1)
    low, high : array_like, proved range; an infinite end gives infinite limits
    confidence : float in (0, 1)
    sides : 2: both limits hold together with `confidence`; 1: each of them alone does

    Returns
    -------
    (lower, upper) : arrays, within [low, high]

    Raises
    ------
    ValueError
        If the confidence is outside (0, 1) or `sides` is neither 1 nor 2.
    """
    delta = 1 - check_confidence(confidence)
    _check_sides(sides)
    mean, variance, low, high = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (mean, variance, low, high))
    )
    if count < 2:
        return low.copy(), high.copy()
    log_term = np.log(2 * sides / delta)
    with np.errstate(invalid="ignore", over="ignore"):
        half = np.sqrt(2 * variance * log_term / count) + 7 * (high - low) * log_term / (3 * (count - 1))
        return np.fmax(mean - half, low), np.fmin(mean + half, high)


def normal(count, mean, variance, confidence, sides=2):
    """Asymptotic band mean ± z sqrt(variance/count): only where the variance of the quantity is known to be finite.

    Its error rate tends to 1 - confidence as count grows (central limit theorem, Slutsky); at no count is it proved.
    Arguments as in `empirical_bernstein`. It lies inside that function's band, because z <= sqrt(2 ln(1/delta)).
    """
    from scipy.special import ndtri

    delta = 1 - check_confidence(confidence)
    _check_sides(sides)
    mean, variance = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if count < 2:
        return np.full(mean.shape, -np.inf), np.full(mean.shape, np.inf)
    half = -ndtri(delta / sides) * np.sqrt(variance / count)
    return mean - half, mean + half


def betting(values, low, high, confidence, sides=2, bisections=50):
    """Finite-sample band for the mean of independent variables in [low, high] by betting.

    Theorem (after Waudby-Smith and Ramdas 2024, Theorem 3 and section 4). Let X_i be in [0, 1] with common mean mu given
    the past, and bet a predictable lambda_i in [0, 1/(2m)] against "the mean is m": K_t(m) = prod_{i<=t} (1 + lambda_i (X_i - m)).
    K_t(mu) is a non-negative martingale that starts at 1, so P(max_t K_t(mu) >= 1/delta) <= delta (Ville). Each factor
    with lambda_i = min(lambda'_i, 1/(2m)) decreases in m, so {m: max_t K_t(m) < 1/delta} is an interval (l, 1] and
    bisection finds l: mu >= l with probability at least 1 - delta. The upper limit is the same for 1 - X.
    Used bets: lambda'_i = sqrt(2 ln(1/delta)/(n s²_{i-1})), s² the running variance with the prior observation 1/2.

    Parameters
    ----------
    values : array_like, (..., n), independent along the last axis; their order must not depend on their values
    low, high : array_like, (...), proved finite range; infinite ends give infinite limits
    confidence, sides : as in `empirical_bernstein`

    Returns
    -------
    (lower, upper) : arrays of shape (...)
    """
    _check_sides(sides)
    delta = (1 - check_confidence(confidence)) / sides
    values = np.asarray(values, dtype=np.float64)
    shape = values.shape[:-1]
    low, high = (np.broadcast_to(np.asarray(v, dtype=np.float64), shape) for v in (low, high))
    lower, upper = low.copy(), high.copy()
    for index in np.ndindex(shape):
        a, b = low[index], high[index]
        if np.isfinite(b - a) and b > a and np.all(np.isfinite(values[index])):
            unit = np.clip((values[index] - a) / (b - a), 0.0, 1.0)  # rounding only: the range is proved
            lower[index] = a + (b - a) * _lower_limit(unit, delta, bisections)
            upper[index] = b - (b - a) * _lower_limit(1 - unit, delta, bisections)
    return lower, upper


def _lower_limit(x, delta, bisections):
    """sup of the means that the bets on a larger mean reject, for x of shape (n,) in [0, 1]; rounded down."""
    n = x.size
    index = np.arange(1, n + 1)
    centre = (0.5 + np.cumsum(x)) / (index + 1)
    spread = (0.25 + np.cumsum(np.square(x - centre))) / (index + 1)
    bets = np.sqrt(2 * np.log(1 / delta) / (n * np.concatenate([[0.25], spread[:-1]])))
    target = -np.log(delta)
    left, right = 0.0, 1.0
    for _ in range(bisections):
        m = 0.5 * (left + right)
        wealth = np.cumsum(np.log1p(np.minimum(bets, 0.5 / m) * (x - m)))
        if wealth.max() >= target:
            left = m
        else:
            right = m
    return left
