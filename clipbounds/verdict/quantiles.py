"""Confidence limits for quantiles, for any law: order statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..specs import Interval
from .bands import _check_sides, error_of

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray


def quantile_ranks(
    count: int, level: float, confidence: float | None = None, sides: int = 2, *, error: float | None = None
) -> tuple[int, int]:
    """Ranks (l, k), counted from 1, of the order statistics that enclose a quantile; 0 or count + 1 where none does.

    Theorem. X_1..X_n independent with one law, q its level-quantile, P(X < q) <= level <= P(X <= q). The number of
    X_i < q is stochastically at most Bin(n, level) and the number of X_i <= q at least. So P(X_(k) < q) <=
    P(Bin >= k) and P(X_(l) > q) <= P(Bin <= l - 1). The smallest k and the largest l that keep these below
    delta = (1 - confidence)/sides are returned. Exact for a continuous law.
    """
    from scipy.special import bdtr

    _check_sides(sides)
    delta = error_of(confidence, error) / sides
    if not Interval(0, 1).contains(level):
        raise ValueError(f"the level of a quantile must be in (0, 1), but {level!r} was given")
    below = bdtr(np.arange(count + 1, dtype=np.float64), count, level)  # P(Bin <= j)
    # 1 - cdf cancels in the upper tail; there the number of failures has the accurate lower tail
    above = bdtr(np.arange(count, -1, -1, dtype=np.float64), count, 1 - level)  # P(Bin >= j), j = 0..count
    enough = np.flatnonzero(above[1:] <= delta)
    few = np.flatnonzero(below[:-1] <= delta)
    return (int(few[-1]) + 1 if few.size else 0), (int(enough[0]) + 1 if enough.size else count + 1)


def quantile_limits(
    values: ArrayLike, level: float, confidence: float | None = None, sides: int = 2, *, error: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Confidence limits for the level-quantile of independent values along the last axis.

    Where the sample is too small for a limit, the limit is infinite: the smallest count with a finite upper limit is
    ln(delta)/ln(level). Needs no moment.

    Parameters
    ----------
    values : array_like, (..., n); infinite values are allowed, nan counts as +inf
    level : float in (0, 1)
    confidence, sides, error : as in `bands.empirical_bernstein`

    Returns
    -------
    (lower, upper) : arrays of shape (...)
    """
    values = np.asarray(values, dtype=np.float64)
    lower_rank, upper_rank = quantile_ranks(values.shape[-1], level, confidence, sides, error=error)
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=-1)
    infinite = np.full(values.shape[:-1], np.inf)
    lower = ordered[..., lower_rank - 1] if lower_rank >= 1 else -infinite
    upper = ordered[..., upper_rank - 1] if upper_rank <= values.shape[-1] else infinite
    return lower, upper
