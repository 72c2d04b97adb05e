"""One step of clipped SGD on a line under a noise with a density, on a grid: a banded operator.

In coordinates z = x - x* a step leads from z to z - eta clip_c(f'(z) + xi), so from a node of a grid with K cells a step length eta c to the
points between the nodes K to the left and K to the right, and to these two nodes with the probabilities of being clipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..noise import Gaussian, Pareto, StudentT, SymmetricLomax
from .grid import slope_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..array_types import FloatArray
    from ..methods import Setting

Law = Gaussian | StudentT | SymmetricLomax | Pareto
UNIMODAL = (Gaussian, StudentT, SymmetricLomax, Pareto)


def mode_of(law: Law) -> float:
    """Where the density is largest."""
    return float(law.quantile(0.0)) if isinstance(law, Pareto) else 0.0


def peak_of(law: Law) -> float:
    """The largest value of the density; Pareto's is the limit at the lower end, where the density jumps from 0."""
    return law.tail_index / law.scale if isinstance(law, Pareto) else float(law.pdf(0.0))


def mode_variation(law: Law, length: float) -> float:
    """A bound of the density's variation on an interval of this length that contains the mode: up and down, and Pareto's jump."""
    mode, peak = mode_of(law), peak_of(law)
    fall = peak - float(law.pdf(mode + length))
    return fall + peak if isinstance(law, Pareto) else 2 * fall


def between(law: Law, low: FloatArray, high: FloatArray) -> FloatArray:
    """P(low < xi <= high) without cancellation in the upper tail."""
    with np.errstate(invalid="ignore"):
        return np.maximum(np.where(low > 0, law.sf(low) - law.sf(high), law.cdf(high) - law.cdf(low)), 0.0)


def largest_density(law: Law, low: FloatArray, high: FloatArray) -> FloatArray:
    """sup of the density on [low, high]: it rises up to the mode and falls afterwards."""
    mode = mode_of(law)
    slack = 1e-12 * max(abs(mode), law.scale)
    inside = (low - slack <= mode) & (mode <= high + slack)
    return np.where(inside, peak_of(law), np.maximum(law.pdf(low), law.pdf(high)))


class Band:
    """Nodes z = h n, h = eta c/K, from `first` to `last` step lengths, and where a step leads from each.

    Attributes
    ----------
    z : (nodes,)
    cells : (2K, nodes), the probability of landing in each of the 2K cells around a node, unclipped
    left, right : (2K, nodes), the parts of it that go to the left and to the right node of the cell
    down, up : (nodes,), the probabilities of a clipped step to the left and to the right
    """

    def __init__(self, setting: Setting, first: int, last: int, per_step: int) -> None:
        problem, method, law = setting.problem, setting.method, setting.noise
        self.law, self.per_step, self.first, self.last = law, per_step, first, last
        self.eta, self.c = method.step_size, method.clip.threshold
        self.width = self.eta * self.c / per_step
        self.z = self.width * np.arange(first * per_step, last * per_step + 1)
        places = np.arange(-per_step, per_step + 1)[:, np.newaxis]
        # the noise that leads from z to the edge of a cell; it falls as the place rises
        edges = -slope_of(problem, self.z) - self.c / per_step * places
        self.cells = between(law, edges[1:], edges[:-1])
        density = law.pdf(edges) * self.c / per_step
        # the centre of mass in a cell, if the density were linear there
        self.right = np.clip(self.cells / 2 + np.diff(density, axis=0) / 12, 0.0, self.cells)
        self.left = self.cells - self.right
        self.down, self.up = law.sf(edges[0]), law.cdf(edges[-1])

    def forward(self, mass: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """The law after one step; what would be beyond the ends is put on them."""
        reach = self.per_step
        held = np.flatnonzero(mass)
        low, high = held[0], held[-1] + 1
        here = mass[low:high]
        moved = np.zeros(mass.size + 2 * reach)
        for m in range(2 * reach):
            moved[low + m : high + m] += left[m, low:high] * here
            moved[low + m + 1 : high + m + 1] += right[m, low:high] * here
        moved[low:high] += self.down[low:high] * here
        moved[low + 2 * reach : high + 2 * reach] += self.up[low:high] * here
        moved[reach] += moved[:reach].sum()
        moved[-reach - 1] += moved[-reach:].sum()
        return moved[reach:-reach]

    def moved(self, up: bool) -> csr_array:
        """The matrix of one step after which every point between two nodes is moved to the node above, or to the one below."""
        from scipy.sparse import csr_array  # a tenth of a second to import

        reach, size = self.per_step, self.z.size
        here = np.arange(size)
        shifts = np.concatenate([np.arange(-reach, reach) + up, [-reach, reach]])
        weights = np.concatenate([self.cells, [self.down, self.up]])
        there = np.clip(here + shifts[:, np.newaxis], 0, size - 1)
        places = there.ravel(), np.broadcast_to(here, there.shape).ravel()
        return csr_array((weights.ravel(), places), shape=(size, size))

    def start(self, z: float) -> FloatArray:
        """All mass at a point, split between its two nodes so that its mean stays."""
        return split(z / self.width - self.first * self.per_step, self.z.size)


def split(place: float, nodes: int) -> FloatArray:
    """All mass at a place between nodes 0, 1, .., nodes - 1, split so that its mean stays."""
    cell = min(int(place), nodes - 2)
    mass = np.zeros(nodes)
    mass[cell], mass[cell + 1] = 1 - (place - cell), place - cell
    return mass
