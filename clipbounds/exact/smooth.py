r"""How smooth the means are as functions of the start, on a quadratic under a noise with a density.

V_r(z) = E[phi(z_r) | z_0 = z], and g(z) = z - eta clip_c(L z + xi). With p the density, b = c - L z, a = -c - L z, q = 1 - eta L >= 0 and P^-, P^+ the
probabilities of a clipped step to the left and to the right,

    V_r'  = q E[V_{r-1}'(g); not clipped] + P^- V_{r-1}'(z - eta c) + P^+ V_{r-1}'(z + eta c),
    V_r'' = q² E[V_{r-1}''(g); not clipped] + P^- V_{r-1}''(z - eta c) + P^+ V_{r-1}''(z + eta c)
            + eta L² [ p(b) V_{r-1}'(z - eta c) - p(a) V_{r-1}'(z + eta c) ].

A jump J of V_{r-1}' at a point y adds q² J p((q z - y)/eta)/eta to V_r'' where |z - y| < eta c, and jumps P^∓ J to V_r' at y ± eta c. |f'| has one at the
minimiser, and what is moved to the ends of the window makes one there; so all jumps lie a whole number of step lengths apart, on
nodes. The largest |V_r'| and |V_r''| in a cell follow by bounding each term: for z in a cell [z_j, z_j + h] and the same noise, g(z) lies in [g(z_j), g(z_j) + h],
so that the functions' largest values in two neighbouring cells serve; a step that is clipped to the right at z but not at z_j, or the other way round, is
counted at the larger of its two factors, by P^- of the right end and P^+ of the left end of the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .band import Band, largest_density

if TYPE_CHECKING:
    from ..array_types import FloatArray


class Smoothness:
    """Recursion for upper bounds of |V_r'| and |V_r''| in the cells of a band, and of the jumps of V_r' at its step lengths."""

    def __init__(self, band: Band, curvature: float, slope: FloatArray, bend: FloatArray, jump: float) -> None:
        self.band = band
        self.curvature = curvature
        eta, c, h, L = band.eta, band.c, band.width, curvature
        self.slope, self.bend = slope, bend
        self.jumps = np.zeros(band.last - band.first + 1)
        self.jumps[-band.first] = jump
        low, high = band.z[:-1], band.z[1:]
        self.at_down = largest_density(band.law, c - L * high, c - L * low)
        self.at_up = largest_density(band.law, -c - L * high, -c - L * low)
        self.q = 1 - eta * L
        spots = band.z[:: band.per_step, np.newaxis]
        near = (high > spots - eta * c) & (low < spots + eta * c)
        self.spread = np.where(
            near, largest_density(band.law, (self.q * low - spots) / eta, (self.q * high - spots) / eta) / eta, 0.0
        )
        self.inner_down, self.inner_up = band.down[:: band.per_step], band.up[:: band.per_step]
        self.h = h

    def _landed(self, values: FloatArray, factor: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A bound of E[factor·values(g); not clipped] + E[values(g); clipped] in each cell, and the values eta c to the left and right."""
        band = self.band
        reach, count = band.per_step, values.size
        padded = np.concatenate([np.zeros(reach), values, np.zeros(reach + 1)])  # beyond the window V is constant
        pairs = np.maximum(padded[:-1], padded[1:])
        total = np.zeros(count)
        for m in range(2 * reach):
            total += band.cells[m, :-1] * pairs[m : m + count]
        before, after = padded[:count], padded[2 * reach : 2 * reach + count]
        return factor * total + band.down[1:] * before + band.up[:-1] * after, before, after

    def step(self) -> None:
        """From V_{r-1} to V_r."""
        band, q = self.band, self.q
        jumps = self.jumps.copy()
        jumps[0], jumps[-1] = self.slope[0], self.slope[-1]
        slope, before, after = self._landed(self.slope, q)
        bend, _, _ = self._landed(self.bend, q * q)
        bend += band.eta * self.curvature**2 * (self.at_down * before + self.at_up * after)
        bend += q * q * (jumps @ self.spread)
        self.jumps = self.inner_down * np.append(0.0, jumps[:-1]) + self.inner_up * np.append(jumps[1:], 0.0)
        self.slope, self.bend = slope, bend

    def oscillation(self) -> float:
        """A bound of max V_r - min V_r over the window."""
        return float(self.slope.sum() * self.h)
