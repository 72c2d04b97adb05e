"""Mean curves under a noise with an analytic density: how many steps, which degree; the proof is in `panels`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..noise import Gaussian, StudentT
from ..problems import Cosh, Huber, Quadratic, Quartic
from .panels import CLIPPED, EPS, Panels
from .window import Window

if TYPE_CHECKING:
    from ..array_types import FloatArray

ANALYTIC_LAWS, ANALYTIC_PROBLEMS = (Gaussian, StudentT), (Quadratic, Huber, Cosh, Quartic)
DEGREE, HIGHEST = 16, 48
WORK = 2e10  # entries of the operator times steps


class PanelsOnLine(Window):
    """A setting in its window, its means by polynomials on panels."""

    def _bounds(self, slope: float, gap: float, far: float) -> tuple[float, ...]:
        return slope, gap, far, 1.0

    def _settle(self, tolerance: float) -> None:
        self._compute(DEGREE, tolerance)
        self.first = DEGREE * self.panels.half.size
        self.most = HIGHEST * self.panels.half.size

    def _compute(self, degree: int, tolerance: float | None) -> None:
        """Means and errors in the window until they stay, or for as many steps as before."""
        panels = self.panels = Panels(self.setting, self.first_place, self.last_place, degree)
        values, error = panels.start()
        means, errors = [panels.value_at(self.start, values)], [error]
        for r in range(1, self.horizon + 1 if tolerance is not None else self.steps + 1):
            values, error = panels.step(values)
            means.append(panels.value_at(self.start, values))
            errors.append(error)
            if tolerance is not None and np.all(panels.spread(values) <= 1e-2 * tolerance * sizes(means[-1])):
                break
            if r * panels.operator.size > WORK:
                raise ValueError(
                    f"mean_curves: the means have not settled after {r} of {self.horizon} steps, and more are too long to"
                    " compute; give fewer steps, or simulate"
                )
        self.steps = len(means) - 1
        self.means_found = np.array(means[1:]).T
        self.scale, self.spread = sizes(self.means_found[:, -1]), panels.spread(values)
        at_start = 8 * EPS * panels.lebesgue * np.abs(values).max(axis=(0, 1))
        self.errors_found = np.cumsum(errors, axis=0)[1:].T + at_start[:, np.newaxis]

    def _degree(self, nodes: int) -> None:
        degree = min(max(round(nodes / self.panels.half.size), 4), HIGHEST)
        if degree != self.panels.degree:
            self._compute(degree, None)

    def means(self, nodes: int) -> tuple[FloatArray, int]:
        """The means of `panels.FUNCTIONS` after each step, (functions, steps), and the number of values that represent a function."""
        self._degree(nodes)
        return self.means_found, self.panels.degree * self.panels.half.size

    def certified(self, nodes: int) -> tuple[FloatArray, FloatArray, FloatArray, int]:
        """(means, errors, later) as `Grid.certified`, and as `means`."""
        means, size = self.means(nodes)
        largest = np.array(self.largest)
        errors = self.errors_found + self.left * largest[:, np.newaxis]
        later = errors[:, -1] + self.spread + (self.left_later - self.left[-1]) * largest
        return means, errors, later, size


def sizes(means: FloatArray) -> FloatArray:
    """What errors are compared with: the means, and 1 for a probability."""
    found = means.copy()
    found[CLIPPED] = 1.0
    return found
