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
What leaves the window is bounded as in `exits`, by chains whose landing points are moved up, or down, to a node; rounding and long horizons as in `grid`. QED
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Quadratic
from .band import UNIMODAL, Band, mode_variation, peak_of
from .smooth import Smoothness

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting

EPS = np.finfo(float).eps
COARSE = 16  # cells a step length, of the chains for smoothness and for the ends of the window
LEAST = 6  # step lengths beyond the start and the minimiser
FAINT = 1e-30  # a smaller mass on a node is dropped, and counted
WORK = 4e9  # cells landed in, of all steps of the last grid
STORE = 3e7  # cells times steps of the coarse bounds


class DensityOnLine:
    """A setting in coordinates about its minimiser, its window, and the steps after which its means stay."""

    def __init__(self, setting: Setting, steps: int, tolerance: float) -> None:
        self.setting, self.horizon = setting, steps
        problem, method = setting.problem, setting.method
        self.start = float(problem.x0[0] - problem.minimiser[0])
        self.curvature, self.eta, self.c = float(problem.eigenvalues[0]), method.step_size, method.clip.threshold
        stride = self.eta * self.c
        far = abs(self.start) + steps * stride
        self.largest = self.curvature * far, self.curvature * far**2 / 2
        room = LEAST + math.ceil(2 / math.sqrt(self.eta * self.curvature))
        while True:
            self.first_place = math.floor(min(self.start, 0.0) / stride) - room
            self.last_place = math.ceil(max(self.start, 0.0) / stride) + room
            self.band = Band(setting, self.first_place, self.last_place, COARSE)
            self._settle(tolerance)
            self._leave()
            if np.all(self.left_later * np.array(self.largest) <= 0.1 * tolerance * self.scale):
                break
            room *= 2
            if room > 2000:
                raise ValueError(
                    "mean_curves: the iterate leaves every window of 2000 step lengths too often; give fewer steps, or simulate"
                )
        self.length = self.last_place - self.first_place
        self.first = 2 * COARSE * self.length + 1
        self.most = int(math.sqrt(WORK * self.length / (2 * self.steps)))

    def smoothness(self) -> list[Smoothness]:
        """For |f'| and for the gap, at V_0."""
        band, L = self.band, self.curvature
        ones = np.ones(band.z.size - 1)
        far = np.maximum(np.abs(band.z[1:]), np.abs(band.z[:-1]))
        return [Smoothness(band, L * ones, 0 * ones, 2 * L), Smoothness(band, L * far, L * ones, 0.0)]

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

    def _leave(self) -> None:
        """P(left the window by t), and by the horizon."""
        band, size = self.band, self.band.z.size
        zero = np.zeros_like(band.cells)
        self.left, later = np.zeros(self.steps), 0.0
        place = self.start / band.width - band.first * band.per_step
        for ways, end, node in (((zero, band.cells), -1, math.ceil(place)), ((band.cells, zero), 0, math.floor(place))):
            starts = [min(max(node, 0), size - 1)] + ([end] if self.horizon > self.steps else [])
            for k, first in enumerate(starts):
                mass = np.zeros(size)
                mass[first] = 1.0
                out = np.empty(self.steps)
                for t in range(self.steps):
                    mass = band.forward(mass, *ways)
                    out[t] = mass[end]
                if k == 0:
                    self.left += np.cumsum(out)
                else:
                    later += (self.horizon - self.steps) * out[-1]
        self.left_later = self.left[-1] + later

    def _band(self, nodes: int) -> Band:
        """A band of about so many nodes; the cells in a step length are a multiple of `COARSE`."""
        return Band(self.setting, self.first_place, self.last_place, math.ceil(nodes / (self.length * COARSE)) * COARSE)

    def means(self, nodes: int) -> tuple[FloatArray, int]:
        """E|f'| and E gap after each step, (2, steps), and the nodes of the grid."""
        band = self._band(nodes)
        mass, means = band.start(self.start), np.empty((2, self.steps))
        for t in range(self.steps):
            mass = band.forward(mass, band.left, band.right)
            means[:, t] = self.curvature * (np.abs(band.z) @ mass), self.curvature / 2 * (band.z**2 @ mass)
        return means, band.z.size

    def certified(self, nodes: int) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        """(means, errors, later) as `Grid.certified`, and the nodes."""
        band = self._band(nodes)
        mass, part = band.start(self.start), band.per_step // COARSE
        means, dropped = np.empty((2, self.steps)), np.zeros(self.steps)
        values = self.curvature * np.abs(band.z), self.curvature * band.z**2 / 2
        held = np.empty((self.steps + 1, 2 * self.band.z.size - 1))
        held[0] = _gathered(mass, part)
        for t in range(self.steps):
            mass = band.forward(mass, band.left, band.right)
            faint = mass < FAINT
            dropped[t] = mass[faint].sum()
            mass[faint] = 0.0
            means[:, t] = values[0] @ mass, values[1] @ mass
            held[t + 1] = _gathered(mass, part)
        law = self.setting.noise
        weight = peak_of(law) / (6 * self.eta) + mode_variation(law, self.c / band.per_step) / (8 * self.eta)
        rounding = 8 * EPS * (2 * band.per_step + 8) * np.arange(1, self.steps + 1)
        lost = self.left + np.cumsum(dropped)
        errors = np.empty((2, self.steps))
        for q in range(2):
            bends = _along(held, _spread(self.bends[q])) / 8
            slopes = _along(held[:-1], _spread(_widened(self.slopes[q, : self.steps])))
            errors[q] = (
                band.width**2 * (bends[1:] + weight * slopes) + lost * self.largest[q] + rounding * values[q].max()
            )
        later = errors[:, -1] + self.oscillations + (self.left_later - self.left[-1]) * np.array(self.largest)
        return means, errors, later, band.z.size


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
    if not isinstance(problem, Quadratic):
        return f"with a noise that has a density the problem must be Quadratic, but is {type(problem).__name__}"
    if setting.method.step_size * float(problem.eigenvalues[0]) > 1:
        return "a step must increase with the point, eta f'' <= 1; take a smaller step size"
    return None
