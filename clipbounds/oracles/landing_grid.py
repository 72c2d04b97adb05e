"""The landing grid of the adversary on the line: its points, the laws of one step, and the dynamic programme."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .landing_kernels import FIELDS, evaluate, improve

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray
    from .landing import Policy

EVERY, RATIO = 24, 12  # the policy is improved at each of the last EVERY steps, then RATIO times in each factor e


def stages_of(steps: int) -> int:
    """How many policies the dynamic programme of this horizon records, at most."""
    return math.ceil(min(steps, EVERY + RATIO * math.log(max(steps / EVERY, 1)) + 1))


class Grid:
    """Points x0 + k eta c/landing, |k| <= half, with the gradient there.

    Parameters
    ----------
    policy : landing.Policy; landing : int, cells in the longest step; half : int, points on each side of x0

    Attributes
    ----------
    exponent : int; `costs` = |f'| and `values` are in units of 2^exponent
    """

    def __init__(self, policy: Policy, landing: int, half: int) -> None:
        self.landing = landing
        self.spacing = policy.step_size * policy.threshold / landing
        x = float(policy.problem.x0[0]) + self.spacing * np.arange(-half, half + 1)
        self.count, self.start, self.first = x.size, half, float(x[0])
        gradient = policy.problem.gradient(x[:, np.newaxis])[:, 0]
        # where the gradient leaves the range of floats the point counts as lost
        costs = np.where(np.isfinite(gradient), np.abs(gradient), 0.0)
        # what is earned is counted in units of 2^exponent, which rounds nothing: multipliers would underflow beside costs of 1e-300
        self.exponent = int(np.frexp(costs.max())[1])
        self.costs = np.ldexp(costs, -self.exponent)
        self.slopes = np.where(np.isfinite(gradient), gradient / policy.threshold, 0.0)
        self.numbers = np.array([(policy.sigma / policy.threshold) ** policy.p, policy.p, landing])
        self.scratch = np.zeros(4 * landing + 2)
        self.values, self.spare = np.zeros(x.size), np.zeros(x.size)
        self.gammas = np.zeros(x.size)

    def improved(self) -> FloatArray:
        """The best law for the next step at every point, given the values."""
        table = np.empty(FIELDS * self.count)
        improve(self.slopes, self.values, table, self.gammas, self.numbers, self.scratch, self.count)
        return table

    def advance(self, table: FloatArray, totals: FloatArray, first: int, last: int) -> None:
        """The values after the steps first..last-1 with one policy; `totals` receives those at x0."""
        evaluate(self.costs, self.values, self.spare, table, totals, self.start, self.count, first, last)

    def programme(self, steps: int, record: bool = True) -> tuple[FloatArray, FloatArray | IntArray, list[FloatArray]]:
        """The dynamic programme for all horizons up to `steps`: (totals, begins, stages)."""
        totals, begins, stages = np.zeros(steps), [], []
        k = 0
        while k < steps:
            table = self.improved()
            if record:
                begins.append(k)
                stages.append(table)
            last = min(steps, k + 1 if k < EVERY else k + max(1, k // RATIO))
            self.advance(table, totals, k, last)
            k = last
        return np.ldexp(totals, self.exponent), np.array(begins), stages

    def transitions(self, table: FloatArray) -> tuple[FloatArray, IntArray]:
        """Weights of the atoms and the indices where they land, (count, 4) each; indices beyond the grid occur."""
        rows = table.reshape(self.count, FIELDS)
        return rows[:, 4:8], np.arange(self.count)[:, np.newaxis] - rows[:, 8:].astype(int)

    def moved(self, table: FloatArray, values: FloatArray, outside: float = 0.0) -> FloatArray:
        """E of the values at the next points, `outside` beyond the grid."""
        weights, target = self.transitions(table)
        inside = (target >= 0) & (target < self.count)
        return np.sum(weights * np.where(inside, values[np.clip(target, 0, self.count - 1)], outside), axis=1)
