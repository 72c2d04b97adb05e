"""How fast two trajectories with the same noise meet, on average: clipped steps on the line under noise with atoms.

Lemma. f convex on the line, f'' >= mu (almost everywhere), eta L <= 1, Phi(z) = z - eta P_c(f'(z) + xi), G an interval that no
trajectory leaves, w: G -> [1, W] and kappa < 1 with E[Phi'(z) w(Phi(z))] <= kappa w(z) for almost every z in G. Then two
trajectories that start at a, b in G and see the same noise satisfy E|x_k - y_k| <= W kappa^k |a - b|.
Proof. Phi does not decrease, so the integral of w from Phi(a) to Phi(b) is that of w(Phi(z)) Phi'(z) over [a, b], at
most kappa times that of w in expectation; induction, and 1 <= w <= W.

Choice of w. Phi'(z) = 1 - eta f''(z) where f'(z) + xi is not clipped, else 1. On a core C around the point where E P_c = 0 the
noise leaves enough samples unclipped; outside it the drift goes inwards, and w(z) = exp(a dist(z, C)) turns the drift into a
contraction. `contraction` searches a and C; for each it bounds the ratio E[Phi' w(Phi)]/w on cells that cover G:
f'(z) + xi between its values at the ends of the cell, unclipped only if it is at both; the distance to C changes by at
most eta P_c(f'(z) + xi) to the left and its negative to the right, an inward change counting only where the cell is
eta c or more away from C. C is wider than two steps and a cell, so that a step from a cell within eta c of its left end
does not pass its right end: one direction a cell is enough.

How large w is where the trajectory is. If E w²(Phi(z)) <= r w²(z) where z is far from C, r < 1, and E w²(Phi(z)) - r w²(z) <= b
elsewhere, then E w²(x_s) <= max(w²(x_0), b/(1 - r)) for all s: usually little more than 1.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from ..clipping import NormClip
from ..methods import ClippedSGD
from .meeting import Weight
from .ranges import constants, interval, on_a_line

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods.base import Setting

MOST_CELLS = 2**17
OUTWARD = 1e-12  # relative; the ratio is 1 - O(eta), computed to rounding


@dataclasses.dataclass(frozen=True)
class Contraction:
    """kappa and W = `top` of the lemma; `square` >= E w²(y) for all y within one step of any x_s."""

    kappa: float
    top: float
    square: float

    def weight(self, p: float) -> Weight:
        """Bounds of E w^p(y) for all y within one step of any x_s."""
        return Weight(self.square ** (p / 2) if p <= 2 else self.square * self.top ** (p - 2))


@functools.lru_cache(maxsize=64)
def contraction(setting: Setting, last: float) -> Contraction | None:
    """The `Contraction` for trajectories of `last` steps, or None where none is found."""
    problem, method, noise = setting.problem, setting.method, setting.noise
    if not (type(method) is ClippedSGD and type(method.operator) is NormClip and on_a_line(setting)):
        return None
    if (
        method.scheduled
        or method.momentum != 0
        or method.batch_size != 1
        or not noise.additive
        or noise.radial
        or noise.along is not None
    ):
        return None
    lipschitz, eta, c, mu = constants(problem)[0], method.step_size, method.operator.threshold, problem.strong_convexity
    atoms = noise.atoms()
    if atoms is None or lipschitz is None or eta * lipschitz > 1 or not mu > 0:
        return None
    left, right = (float(end) for end in interval(setting, np.asarray(last, dtype=np.float64)))
    if not 2 * eta * c < right - left < np.inf:
        return None
    cells = int(np.clip(16 * (right - left) / (eta * c), 4096, MOST_CELLS))
    edges = np.linspace(left, right, cells + 1)
    slopes = problem.gradient(edges[:, np.newaxis])[:, 0]
    support, weights = np.asarray(atoms[0]), np.asarray(atoms[1])
    low = (slopes[:-1] - OUTWARD * np.abs(slopes).max())[:, np.newaxis] + support
    high = (slopes[1:] + OUTWARD * np.abs(slopes).max())[:, np.newaxis] + support
    shrink = 1 - eta * mu * ((low > -c) & (high < c))
    moves = np.clip(low, -c, c), np.clip(high, -c, c)
    centre = int(np.argmin(np.abs((moves[0] + moves[1]) @ weights)))
    best = None
    rates = ((1 - shrink) @ weights) / eta
    for level in np.unique(rates[rates > 0]):
        outside = np.flatnonzero(rates < level * (1 - 1e-12))
        if rates[centre] < level * (1 - 1e-12):
            continue
        first = outside[outside < centre].max(initial=-1) + 1
        end = outside[outside > centre].min(initial=cells)
        inset = 2 * eta * c + edges[1] - edges[0]  # so that the cells about an end of C are unclipped often enough
        core = edges[first] + inset if first else -np.inf, edges[end] - inset if end < cells else np.inf
        for a in np.concatenate([[0.0], np.geomspace(0.1, 30, 24) / (right - left)]):
            found = _weighted(a, core, edges, eta * moves[1], -eta * moves[0], shrink, weights, eta * c, problem.x0[0])
            if found is not None and (best is None or _cost(found) < _cost(best)):
                best = found
    return best


def _cost(found: Contraction) -> float:
    return np.sqrt(found.square) / (1 - found.kappa)


def _weighted(
    a: float,
    core: tuple[float, float],
    edges: FloatArray,
    to_left: FloatArray,
    to_right: FloatArray,
    shrink: FloatArray,
    weights: FloatArray,
    step: float,
    start: float,
) -> Contraction | None:
    """The `Contraction` for w = exp(a dist(., core)), or None if there is none.

    `to_left` and `to_right`, (cells, atoms): how far a step may go; `step`: the longest one.
    """
    below, above = edges[:-1], edges[1:]
    if not core[1] - core[0] > 2 * step + (above - below).max():
        return None  # a step from a cell at one end of the core could leave it at the other
    far = (above <= core[0] - step) | (below >= core[1] + step)
    # the core is wider than two steps and a cell
    outward = np.where((below <= core[0] + step)[:, np.newaxis], to_left, to_right)
    inside = (below > core[0] + step) & (above < core[1] - step)
    change = np.where(far[:, np.newaxis], outward, np.maximum(outward, 0.0))
    change[inside] = 0.0
    kappa = float(((shrink * np.exp(a * change)) @ weights).max()) * (1 + OUTWARD)
    if not kappa < 1:
        return None
    farthest = np.maximum(np.maximum(core[0] - below, above - core[1]), 0.0)
    nearest = np.maximum(np.maximum(core[0] - above, below - core[1]), 0.0)
    top = float(np.exp(a * farthest.max()))
    ratio = float((np.exp(2 * a * change[far]) @ weights).max(initial=0.0)) * (1 + OUTWARD)
    if not ratio < 1:
        return Contraction(kappa, top, top**2)
    after = np.exp(2 * a * np.maximum(farthest[~far, np.newaxis] + outward[~far], 0.0))
    after = np.where(inside[~far, np.newaxis], 1.0, after)
    # 0 where every cell is far from the core
    excess = float((after @ weights - ratio * np.exp(2 * a * nearest[~far])).max(initial=0.0))
    begin = np.exp(2 * a * max(core[0] - start, start - core[1], 0.0))
    square = max(begin, excess / (1 - ratio)) * np.exp(2 * a * step) * (1 + 1e-9)
    return Contraction(kappa, top, float(min(square, top**2)))
