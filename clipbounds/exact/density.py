r"""Mean curves on a quadratic under a noise with a unimodal density.

The law of z_t is kept as masses at the nodes of a grid. Let V_r be as in `smooth`. By telescoping, the error of E phi(z_t) is the sum over s of
E[(Pi V_{t-s} - V_{t-s})(y_s)], y_s being the point before its mass is divided between two nodes and Pi the linear interpolation; jumps of V' lie on nodes. So
with M_r and S_r bounds of |V_r''| and |V_r'| in the cells of a coarse grid (`smooth`), a division that keeps the mean costs at most (h²/8) M_{t-s}(y_s). The
centre of mass within a cell is computed as if the density were linear there. Where the density of y is monotone, of variation v in the cell, the first moment
about the middle is between 0 and v h²/8, and the linear rule gives v h²/12, so it is off by at most v h²/12; in the cell of the mode, where both are within these
of 0, by (5/24) v h². From one node the variations add up to at most (2/eta) sup p, that of the mode's cell is at most v_0, and all these points lie within
eta c of the node. Hence, with S~_r the largest S_r within eta c,

    |error at t| <= h² { (1/8) sum_{s=0}^{t} E M_{t-s}(y_s) + (sup p/(6 eta) + v_0/8) sum_{s=0}^{t-1} E S~_{t-1-s}(z_s) },

where the means are over the computed law: a point's mass lies on the two nodes around it.
What leaves the window is bounded in `window`, by chains whose landing points are moved up, or down, to a node; rounding and long horizons as in `grid`. QED
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Quadratic
from .band import UNIMODAL, mode_variation, peak_of
from .panels_on_line import ANALYTIC_LAWS, ANALYTIC_PROBLEMS
from .rows import Rows
from .smooth import Smoothness
from .window import COARSE, Window

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting

EPS = np.finfo(float).eps
FAINT = 1e-30  # a smaller mass on a node is dropped, and counted
WORK = 4e9  # cells landed in, of all steps of the last grid
STORE = 3e7  # cells times steps of the coarse bounds


class DensityOnLine(Window):
    """A quadratic in its window, its means by masses on a grid."""

    def __init__(self, setting: Setting, steps: int, tolerance: float) -> None:
        self.curvature = float(setting.problem.eigenvalues[0])
        super().__init__(setting, steps, tolerance)
        self.first = 2 * COARSE * self.length + 1
        self.most = int(math.sqrt(WORK * self.length / (2 * self.steps)))

    def smoothness(self) -> list[Smoothness]:
        """For |f'| and for the gap, at V_0."""
        band, L = self.band, self.curvature
        ones = np.ones(band.z.size - 1)
        far = np.maximum(np.abs(band.z[1:]), np.abs(band.z[:-1]))
        return [Smoothness(band, L, L * ones, 0 * ones, 2 * L), Smoothness(band, L, L * far, L * ones, 0.0)]

    def _settle(self, tolerance: float) -> None:
        """Slopes and bends of V_r, r = 0, 1, .., until the means stay, and a rough size of the means."""
        band, recursions = self.band, self.smoothness()
        mass, slopes, bends = band.start(self.start), [], []
        for r in range(self.horizon + 1):
            if (r + 1) * band.z.size > STORE:
                raise ValueError(
                    f"mean_curves: the means have not settled after {r} of {self.horizon} steps, and more take too much memory;"
                    " give fewer steps, or simulate"
                )
            slopes.append([s.slope for s in recursions])
            bends.append([s.bend for s in recursions])
            self.scale = np.array([mass @ np.abs(band.z) * self.curvature, mass @ band.z**2 * self.curvature / 2])
            self.oscillations = np.array([s.oscillation() for s in recursions])
            if r and np.all(self.oscillations <= 1e-2 * tolerance * self.scale):
                break
            mass = band.forward(mass, band.left, band.right)
            for s in recursions:
                s.step()
        self.steps = max(min(r, self.horizon), 1)
        self.slopes, self.bends = (np.array(v[: self.steps + 1]).transpose(1, 0, 2) for v in (slopes, bends))

    def _rows(self, nodes: int) -> Rows:
        """A grid of about so many nodes; the cells in a step length are a multiple of `COARSE`."""
        return Rows(self.setting, self.first_place, self.last_place, math.ceil(nodes / (self.length * COARSE)) * COARSE)

    def means(self, nodes: int) -> tuple[FloatArray, int]:
        """E|f'| and E gap after each step, (2, steps), and the nodes of the grid."""
        rows = self._rows(nodes)
        mass, means = rows.start(self.start), np.empty((2, self.steps))
        values = np.stack([self.curvature * np.abs(rows.z), self.curvature * rows.z**2 / 2])
        for t in range(self.steps):
            rows.forward(mass)
            means[:, t] = np.einsum("qn,n->q", values, mass)
        return means, rows.z.size

    def certified(self, nodes: int) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        """(means, errors, later) as `Grid.certified`, and the nodes."""
        rows = self._rows(nodes)
        mass, part = rows.start(self.start), rows.per_step // COARSE
        means, dropped = np.empty((2, self.steps)), np.zeros(self.steps)
        values = np.stack([self.curvature * np.abs(rows.z), self.curvature * rows.z**2 / 2])
        held = np.empty((self.steps + 1, 2 * self.band.z.size - 1))
        held[0] = _gathered(mass, part)
        for t in range(self.steps):
            rows.forward(mass)
            faint = mass < FAINT
            dropped[t] = mass[faint].sum()
            mass[faint] = 0.0
            means[:, t] = np.einsum(
                "qn,n->q", values, mass
            )  # a product of so few numbers is not worth waking threads for
            held[t + 1] = _gathered(mass, part)
        law = self.setting.noise
        weight = peak_of(law) / (6 * self.eta) + mode_variation(law, self.c / rows.per_step) / (8 * self.eta)
        rounding = 8 * EPS * (2 * rows.per_step + 8) * np.arange(1, self.steps + 1)
        lost = self.left + np.cumsum(dropped)
        errors = np.empty((2, self.steps))
        for q in range(2):
            bends = _along(held, _spread(self.bends[q])) / 8
            slopes = _along(held[:-1], _spread(_widened(self.slopes[q, : self.steps])))
            errors[q] = (
                rows.width**2 * (bends[1:] + weight * slopes) + lost * self.largest[q] + rounding * values[q].max()
            )
        later = errors[:, -1] + self.oscillations + (self.left_later - self.left[-1]) * np.array(self.largest)
        return means, errors, later, rows.z.size


def _gathered(mass: FloatArray, part: int) -> FloatArray:
    """Masses on the coarse nodes and inside the coarse cells, in turn."""
    out = np.empty(2 * ((mass.size - 1) // part) + 1)
    out[::2] = mass[::part]
    out[1::2] = mass[:-1].reshape(-1, part).sum(axis=1) - mass[:-1:part]
    return out


def _spread(cells: FloatArray) -> FloatArray:
    """By coarse nodes and cells in turn, (steps, 2 cells + 1): on a node the larger of its two cells, as a point's mass lies on both nodes around it."""
    out = np.empty((len(cells), 2 * cells.shape[1] + 1))
    out[:, 1::2] = cells
    padded = np.pad(cells, ((0, 0), (1, 1)))
    out[:, ::2] = np.maximum(padded[:, 1:], padded[:, :-1])
    return out


def _widened(cells: FloatArray) -> FloatArray:
    """The largest value within a step length."""
    padded = np.pad(cells, ((0, 0), (COARSE, COARSE)))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * COARSE + 1, axis=1).max(axis=2)


def _along(held: FloatArray, costs: FloatArray) -> FloatArray:
    """sum_{s <= t} held_s · costs_{t-s} for each t."""
    table = held @ costs.T
    count = len(held)
    index = np.add.outer(np.arange(count), np.arange(count))
    return np.asarray(np.bincount(index.ravel(), table.ravel())[:count], dtype=np.float64)


def why_not_density(setting: Setting) -> str | None:
    """Why the law of this setting is not propagated here, or None."""
    law, problem = setting.noise, setting.problem
    known = ", ".join(cls.__name__ for cls in UNIMODAL)
    if not isinstance(law, UNIMODAL) or law.radial or law.along is not None:
        return f"the noise must have finitely many atoms, or be one of {known}, neither radial nor along a vector, but is {type(law).__name__}"
    kinds = ANALYTIC_PROBLEMS if isinstance(law, ANALYTIC_LAWS) else (Quadratic,)
    if not isinstance(problem, kinds):
        asked = "be " + kinds[0].__name__ if len(kinds) == 1 else "be one of " + ", ".join(k.__name__ for k in kinds)
        return f"with a noise that has a density the problem must {asked}, but is {type(problem).__name__}"
    if isinstance(problem, Quadratic) and setting.method.step_size * float(problem.eigenvalues[0]) > 1:
        return "a step must increase with the point, eta f'' <= 1; take a smaller step size"
    return None
