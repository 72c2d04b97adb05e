"""Exact confidence limits for a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .bands import _check_sides, error_of

if TYPE_CHECKING:
    from ..array_types import FloatArray, FloatOrArray


def clopper_pearson(
    successes: FloatOrArray,
    trials: FloatOrArray,
    confidence: float | None = None,
    sides: int = 2,
    *,
    error: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Limits for the success probability of `trials` independent trials.

    Theorem (Clopper and Pearson 1934). With delta = (1 - confidence)/sides the lower limit solves
    P(Bin(n, p) >= k) = delta (0 for k = 0), the upper limit P(Bin(n, p) <= k) = delta (1 for k = n); each fails with
    probability at most delta, for every p and n.

    Parameters
    ----------
    successes : array_like of int, k in [0, trials]
    trials : int n >= 1
    confidence : float in (0, 1)
    sides : 2: both limits hold together with `confidence`; 1: each of them alone does
    error : float in (0, 1), 1 - confidence, instead of it

    Returns
    -------
    (lower, upper) : arrays of the shape of `successes`

    Raises
    ------
    ValueError
        If successes are outside [0, trials].
    """
    from scipy.special import betainccinv, betaincinv

    delta = error_of(confidence, error)
    _check_sides(sides)
    k = np.asarray(successes)
    if trials < 1 or np.any(k < 0) or np.any(k > trials):
        raise ValueError(
            f"successes must lie in [0, trials] and trials be >= 1, but {successes!r} of {trials!r} was given"
        )
    tail = delta / sides
    lower = np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), trials - np.maximum(k, 1) + 1, tail))
    inner = np.minimum(k, trials - 1)
    upper = np.where(k == trials, 1.0, betainccinv(inner + 1, trials - inner, tail))
    return lower, upper
