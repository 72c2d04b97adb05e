"""Theorem 3 without the objects: Phi, its convex envelope, and the largest root of the envelope."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .constants import check_exponent
from .estimator import bias_profile, variance_profile
from .search import certified_supremum, lowest_point

if TYPE_CHECKING:
    from ...array_types import ArrayLike, FloatArray, FloatOrArray, RealArray

EXACT = 256  # thresholds that are summed one by one


class Descent:
    """Phi(G) = G² - B(G)² - kappa V(G), kappa = L eta <= 1, for a batch with thresholds tau_1, ..., tau_n.

    For long schedules B and V are replaced by upper bounds, which make Phi smaller and every bound larger: b_p(tau - G)
    is convex in tau, so chords between some of the thresholds bound the others; v is nondecreasing in tau, so a block
    takes its largest threshold.

    Parameters
    ----------
    thresholds : array_like, (n,)
    sigma, p : as in `estimator.bias_bound`
    kappa : float in (0, 1], L eta
    """

    def __init__(self, thresholds: ArrayLike, sigma: float, p: float, kappa: float) -> None:
        self.p = check_exponent("Descent", p)
        self.sigma, self.kappa = float(sigma), float(kappa)
        self.count = np.size(thresholds)
        levels, repeats = np.unique(np.asarray(thresholds, dtype=np.float64), return_counts=True)
        self.mean = float(levels @ repeats) / self.count
        self.top = float(levels[-1])
        self.nodes, self.chord, self.upper = _condense(levels, repeats / self.count)

    def bias(self, norm: FloatArray) -> FloatOrArray:
        """B(G), or a slightly larger number."""
        return bias_profile(self.nodes - np.asarray(norm)[..., np.newaxis], self.sigma, self.p) @ self.chord

    def variance(self, norm: FloatArray) -> FloatOrArray:
        """V(G), or a slightly larger number."""
        profile = variance_profile(self.nodes, np.asarray(norm)[..., np.newaxis], self.sigma, self.p)
        return profile @ self.upper / self.count

    def progress(self, norm: FloatOrArray) -> FloatOrArray:
        """Phi(G); (1/T) sum E Phi(‖grad f(x_t)‖) <= 2 F0/(eta T) is the first half of Theorem 3."""
        norm = np.asarray(norm, dtype=np.float64)
        return norm**2 - self.bias(norm) ** 2 - self.kappa * self.variance(norm)

    @property
    def slope(self) -> float:
        """lim Phi(G)/G = 2 (mean tau - sigma): no bound on the mean gradient norm exists unless it is positive."""
        return 2 * (self.mean - self.sigma)

    def conjugate(self, a: float) -> float:
        """A number >= sup_{G>=0} (a G - Phi(G)) for one a in (0, slope].

        Beyond the largest threshold Phi is affine with this slope, so the search ends there. B and V are nondecreasing
        in G: their value at the right end of a cell bounds the cell.
        """

        def cell(left: FloatArray, right: FloatArray) -> FloatArray:
            return a * right - left**2 + self.bias(right) ** 2 + self.kappa * self.variance(right)

        edges = np.concatenate([[0.0], np.geomspace(1e-4 * self.top, self.top, 80)])
        return certified_supremum(cell, edges, relative=1e-5, scale=a * a)

    @cached_property
    def _sketch(self) -> tuple[FloatArray, FloatArray]:
        """Points of Phi, to choose a slope by; not a bound."""
        norms = np.concatenate([[0.0], np.geomspace(1e-4 * self.top, self.top, 300)])
        return norms, self.progress(norms)

    def inverse(self, level: ArrayLike) -> FloatArray:
        """phi^{-1}(y), the largest root of the lower convex envelope phi of Phi, from above; inf if slope <= 0.

        It is inf over a in (0, slope] of [y + sup_G (a G - Phi(G))]/a; a is chosen on points of Phi, and the supremum
        for this a is certified, so the result is an upper bound.

        Parameters
        ----------
        level : array_like of y >= 0
        """
        level = np.asarray(level, dtype=np.float64)
        if not self.slope > 0:
            return np.full(level.shape, np.inf)
        norms, values = self._sketch
        found = np.empty(level.size)
        for k, y in enumerate(level.ravel()):

            def root(a: FloatArray, y: float = y) -> FloatArray:
                return (y + np.max(np.multiply.outer(a, norms) - values, axis=-1)) / a

            a = lowest_point(root, 1e-6 * self.slope, self.slope, count=41, rounds=5)
            found[k] = (y + self.conjugate(a)) / a
        return found.reshape(level.shape)


def _condense(levels: FloatArray, weights: RealArray) -> tuple[FloatArray, RealArray, RealArray]:
    """Nodes among the thresholds, weights for chords (of a convex function), weights for upper ends (of a monotone one)."""
    if levels.size <= EXACT:
        return levels, weights, weights
    start = EXACT // 2
    picked = np.unique(np.concatenate([
        np.arange(start), np.round(np.geomspace(start, levels.size - 1, EXACT)).astype(int)
    ]))  # fmt: skip
    nodes = levels[picked]
    right = np.searchsorted(nodes, levels)  # nodes[right-1] < level <= nodes[right]
    left = np.maximum(right - 1, 0)
    width = nodes[right] - nodes[left]
    share = np.where(width > 0, (levels - nodes[left]) / np.where(width > 0, width, 1.0), 1.0)
    chord = np.bincount(right, weights * share, nodes.size) + np.bincount(left, weights * (1 - share), nodes.size)
    return nodes, chord, np.bincount(right, weights, nodes.size)
