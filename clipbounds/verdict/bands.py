"""Confidence bands for means.

Every function takes the confidence of one band at one place. `split` turns an overall confidence into that of each of
several bands (Bonferroni), so that all of them hold together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import Interval
from .wealth import Wealth

if TYPE_CHECKING:
    from typing import Any

    from ..array_types import ArrayLike, BoolArray, FloatArray

CONFIDENCE = Interval(0, 1)
SHARE = 0.1  # of the sample variance: the most that one trajectory may carry where a normal band is used


def check_confidence(confidence: Any) -> float:
    """`confidence` as a float in (0, 1), or ValueError."""
    number = isinstance(confidence, (int, float, np.integer, np.floating)) and not isinstance(confidence, bool)
    if not number or not CONFIDENCE.contains(confidence):
        raise ValueError(f"confidence must be a number in (0, 1), such as 0.999, but {confidence!r} was given")
    return float(confidence)


def error_of(confidence: float | None, error: float | None = None) -> float:
    """1 - confidence, or `error` itself: parts of an error below 1e-16 cannot be written as a confidence."""
    if error is None:
        return 1 - check_confidence(confidence)
    if not 0 < error < 1:
        raise ValueError(f"error must be a number in (0, 1), such as 0.001, but {error!r} was given")
    return float(error)


def split(confidence: float, parts: int) -> float:
    """The confidence of each of `parts` bands that hold together at `confidence`: 1 - (1 - confidence)/parts."""
    return 1 - (1 - check_confidence(confidence)) / max(int(parts), 1)


def _check_sides(sides: int) -> None:
    if sides not in (1, 2):
        raise ValueError(f"sides must be 1 (each limit alone) or 2 (both together), but {sides!r} was given")


def empirical_bernstein(
    count: int,
    mean: ArrayLike,
    variance: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    confidence: float | None = None,
    sides: int = 2,
    *,
    error: float | None = None,
) -> tuple[FloatArray, FloatArray]:
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
    error : float in (0, 1), 1 - confidence, instead of it

    Returns
    -------
    (lower, upper) : arrays, within [low, high]

    Raises
    ------
    ValueError
        If the confidence is outside (0, 1) or `sides` is neither 1 nor 2.
    """
    delta = error_of(confidence, error)
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


def normal(
    count: int,
    mean: ArrayLike,
    variance: ArrayLike,
    confidence: float | None = None,
    sides: int = 2,
    *,
    error: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Asymptotic band mean ± z sqrt(variance/count): only where the variance of the quantity is known to be finite.

    Its error rate tends to 1 - confidence as count grows (central limit theorem, Slutsky); at no count is it proved.
    Arguments as in `empirical_bernstein`. It lies inside that function's band, because z <= sqrt(2 ln(1/delta)).
    """
    from scipy.special import ndtri

    delta = error_of(confidence, error)
    _check_sides(sides)
    mean, variance = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if count < 2:
        return np.full(mean.shape, -np.inf), np.full(mean.shape, np.inf)
    half = -ndtri(delta / sides) * np.sqrt(variance / count)
    return mean - half, mean + half


def shows_its_variance(
    count: int, mean: FloatArray, variance: FloatArray, smallest: FloatArray, largest: FloatArray
) -> BoolArray:
    """Whether no value carries more than a tenth of the sample variance, and not all are equal: the guard of normal bands.

    Where it is False, the sample does not show where its variance comes from, and the central limit theorem may be far away.
    """
    return _carried(count, mean, variance, smallest, largest) <= SHARE


def _carried(
    count: int, mean: FloatArray, variance: FloatArray, smallest: FloatArray, largest: FloatArray
) -> FloatArray:
    """The share of the sample variance that the farthest value carries; nan where there is none, as all values are equal."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        farthest = np.fmax(largest - mean, mean - smallest)
        return np.where(farthest > 1e-9 * np.abs(mean), farthest**2 / ((count - 1) * variance), np.nan)


def carried(values: ArrayLike) -> FloatArray:
    """What the guard of `guarded_normal` looks at: the share of the sample variance along the last axis that one value carries.

    The band is refused where it is above `SHARE`, and where it is nan: fewer than two values, or all equal.
    """
    values = np.asarray(values, dtype=np.float64)
    n, mean = values.shape[-1], values.mean(axis=-1)
    variance = values.var(axis=-1, ddof=1) if n > 1 else np.full(mean.shape, np.nan)
    return _carried(n, mean, variance, values.min(axis=-1), values.max(axis=-1))


def guarded_normal(
    values: ArrayLike, confidence: float | None = None, sides: int = 2, *, error: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """`normal` for the mean along the last axis, (-inf, inf) where `shows_its_variance` refuses it: for figures and shown ratios.

    It assumes a finite variance and rests on the central limit theorem, as `normal` does; the guard is no proof. Verdicts
    on bounds have bands that are proved (`compare`).

    Parameters
    ----------
    values : array_like, (..., n)
    confidence, sides, error : as in `empirical_bernstein`
    """
    values = np.asarray(values, dtype=np.float64)
    n = values.shape[-1]
    with np.errstate(invalid="ignore", over="ignore"):  # values that are infinite, or whose squares are: no band
        mean = values.mean(axis=-1)
        variance = values.var(axis=-1, ddof=1) if n > 1 else np.full(mean.shape, np.nan)
        shown = carried(values) <= SHARE
        low, high = normal(n, mean, variance, confidence, sides, error=error)
    return np.where(shown, low, -np.inf), np.where(shown, high, np.inf)


def betting(
    values: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    confidence: float | None = None,
    sides: int = 2,
    *,
    error: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Finite-sample band for the mean of independent variables in [low, high] by betting: see `wealth`, where it is proved.

    Parameters
    ----------
    values : array_like, (..., n), independent along the last axis; their order must not depend on their values
    low, high : array_like, (...), proved range; where an end is infinite, so is its limit
    confidence, sides, error : as in `empirical_bernstein`

    Returns
    -------
    (lower, upper) : arrays of shape (...)
    """
    _check_sides(sides)
    side = error_of(confidence, error) / sides
    values = np.asarray(values, dtype=np.float64)
    shape = values.shape[:-1]
    low, high = (np.broadcast_to(np.asarray(v, dtype=np.float64), shape) for v in (low, high))
    lower, upper = low.copy(), high.copy()
    for index in np.ndindex(shape):
        x, a, b = values[index], low[index], high[index]
        if b > a and np.all(np.isfinite(x)):
            prior = 0.25 * (b - a) ** 2
            lower[index] = Wealth(np.minimum(x, b), side, a, prior=prior).limit()
            upper[index] = -Wealth(-np.maximum(x, a), side, -b, prior=prior).limit()
    return lower, upper
