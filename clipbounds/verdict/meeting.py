"""How fast two trajectories with the same noise meet, on average, from three facts about one step: for laws with a density.

Setting. x' = x - eta P, P the mean over a batch of norm-clipped samples; ‖·‖ comes from an inner product, the step does not stretch in
it, and z = ‖x - o‖ is the distance from a point o. At each x: D, the derivative of the step in x for fixed noise, has
E‖D v‖² <= 1 - eta mu (2 - eta L) s for every unit v, with 0 <= s <= 1; Y = <x - o, P> has E Y >= y and E Y² <= z² u; ‖P‖ <= S, so that
|Y| <= z S.

Lemma. Let N = sqrt(R² + z²), w = exp(a (N - R)) >= 1, and for b > 0
  F(b) = -b y/N + (z/N)² u (e^{bS} - 1 - bS)/S² + b eta S²/(2 N).
If sqrt(1 - eta mu (2 - eta L) s) · exp(F(2 a eta)/2) <= kappa for every x, then E[‖D v‖ w(x')] <= kappa w(x), and so
E‖x_k - x_k'‖ <= kappa^k · sup w · ‖x_0 - x_0'‖ for the same noise, sup over the segment between both starts.
Proof. N(x')² = N² - 2 eta Y + eta² ‖P‖², and sqrt(N² + t) <= N + t/(2N), so N(x') - N <= -eta Y/N + eta² S²/(2N). V = -Y/N has
V <= S, E V <= -y/N and E V² <= (z/N)² u, and (e^s - 1 - s)/s² increases with s, so E e^{bV} <= 1 + b E V + E V² (e^{bS} - 1 - bS)/S². With b = p a eta
therefore E w^p(x')/w^p <= exp F(b), for every p > 0. p = 2 and Cauchy and Schwarz give the first claim. The step is Lipschitz; where the
clipping is not differentiable, ‖g + xi‖ = c, a curve that stays there has (‖g + xi‖)' = 0 almost everywhere, and both one-sided
derivatives move it alike. So the integral of w along the segment, moved by the step, is at most kappa times what it was, in
expectation; induction, and w >= 1.

How large w is where the trajectory is. Let r = exp F(p a eta). If r <= q < 1 outside a set and e = sup (r - q) w^p/(1 - q) over the
set, then E w^p(x_s) <= e + q^s (w^p(x_0) - e), by induction. One step moves N by at most eta S, so w <= w(x_s) exp(a eta S) on the
segment between two steps from x_s.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from .capped import ORDERS

if TYPE_CHECKING:
    from ..array_types import FloatArray

OUTWARD = 1e-12  # relative; kappa is 1 - O(eta), computed to rounding
RADII = np.geomspace(0.02, 1.5, 6)  # of R, in units of the last cell's distance
SLOPES = np.geomspace(0.1, 60.0, 14)  # of a, in the inverse unit
LEVELS = np.arange(4) / 4  # of q, between the r of the last cell and 1


@dataclasses.dataclass(frozen=True)
class Cells:
    """Facts on cells that cover the space: near <= z <= far on each, far = inf on the last ones only.

    Attributes
    ----------
    near, far : (n,), distances
    share : (n,), at most s
    drift : (n,), y >= z·drift at every z of the cell
    square : (n,), at least u
    start, farthest : largest distance of x_0, and of any x of the run
    speed : S
    eta, mu, lipschitz : of the step
    """

    near: FloatArray
    far: FloatArray
    share: FloatArray
    drift: FloatArray
    square: FloatArray
    start: float
    farthest: float
    speed: float
    eta: float
    mu: float
    lipschitz: float


@dataclasses.dataclass(frozen=True)
class Weight:
    """E w^p <= level + excess·fade^s after s steps; inf where nothing is proved."""

    level: float
    excess: float = 0.0
    fade: float = 0.0


@dataclasses.dataclass(frozen=True)
class Meeting:
    """kappa of the lemma, `top` >= w, and what bounds the moments of w."""

    kappa: float
    top: float
    cells: Cells
    radius: float
    slope: float
    last: float

    def weight(self, p: float) -> Weight:
        """Bounds of E w^p(y) for all y within one step of x_s, p one of `ORDERS`; E w^p <= (E w²)^{p/2} for p < 2."""
        power = min(p / 2, 1.0)
        level, start, fade = self._moments[max(p, 2.0)]
        return Weight(level**power, max(start - level, 0.0) ** power, fade**power)

    @functools.cached_property
    def _moments(self) -> dict[float, tuple[float, float, float]]:
        """What `_moment` says of the powers from 2 on: all at once, as that takes as long as for one."""
        powers = np.array([p for p in ORDERS if p >= 2])
        found = _moment(self.cells, np.full(powers.shape, self.radius), self.slope * powers, self.last)
        return dict(zip(powers.tolist(), zip(*(v.tolist() for v in found), strict=True), strict=True))


def contraction_on(cells: Cells, last: float) -> Meeting | None:
    """The best `Meeting` that the lemma gives on the cells for about `last` steps, or None where it gives none."""
    unit = float(cells.near.max())
    if not (unit > 0 and cells.mu > 0 and cells.eta * cells.lipschitz <= 2):
        return None
    stretch = np.sqrt(1 - cells.eta * cells.mu * (2 - cells.eta * cells.lipschitz) * cells.share)
    radius, slope = (v.ravel() for v in np.meshgrid(unit * RADII, SLOPES / unit))
    with np.errstate(over="ignore"):
        kappa = (stretch[:, np.newaxis] * np.exp(0.5 * _exponent(cells, radius, 2 * slope))).max(axis=0) * (1 + OUTWARD)
    with np.errstate(over="ignore", invalid="ignore"):
        level, start, fade = _moment(cells, radius, 2 * slope, last)
        mean = level + np.maximum(start - level, 0.0) / (1 + (1 - fade) * last)  # about the mean over the run
        cost = np.where(kappa < 1, np.sqrt(mean) / (1 - kappa), np.inf)
        best = int(np.argmin(cost))
        if not np.isfinite(cost[best]):
            return None
        R, a = float(radius[best]), float(slope[best])
        top = float(np.exp(a * (np.hypot(R, cells.farthest) - R)))
    return Meeting(float(kappa[best]), top, cells, R, a, last)


def _exponent(cells: Cells, radius: FloatArray, slope: FloatArray) -> FloatArray:
    """F(eta·slope), (cells, candidates): at least."""
    near, far, drift = (v[:, np.newaxis] for v in (cells.near, cells.far, cells.drift))
    least, b, speed = np.hypot(radius, near), cells.eta * slope, cells.speed
    with np.errstate(invalid="ignore", over="ignore"):
        # z/N increases with z
        first, last = near / least, np.where(np.isfinite(far), far / np.hypot(radius, far), 1.0)
        towards = -b * drift * np.where(drift >= 0, first, last)
        spread = last**2 * cells.square[:, np.newaxis] * (np.expm1(b * speed) - b * speed) / speed**2
        return towards + spread + b * cells.eta * speed**2 / (2 * least)


def _moment(
    cells: Cells, radius: FloatArray, slope: FloatArray, last: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(level, start, fade): E exp(slope (N(y) - R)) <= level + fade^s (start - level)^+ for y within one step of x_s, a candidate each."""
    with np.errstate(over="ignore", invalid="ignore"):
        r = np.exp(_exponent(cells, radius, slope)) * (1 + OUTWARD)
        w = np.exp(slope * (np.hypot(radius, cells.far[:, np.newaxis]) - radius))
        start = np.exp(slope * (np.hypot(radius, cells.start) - radius))
        outside = r[~np.isfinite(cells.far)].max(axis=0)
        best, fade, cheapest = (np.full(radius.shape, np.inf) for _ in range(3))
        for share in LEVELS:
            q = outside + share * (1 - outside)
            level = np.where(r > q, (r - q) * w, 0.0).max(axis=0) / (1 - q)
            cost = np.where(q < 1, level + np.maximum(start - level, 0.0) / (1 + (1 - q) * last), np.inf)
            better = cost < cheapest
            best, fade, cheapest = (
                np.where(better, new, old) for new, old in ((level, best), (q, fade), (cost, cheapest))
            )
        step = np.exp(slope * cells.eta * cells.speed) * (1 + 1e-9)
        return best * step, start * step, fade
