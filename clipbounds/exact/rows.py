"""One step on a fine grid, for a quadratic: the probabilities depend on q n - m alone, from node n to node m, q = 1 - eta L.

Where q is a fraction of small denominator D, as it is for the step sizes that people write, q n - m takes only D values between two
whole numbers: a table with D rows serves all nodes, and stays in the cache. Otherwise every node has its own row.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .band import between, split
from .kernels import spread

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from ..methods import Setting

DENOMINATOR = 200


class Rows:
    """The grid of `Band`, whose arrays are not formed.

    Attributes
    ----------
    z : (nodes,)
    width : float, between two nodes
    per_step : int, cells in a step length
    """

    def __init__(self, setting: Setting, first: int, last: int, per_step: int) -> None:
        law, method = setting.noise, setting.method
        curvature, eta, c = float(setting.problem.eigenvalues[0]), method.step_size, method.clip.threshold
        self.per_step, self.width, self.first = per_step, eta * c / per_step, first
        nodes = np.arange(first * per_step, last * per_step + 1)
        self.z = self.width * nodes
        slope = curvature * self.z
        self.down, self.up = law.sf(c - slope), law.cdf(-c - slope)
        q = 1 - eta * curvature
        ratio = Fraction(q).limit_denominator(DENOMINATOR)
        if abs(float(ratio) - q) <= 4 * np.finfo(float).eps:
            base, self.row = np.divmod(ratio.numerator * nodes, ratio.denominator)
            rest = np.arange(ratio.denominator) / ratio.denominator
        else:
            base, self.row, rest = nodes, np.arange(nodes.size), (q - 1) * nodes
        # the column of cell m of node n is m - base; cells n - K .. n + K - 1 are asked for
        columns = nodes - per_step - base
        self.place = columns - columns.min()
        self.columns = int(self.place.max()) + 2 * per_step
        edges = rest[:, np.newaxis] - (columns.min() + np.arange(self.columns + 1))
        noise = edges * (self.width / eta)  # it leads to an edge of a cell, and falls as the place rises
        cells = between(law, noise[:, 1:], noise[:, :-1])
        density = law.pdf(noise) * (self.width / eta)
        # the centre of mass in a cell, if the density were linear there
        self.right = np.clip(cells / 2 + np.diff(density, axis=1) / 12, 0.0, cells)
        self.left = cells - self.right
        self.both = self.left.copy()
        self.both[:, 1:] += self.right[:, :-1]
        self.tables = tuple(np.ascontiguousarray(t.ravel()) for t in (self.left, self.right, self.both))
        self.moved = np.empty(nodes.size + 2 * per_step)

    def forward(self, mass: FloatArray) -> None:
        """The law after one step, in place."""
        spread(
            mass, self.moved, *self.tables, self.row, self.place, self.down, self.up, self.columns, self.per_step
        )  # fmt: skip

    def start(self, z: float) -> FloatArray:
        """All mass at a point, split between its two nodes so that its mean stays."""
        return split(z / self.width - self.first * self.per_step, self.z.size)
