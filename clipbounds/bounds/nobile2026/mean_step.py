"""The mean of a clipped batch as a step of gradient descent: what all theorems of the second theory page share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent
from .estimator import _checked, variance_profile
from .sharp_bias import sharp_bias

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray, IntArray

GROUPS = 256  # thresholds that are summed one by one


@dataclasses.dataclass(frozen=True)
class Cells:
    """Cells [low, high] of the gradient norm, and on each of them

    ell(G) >= shift + slope G, G - omega ell(G) <= pull, and for each group of thresholds the largest variance v and reach a.

    Arrays of shape (cells,), the last two (cells, groups).
    """

    low: np.ndarray
    high: np.ndarray
    shift: np.ndarray
    slope: np.ndarray
    pull: np.ndarray
    variance: np.ndarray
    reach: np.ndarray


class MeanStep:
    """ell(G) = (1/n) sum ell_k(G), v(tau_k, G) and a(tau_k, G) of a batch, bounded on cells of the gradient norm G.

    l_k = G - beta1(tau_k - G) (`progress_of_mean`); ell_k = l_k for G <= tau_k, and for G > tau_k

        ell_k = G/omega - sqrt((G/omega - l_k)² + c_k),  c_k = min(tau_k² - (l_k)_+², sigma²).

    **Lemma.** 0 < omega <= 1, m = E ghat: ‖m - g/omega‖ <= G/omega - ell.                                     [proved]

    Proof. By the triangle inequality it is enough to show it for one sample, m = E clip X. G <= tau: ‖m - g/omega‖ <= ‖m - g‖ +
    (1/omega - 1) G <= beta1(tau - G) + (1/omega - 1) G. G > tau: ‖m‖ <= tau and <m, g/G> >= l (Lemma B1 (ii)) give
    ‖m - g/omega‖² <= tau² - 2 l G/omega + G²/omega² = (G/omega - l)² + tau² - l² (for l < 0 without the - l²). And e = m - clip g has
    ‖e‖ <= sigma and <e, g/G> >= -beta1(G - tau): with A = G/omega - tau >= 0, ‖m - g/omega‖² = (A - e_1)² + ‖e_perp‖² is at most
    (A + beta1)² + sigma² if e_1 <= A, and at most sigma² otherwise; A + beta1 = G/omega - l.

    **Variance and reach.** E‖clip X - m‖² <= v(tau, G) = min{ M^{2-p} min(sigma, M)^p, tau² - (l)_+² }, M = tau + min(G, tau), by
    `variance_profile` and E‖clip X‖² <= tau², ‖m‖ >= l. ‖clip X - m‖ <= a(tau, G) = tau + min(tau, G + beta1(tau - G)), and 2 tau
    for G > tau.                                                                                        [proved]

    **On a cell** [G1, G2] without a threshold inside. l_k is concave in G, so its chord is below it. G/omega - ell_k grows with c_k
    and falls with l_k; beyond tau_k, l_k increases with G, so c_k falls, and l_k - ell_k = sqrt(A² + c) - A with A = G/omega - l_k
    increasing falls too: its value at G1 (from the right) is the largest. A group of thresholds in [tau, tau'] is
    represented by l at tau and c = min(tau'² - (l)_+², sigma²), because l increases with tau. v takes M at G2 and l at G1, a is
    largest at G2. 2 G ell - omega ell² increases with ell up to G/omega, and ell is below that, so lower bounds of ell may be
    inserted.

    Parameters
    ----------
    thresholds : array_like, (n,), in (0, inf)
    sigma : float in [0, inf); p : float in (1, 2]; omega : float in (0, 1], L eta
    groups : int, blocks of thresholds that are treated as one; the bounds stay valid

    Raises
    ------
    ValueError
        If an argument leaves its domain.
    """

    def __init__(self, thresholds: ArrayLike, sigma: float, p: float, omega: float, groups: int = GROUPS) -> None:
        thresholds, _ = _checked("MeanStep", thresholds, 0.0, sigma)
        self.p, self.sigma, self.omega = check_exponent("MeanStep", p), float(sigma), float(omega)
        if not 0 < self.omega <= 1:
            raise ValueError(
                f"MeanStep: omega = L eta must be in (0, 1], but {omega!r} was given; take a smaller step size"
            )
        levels, repeats = np.unique(thresholds, return_counts=True)
        self.count = int(repeats.sum())
        starts = _starts(levels.size, groups)
        self.least = levels[starts]
        self.most = levels[np.append(starts[1:], levels.size) - 1]
        self.repeats = np.add.reduceat(repeats, starts).astype(np.float64)
        self.mean = float(self.repeats @ self.least) / self.count
        self.top = float(levels[-1])

    def edges(self, end: float, count: int, start: float = 1e-3) -> FloatArray:
        """Edges 0, ..., end: `count` of them on a logarithmic grid from start·end on, and the thresholds below."""
        grid = np.geomspace(start * end, end, count)
        return np.unique(np.concatenate([[0.0], grid, self.least[self.least < end]]))

    def even_edges(self, end: float, count: int) -> FloatArray:
        """Edges 0, ..., end, a third of them on a logarithmic grid, the rest evenly: near the end Psi may fall steeply."""
        return np.union1d(self.edges(end, count // 3), np.linspace(0, end, count - count // 3))

    def cells(self, low: FloatArray, high: FloatArray) -> Cells:
        """`Cells` for arrays of ends; no threshold may lie inside a cell."""
        at_low, at_high = self._progress(low), self._progress(high)
        weights = self.repeats / self.count
        start, stop = at_low @ weights, at_high @ weights
        width = high - low
        slope = np.where(width > 0, (stop - start) / np.where(width > 0, width, 1.0), 1.0)
        lost = self._lost(low, at_low) @ weights
        pull = np.maximum(high - self.omega * (stop - lost), 0.0)
        variance = np.minimum(
            variance_profile(self.most, high[:, np.newaxis], self.sigma, self.p),
            self.most**2 - np.maximum(at_low, 0.0) ** 2,
        )
        bias = sharp_bias(self.most - high[:, np.newaxis], self.sigma, self.p)
        reach = self.most + np.minimum(self.most, high[:, np.newaxis] + bias)
        reach = np.where(high[:, np.newaxis] > self.least, 2 * self.most, reach)
        return Cells(low, high, start - slope * low - lost, slope, pull, variance, reach)

    def mean_progress(self, norm: FloatOrArray) -> tuple[FloatArray, FloatArray]:
        """ell(G), and V(G) = (1/n²) sum v(tau_k, G), for the smallest thresholds of the groups; exact without groups."""
        norm = np.atleast_1d(np.asarray(norm, dtype=np.float64))
        progress = self._progress(norm)
        beyond = norm[:, np.newaxis] > self.least
        ell = progress - np.where(beyond, self._excess(norm, progress), 0.0)
        variance = np.minimum(
            variance_profile(self.least, norm[:, np.newaxis], self.sigma, self.p),
            self.least**2 - np.maximum(progress, 0.0) ** 2,
        )
        return ell @ self.repeats / self.count, variance @ self.repeats / self.count**2

    def _progress(self, norm: FloatArray) -> FloatArray:
        """l at the smallest threshold of each group, (cells, groups)."""
        norm = np.asarray(norm, dtype=np.float64)[:, np.newaxis]
        return np.minimum(norm, self.least) - sharp_bias(np.abs(self.least - norm), self.sigma, self.p)

    def _lost(self, norm: FloatArray, progress: FloatArray) -> FloatArray:
        """l - ell to the right of `norm`: 0 up to the threshold."""
        return np.where(norm[:, np.newaxis] >= self.least, self._excess(norm, progress), 0.0)

    def _excess(self, norm: FloatArray, progress: FloatArray) -> FloatArray:
        rest = np.minimum(self.most**2 - np.maximum(progress, 0.0) ** 2, self.sigma**2)
        far = norm[:, np.newaxis] / self.omega - progress
        size = far + np.hypot(far, np.sqrt(np.maximum(rest, 0.0)))
        return np.where(rest > 0, rest / np.where(size > 0, size, 1.0), 0.0)


def _starts(size: int, groups: int) -> IntArray:
    """First indices of the groups: the first half one by one, the rest in blocks of growing size."""
    if size <= groups:
        return np.arange(size)
    half = groups // 2
    return np.unique(
        np.concatenate([np.arange(half), np.round(np.geomspace(half, size - 1, groups - half)).astype(int)])
    )
