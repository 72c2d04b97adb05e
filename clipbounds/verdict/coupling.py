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
import math
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
COARSE, FEW = 16, 3
OUTWARD = 1e-12  # relative; the ratio is 1 - O(eta), computed to rounding


@dataclasses.dataclass(frozen=True)
class Contraction:
    """kappa and W = `top` of the lemma; `square` >= E w²(y) for all y within one step of any x_s."""

    kappa: float
    top: float
    square: float

    def weight(self, p: float) -> Weight:
        """Bounds of E w^p(y) for all y within one step of any x_s."""
        with np.errstate(over="ignore"):  # of a NumPy number: one of Python raises
            return Weight(float(self.square ** (p / 2) if p <= 2 else self.square * np.float64(self.top) ** (p - 2)))


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
    cells = COARSE * math.ceil(np.clip(16 * (right - left) / (eta * c), 4096, MOST_CELLS) / COARSE)
    edges = np.linspace(left, right, cells + 1)
    slopes = problem.gradient(edges[:, np.newaxis])[:, 0]

    def tried(step: int, chosen: list[tuple[float, float]] | None) -> list[tuple[float, float, float, Contraction]]:
        """(cost, level, a, what it gives) on cells of `step` cells, of the chosen (level, a) or of all."""
        search = _Search(setting, edges[::step], slopes[::step])
        pairs = chosen or [(level, a) for level in search.levels() for a in slants]
        found = [(level, a, search.contraction(level, a)) for level, a in pairs]
        return sorted(((_cost(f), level, a, f) for level, a, f in found if f is not None), key=lambda one: one[0])

    slants = np.concatenate([[0.0], np.geomspace(0.1, 30, 24) / (right - left)])
    # wider cells say which few are worth all cells; where they say nothing, all are tried
    coarse = [(level, a) for _, level, a, _ in tried(COARSE, None)[:FEW]]
    best = (tried(1, coarse) if coarse else []) or tried(1, None)
    return best[0][-1] if best else None


class _Search:
    """The lemma on cells between `edges`, where f' is `slopes`."""

    def __init__(self, setting: Setting, edges: FloatArray, slopes: FloatArray) -> None:
        self.eta, self.c, self.start = (
            setting.method.step_size,
            setting.method.operator.threshold,
            setting.problem.x0[0],
        )
        self.edges = edges
        support, self.weights = (np.asarray(v) for v in setting.noise.atoms())
        low = (slopes[:-1] - OUTWARD * np.abs(slopes).max())[:, np.newaxis] + support
        high = (slopes[1:] + OUTWARD * np.abs(slopes).max())[:, np.newaxis] + support
        self.shrink = 1 - self.eta * setting.problem.strong_convexity * ((low > -self.c) & (high < self.c))
        self.moves = np.clip(low, -self.c, self.c), np.clip(high, -self.c, self.c)
        self.centre = int(np.argmin(np.abs((self.moves[0] + self.moves[1]) @ self.weights)))
        self.rates = ((1 - self.shrink) @ self.weights) / self.eta

    def levels(self) -> FloatArray:
        """Rates that a core around the centre may have."""
        return np.unique(self.rates[(self.rates > 0) & (self.rates <= self.rates[self.centre] * (1 + 1e-12))])

    def contraction(self, level: float, a: float) -> Contraction | None:
        """What the core of this rate and w = exp(a dist) give, or None."""
        if self.rates[self.centre] < level * (1 - 1e-12):
            return None
        outside = np.flatnonzero(self.rates < level * (1 - 1e-12))
        first = outside[outside < self.centre].max(initial=-1) + 1
        end = outside[outside > self.centre].min(initial=len(self.rates))
        edges, step = self.edges, self.eta * self.c
        inset = 2 * step + edges[1] - edges[0]  # so that the cells about an end of C are unclipped often enough
        core = edges[first] + inset if first else -np.inf, edges[end] - inset if end < len(self.rates) else np.inf
        left, right = self.eta * self.moves[1], -self.eta * self.moves[0]
        return _weighted(a, core, edges, left, right, self.shrink, self.weights, step, self.start)


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
    top = np.float64(np.exp(a * farthest.max()))
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
