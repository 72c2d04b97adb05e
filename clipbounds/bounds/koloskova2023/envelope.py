"""A certified lower envelope of Psi* over all gradient norms, and the smallest mean gradient norm that it leaves room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...worst_case import clipping_bias, drift, one_step

if TYPE_CHECKING:
    from ...array_types import FloatArray, FloatOrArray
    from .common import Constants

MARGIN = 1e-12  # of the size of the summands: pays for the rounding of the evaluation
GROWTH = 1.25  # ratio of neighbouring edges at the start
FARTHEST = 1e90  # in units of c + sigma
TOLERANCE = 2e-4  # of the bound: the cells that matter are cut until the slack is this small
ROUNDS, LARGEST_TABLE = 60, 60_000


def lower_drift(u: FloatOrArray, c: float, sigma: float, p: float) -> FloatOrArray:
    """A lower bound of the worst-case drift m_p at every norm >= u (m_p does not decrease), in closed form."""
    if p == 2:
        return drift(u, c, sigma)
    far = c * (u + c - sigma) / (u + c)  # for u >= c, see `worst_case.floor`
    return np.maximum(np.maximum(u - clipping_bias(c - u, sigma, p), -c), np.where(u >= c, far, -c)) - MARGIN * (u + c)


class Envelope:
    """Psi*(u) >= value_i + slope_i (u - edge_i) on each cell [edge_i, edge_{i+1}], for kappa(u) = eta(L0 + L1 u)/2.

    **Slope.** For u <= w' <= w take a law Y for w', v = clip_c(Y), and shift it by w' - u = d: delta = v - clip_c(Y - d) is in
    [0, d], and with kappa = kappa(u)

        psi_{w'}(Y) - psi_u(Y - d) = d v + u delta - kappa(2 v delta - delta²) - (eta L1 d/2) v²
                                  >= d v + delta(u - 2 kappa v) - (eta L1 d/2) v².

    E v >= m_p(w') >= m_p(u). E[delta(2 kappa v - u)] is at most d(2 kappa c - u)_+, and at most 2 kappa d E v_+ <= 2 kappa d min(c, w + sigma/2),
    as E Y_+ <= w' + E(Y-w')_+ <= w' + sigma/2. E v² <= min(c², w² + sigma²) for p = 2 and min(c², c^{2-p}(w + sigma)^p) in general. So
    Psi*(w') >= Psi*(u) + d slope with slope = m_p(u) - min{(2 kappa c - u)_+, 2 kappa min(c, w + sigma/2)} - (eta L1/2) max E v².

    **Tail.** Beyond the last edge U, Psi*(u) >= u m_p(u) - kappa(u) c² >= u(m_p(U) - eta L1 c²/2) - eta L0 c²/2: a line through the last
    corner, which no slope lam <= `steepest` meets above it.

    Parameters
    ----------
    k : Constants
    sigma, p : float
    small : float > 0, a gradient norm far below those that matter
    """

    def __init__(self, k: Constants, sigma: float, p: float, small: float) -> None:
        self.k, self.sigma, self.p = k, sigma, p
        scale = k.c + sigma
        # the tail must leave slopes up to c v/(c+v), v ~ scale, and some room: m_p(U) >= c - (c - c v/(c+v))/100
        wanted = 0.01 * k.c * k.c / (k.c + scale)
        decades = np.geomspace(10 * scale, FARTHEST * scale, 200)
        enough = k.c - lower_drift(decades, k.c, sigma, p) <= wanted
        last = decades[int(np.argmax(enough)) if np.any(enough) else -1]
        small = min(small, 0.1 * last)  # a budget may be so large that nothing below the tail matters
        count = int(np.log(last / small) / np.log(GROWTH)) + 2
        self._fill(np.concatenate([[0.0], np.geomspace(small, last, count)]))

    def _kappa(self, u: FloatOrArray) -> FloatOrArray:
        return 0.5 * self.k.eta * (self.k.L0 + self.k.L1 * u)

    def _values(self, u: FloatArray) -> FloatArray:
        return one_step(u, self.k.c, self.sigma, self._kappa(u), self.p)

    def _fill(self, edges: FloatArray) -> None:
        self.edges, self.values = edges, self._values(edges)
        self._slopes()

    def _slopes(self) -> None:
        k, sigma, p = self.k, self.sigma, self.p
        a, b = self.edges[:-1], self.edges[1:]
        kappa, m = self._kappa(a), lower_drift(a, k.c, sigma, p)
        bend = np.minimum(np.maximum(2 * kappa * k.c - a, 0.0), 2 * kappa * np.minimum(k.c, b + 0.5 * sigma))
        second = b * b + sigma**2 if p == 2 else k.c ** (2 - p) * (b + sigma) ** p
        slope = m - bend - 0.5 * k.eta * k.L1 * np.minimum(k.c**2, second)
        self.corners = self.values[:-1] + (b - a) * slope
        last = self.edges[-1]
        tail = float(lower_drift(last, k.c, sigma, p))
        self.steepest = (tail - 0.5 * k.eta * k.L1 * k.c**2) * (1 - 1e-9)
        self.end = last * tail - float(self._kappa(last)) * k.c**2

    def least_on(self, edges: FloatArray) -> FloatArray:
        """A lower bound of Psi* on each cell of increasing edges, of which the first is 0; cells of its own are replaced."""
        self._fill(edges)
        size = edges[1:] + np.abs(self.values[:-1]) + np.abs(self.corners)
        return np.minimum(self.values[:-1], self.corners) - MARGIN * size

    def _least(self, budget: float, u: FloatArray, value: FloatArray) -> tuple[float, float]:
        """min over theta >= 1/steepest of max_i [u_i + (budget - value_i) theta], and the theta: convex in theta."""
        slope = budget - value
        low, high = 1 / self.steepest, np.inf
        theta = low
        for _ in range(200):
            active = np.argmax(u + slope * theta)
            if slope[active] >= 0:
                high = theta
            else:
                low = theta
            if high <= low * (1 + 1e-13):
                break
            theta = 2 * low if high == np.inf else np.sqrt(low * high)
        margin = MARGIN * (u + (budget + np.abs(value)) * theta)
        return float(np.max(u + slope * theta + margin)), theta

    def bound(self, budget: float) -> float:
        """inf over lam of [budget + sup_u(lam u - Psi*(u))]/lam, rounded up.

        With theta = 1/lam this is min_theta sup_u [u + (budget - Psi*(u)) theta]. On a cell the envelope is affine, so its two
        ends decide. Cells whose right end exceeds what the left ends prove to be needed are cut.
        """
        if not self.steepest > 0:
            return np.inf
        for _ in range(ROUNDS):
            left, right = self.edges, self.edges[1:]
            u = np.concatenate([left, right, right[-1:]])
            value = np.concatenate([self.values, self.corners, [self.end]])
            upper, theta = self._least(budget, u, value)
            needed, _ = self._least(budget, left, self.values)
            if upper <= needed * (1 + TOLERANCE) or self.edges.size > LARGEST_TABLE:
                break
            reach = right + (budget - self.corners) * theta
            excess = reach - (left + (budget - self.values) * theta)[1:]  # of a cell's line at its right end
            slack = 0.25 * TOLERANCE * needed
            loose = np.flatnonzero((reach > needed + 0.25 * (upper - needed)) & (excess > slack))
            if loose.size == 0:
                break
            pieces = 1 + np.arange(3)
            new = left[loose, np.newaxis] + (right - left[:-1])[loose, np.newaxis] * pieces / 4
            self._insert(new.ravel())
        return upper

    def highest(self, slope: float) -> float:
        """sup over u >= 0 of slope·u - Psi*(u), rounded up; inf for slopes above `steepest`. Cells are cut as in `bound`."""
        if not slope <= self.steepest:
            return np.inf
        for _ in range(ROUNDS):
            left, right = slope * self.edges - self.values, slope * self.edges[1:] - self.corners
            upper = max(left.max(), right.max(), slope * self.edges[-1] - self.end)
            slack = TOLERANCE * (left.max() + slope * self.edges[1])
            loose = np.flatnonzero(
                (right > left.max() + 0.25 * (upper - left.max())) & (right - left[1:] > 0.25 * slack)
            )
            if upper <= left.max() + slack or self.edges.size > LARGEST_TABLE or loose.size == 0:
                break
            width = np.diff(self.edges)[loose]
            self._insert((self.edges[loose, np.newaxis] + width[:, np.newaxis] * np.arange(1, 4) / 4).ravel())
        size = slope * self.edges[-1] + abs(self.end)
        return float(upper + MARGIN * (size if upper == slope * self.edges[-1] - self.end else self._size(slope)))

    def _size(self, slope: float) -> float:
        """Of the summands at the edge where slope·u - Psi*(u) is largest: what rounding errors are relative to."""
        most = int(np.argmax(slope * self.edges - self.values))
        at = min(most + 1, self.edges.size - 1)
        return float(slope * self.edges[at] + np.abs(self.values[most : at + 1]).max())

    def _insert(self, new: FloatArray) -> None:
        edges = np.concatenate([self.edges, new])
        values = np.concatenate([self.values, self._values(new)])
        self.edges, where = np.unique(edges, return_index=True)
        self.values = values[where]
        self._slopes()
