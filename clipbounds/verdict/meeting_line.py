"""The facts of `meeting` for a convex function on the line: how often a sample is not clipped, and where its mean leads.

x' = x - eta·mean_i clip(f'(x) + xi_i) has the derivative D = 1 - eta f'' q, q the share of samples that are not clipped, and
t = eta f'' q <= eta L gives D² = 1 - t (2 - t) <= 1 - eta mu (2 - eta L) q: s = E q = P(|f'(x) + xi| < c). E P = m(f'(x)), m(s) = E clip(s + xi),
does not decrease and is 1-Lipschitz. Its variance is at most E min(|xi|, 2c)²/b, b the batch, as clip moves no more than its argument. o is a point where m is about 0; nothing depends on how well it is found.

m(s) = integral of P(xi > v) over -c - s < v < c - s, less c; P(xi > v) decreases, so sums over a grid bound it on both sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .meeting import Cells
from .ranges import constants, displacement, on_a_line
from .sample_law import SampleLaw, sample_law

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods.base import Setting
    from ..problems.base import Problem

CELLS = 128  # on each side
NODES = 4096


class _Means:
    """Bounds of m(s) for |s - middle| <= half."""

    def __init__(self, law: SampleLaw, c: float, middle: float, half: float) -> None:
        self.c, self.law = c, law
        if law.atoms is None:
            self.first = -c - middle - half
            self.width = 2 * (c + half) / (NODES - 1)
            tail = law.sf(self.first + self.width * np.arange(NODES))
            self.upper = self.width * np.concatenate([[0.0], np.cumsum(tail[:-1])])  # from the left ends of the pieces
            self.lower = self.width * np.concatenate([[0.0], np.cumsum(tail[1:])])

    def low(self, s: FloatArray) -> FloatArray:
        if self.law.atoms is not None:
            return self.law.clipped_mean(s, self.c)[0]
        a, b = (np.clip(v, 0, NODES - 1) for v in (np.ceil(self._at(-self.c - s)), np.floor(self._at(self.c - s))))
        return np.where(b > a, self.lower[b.astype(int)] - self.lower[a.astype(int)], 0.0) - self.c - 1e-9 * self.c

    def high(self, s: FloatArray) -> FloatArray:
        if self.law.atoms is not None:
            return self.law.clipped_mean(s, self.c)[1]
        a, b = (np.clip(v, 0, NODES - 1) for v in (np.floor(self._at(-self.c - s)), np.ceil(self._at(self.c - s))))
        return self.upper[b.astype(int)] - self.upper[a.astype(int)] - self.c + 1e-9 * self.c

    def _at(self, v: FloatArray) -> FloatArray:
        return (v - self.first) / self.width


def cells_on_line(setting: Setting, last: float) -> Cells | None:
    """The `Cells` for trajectories of `last` steps, or None where the facts are not known."""
    problem, method = setting.problem, setting.method
    law = sample_law(setting)
    lipschitz = constants(problem)[0]
    if law is None or not on_a_line(setting) or lipschitz is None or not problem.strong_convexity > 0:
        return None
    c, eta = method.operator.threshold, method.step_size
    if eta * lipschitz > 1:
        return None
    half = 2 * c + 2 * law.unit
    wide = _Means(law, c, 0.0, c + half)
    candidates = np.linspace(-c, c, 1025)
    middle = float(candidates[np.argmin(np.abs(wide.low(candidates) + wide.high(candidates)))])
    way = float(displacement(setting, np.asarray([last], dtype=np.float64))[0])
    start = float(problem.x0[0])
    centre = _where(problem, middle, start, way)
    means = _Means(law, c, middle, 1.01 * half)
    variance = law.clip_variance(c) / law.together
    level = float(max(abs(means.low(np.array([middle]))[0]), abs(means.high(np.array([middle]))[0])))
    sides = []
    for sign in (1.0, -1.0):
        length = sign * (_where(problem, middle + sign * half, start, way + abs(centre - start)) - centre)
        edges = max(length, 1e-300) * np.arange(CELLS + 1) / CELLS
        slope = _slope(problem, centre + sign * edges)
        # rounding of f' and of the edges moves both ends outwards
        slack = 1e-12 * (np.abs(slope).max() + c + lipschitz * (abs(centre) + edges[-1]))
        drift = means.low(slope - slack) if sign > 0 else -means.high(slope + slack)
        lo, hi = (slope[:-1], slope[1:]) if sign > 0 else (slope[1:], slope[:-1])
        share = np.append(law.between(-c - (lo - slack), c - (hi + slack)), 0.0)
        # beyond the table m is at least what it is at the table's end; before it (o is out of reach) nothing is known
        inside = np.abs(slope - middle) <= half
        beyond = drift[inside][-1] if inside.any() else -c
        drift = np.where(inside, drift, np.where(sign * (slope - middle) > half, beyond, -c))
        most = np.fmax(np.abs(slope[:-1] - middle), np.abs(slope[1:] - middle)) + slack + level
        square = np.append(np.fmin(c**2, variance + most**2), c**2)
        sides.append((edges, np.append(edges[1:], np.inf), share, drift, square))
    near, far, share, drift, square = (np.concatenate(v) for v in zip(*sides, strict=True))
    away = abs(start - centre)
    return Cells(near, far, share, drift, square, away, away + way, c, eta, problem.strong_convexity, lipschitz)


def _slope(problem: Problem, z: FloatArray) -> FloatArray:
    return problem.gradient(z[:, np.newaxis])[:, 0]


def _where(problem: Problem, level: float, start: float, way: float) -> float:
    """About where f' reaches the level, within `way` of the start."""
    grid = np.linspace(-1.0, 1.0, 65)
    middle, width = start, way
    for _ in range(12):
        z = middle + width * grid
        index = int(np.searchsorted(_slope(problem, z), level))
        low, high = z[max(index - 1, 0)], z[min(index, 64)]
        middle, width = 0.5 * (low + high), 0.5 * (high - low)
        if width <= 1e-6 * way / CELLS:
            break
    return float(middle)
