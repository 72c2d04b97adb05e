"""The tail index of measured norms by Hill's estimator, with an interval, and the words for what it does not show.

For X with P(X > x) = C x^{-alpha}(1 + o(1)) and the k + 1 largest of n values, 1/alpha is estimated by the mean of ln X_(i) - ln X_(k+1)
(Hill 1975); k alpha/alpha_hat has exactly a gamma law for Pareto values. That interval is honest about chance, not about
bias: where the tail is no power beyond X_(k+1), alpha_hat means nothing. So (i) k is chosen where the estimates agree,
the largest k <= n/10 for which those of smaller k differ by chance only; (ii) the interval is the hull of those for
k, k/2, k/4, .. >= 20, as less bias is left further out; (iii) "no evidence of a heavy tail" is said where it reaches `LIGHT`.
Coverage by simulation stands in the docs: it fails where the second term of the tail decays slowly, as for stable laws near 2.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from .bands import error_of

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray, IntArray

LIGHT = 4.0  # a tail index above this is no heavy tail here: E X² and more is finite with room
FEWEST = 20  # of the largest values


@dataclasses.dataclass(frozen=True)
class TailIndex:
    """Hill's estimate. `index`, `low`, `high`: alpha and its interval; `k` of `count` values were used; `k_all`, `all`: the Hill plot."""

    index: float
    low: float
    high: float
    k: int
    count: int
    confidence: float
    k_all: np.ndarray = dataclasses.field(repr=False)
    all: np.ndarray = dataclasses.field(repr=False)

    @property
    def heavy(self) -> bool:
        """Whether the whole interval is below `LIGHT`."""
        return self.high < LIGHT

    def __str__(self) -> str:
        if not self.heavy:
            return f"no evidence of a heavy tail (Hill {self.index:.3g}, {self.confidence:g} interval [{self.low:.3g}, {self.high:.3g}], k = {self.k})"
        return f"tail index {self.index:.3g}, {self.confidence:g} interval [{self.low:.3g}, {self.high:.3g}], k = {self.k} of {self.count}"


def hill(values: ArrayLike, confidence: float = 0.95, k: int | None = None) -> TailIndex:
    """Hill's tail index of positive values.

    Parameters
    ----------
    values : array_like, independent; values <= 0 and nan are left out
    confidence : float in (0, 1)
    k : int, how many of the largest values are used; chosen by default (module docstring)

    Returns
    -------
    TailIndex

    Raises
    ------
    ValueError
        If there are fewer than 50 positive values, k is outside [2, n - 1], or the k + 1 largest are all equal.
    """
    from scipy.special import gammaincinv

    error = error_of(confidence)
    x = np.asarray(values, dtype=np.float64).ravel()
    x = np.sort(x[np.isfinite(x) & (x > 0)])[::-1]
    if x.size < 50:
        raise ValueError(f"hill: at least 50 positive values are needed for a tail index, but {x.size} were given")
    logs = np.log(x)
    ks = np.arange(1, x.size)
    excess = np.cumsum(logs)[:-1] / ks - logs[1:]
    # the sum of j logs is rounded j times; an excess below that is none
    excess[excess <= np.finfo(float).eps * ks * np.abs(logs).max()] = 0.0
    with np.errstate(divide="ignore"):
        estimates = 1 / excess
    if k is None:
        k = _choose(ks, estimates, x.size)
    elif not 2 <= k < x.size:
        raise ValueError(f"hill: k must be an integer in [2, {x.size - 1}], but {k!r} was given")
    found = float(estimates[k - 1])
    if not np.isfinite(found):
        raise ValueError(
            f"hill: the {k + 1} largest values are equal, as after clipping, and show no tail; give norms before clipping"
        )
    rows = [k] + [k >> j for j in range(1, 64) if k >> j >= FEWEST]
    low, high = (
        pick(estimates[j - 1] * gammaincinv(j, q) / j for j in rows)
        for pick, q in ((min, error / 2), (max, 1 - error / 2))
    )
    return TailIndex(found, float(low), float(high), int(k), x.size, confidence, ks, estimates)


def _choose(ks: IntArray, estimates: FloatArray, count: int) -> int:
    """Largest k <= n/10 for which all estimates for FEWEST <= j < k lie within two standard errors alpha/sqrt j of the one for k."""
    last = max(count // 10, FEWEST)
    ks, estimates = ks[FEWEST - 1 : last].astype(float), estimates[FEWEST - 1 : last]
    with np.errstate(invalid="ignore"):
        low = np.maximum.accumulate(estimates / (1 + 2 / np.sqrt(ks)))
        high = np.minimum.accumulate(estimates / np.maximum(1 - 2 / np.sqrt(ks), 1e-9))
        fits = (low <= estimates) & (estimates <= high)
    end = np.argmin(fits) if not fits.all() else len(fits)
    return int(ks[max(int(end) - 1, 0)])
