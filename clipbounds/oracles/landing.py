"""The adversary of clipped SGD on the line: what it does at every point and step, as a value that can be recomputed."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Problem
from ..specs import POSITIVE, Interval, Spec, integer, parameter
from .landing_grid import Grid, stages_of
from .landing_kernels import FIELDS
from .stationary import best_rate, run_through

if TYPE_CHECKING:
    from ..array_types import ArrayLike, FloatArray

LARGEST = 6e7  # numbers of a grid and its policies: 480 MB
DYNAMIC = 5000  # steps up to which the dynamic programme runs if it fits; otherwise there is one policy for all steps
COARSE, ENOUGH = 2, 1e-4  # landings while the grid grows, and the gain at which it stops


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """A policy on its grid, and what it earns.

    Attributes
    ----------
    first : float, the smallest grid point; spacing : float; count : int
    start : int, index of x0
    begins : ndarray, steps to go at which each stage begins, increasing from 0
    stages : list of ndarray, (count, 12): atoms in units of c, weights, landings
    totals : ndarray: sum_{t<k} E|f'(x_t)| over k steps from x0, k = 1, 2, ...
    rate, offset : float; beyond the length of `totals` one policy for all steps earns at least rate·k + offset in k steps
    residual : float; for one policy for all steps: no laws on this grid earn a mean above the value plus this, if they keep to the
        law that moves least at points less than a longest step from an end of the grid (`stationary`)
    """

    first: float
    spacing: float
    count: int
    start: int
    begins: np.ndarray
    stages: list
    totals: np.ndarray
    rate: float = 0.0
    offset: float = 0.0
    residual: float = 0.0

    def mean(self, steps: ArrayLike) -> FloatArray:
        """The mean gradient norm over the first `steps` steps that the adversary of this horizon attains."""
        steps = np.asarray(steps)
        short = self.totals[np.minimum(steps, self.totals.size).astype(int) - 1] / steps
        return np.where(steps <= self.totals.size, short, np.maximum(self.rate + self.offset / steps, short))


class Policy(Spec):
    """The adversary that makes the mean gradient norm of 1-D clipped SGD large, for a horizon and a landing grid.

    Parameters
    ----------
    problem : Problem of dimension 1
    step_size, threshold, sigma : float in (0, inf)
    steps : int >= 1, the horizon
    p : float in (1, 2]; E|xi|^p <= sigma^p at every point
    landing : int >= 2, grid cells in the longest step
    """

    problem: Problem
    step_size: float = parameter(POSITIVE, "eta")
    threshold: float = parameter(POSITIVE, "c")
    sigma: float = parameter(POSITIVE, "E|xi|^p <= sigma^p")
    steps: int = integer(1, "the horizon T")
    p: float = parameter(Interval(1, 2, closed_high=True), "the moment that is bounded", default=2.0)
    landing: int = integer(2, "grid cells in the longest step", default=16)

    def validate(self) -> None:
        if not isinstance(self.problem, Problem) or self.problem.dim != 1:
            raise ValueError(
                f"adversary: problem must be a Problem of dimension 1, where the dynamic programme has a grid, but {self.problem!r}"
                " was given; a lower bound in dimension 1 is one for every dimension"
            )
        least = math.ceil(self.threshold / (2 * self.sigma))
        if self.landing < least:
            raise ValueError(
                f"adversary: landing must be at least c/(2 sigma) = {self.threshold / (2 * self.sigma):g}, so that every point has"
                f" a law, but {self.landing} was given; give landing={least} or more"
            )

    @property
    def tables(self) -> Tables:
        """`Tables`, computed once."""
        return _tables(self)

    def half_width(self, landing: int, steps: int | None = None) -> int:
        """Grid points on each side of x0 to begin with: some steps, and the width of a diffusion until it relaxes."""
        steps = self.steps if steps is None else steps
        pair = self.problem.smoothness.first_order()
        relaxation = 1 / (self.step_size * pair.L0) if pair.L0 > 0 else math.inf
        spread = 4 * min(1.0, self.sigma / self.threshold) * math.sqrt(min(steps, relaxation))
        return min(math.ceil(landing * (8 + spread)), landing * steps)

    def _recorded(self, steps: int) -> bool:
        """Whether this horizon has the dynamic programme: it is short, and the policies of all stages fit into memory."""
        return steps <= DYNAMIC and self.half_width(self.landing, steps) <= _widest(FIELDS * stages_of(steps))

    @property
    def recorded(self) -> bool:
        """Whether the dynamic programme is run, and not one policy for all steps."""
        return self._recorded(self.steps)

    def widest(self, landing: int) -> int:
        """The largest half width that fits into memory."""
        return _widest(FIELDS * stages_of(self.steps) if self.recorded else _one_policy(landing))

    def check_memory(self) -> None:
        """ValueError if the grid that the horizon begins with does not fit."""

        def fits(steps: int) -> bool:
            width = self.half_width(self.landing, steps)
            return self._recorded(steps) or width <= _widest(_one_policy(self.landing))

        if fits(self.steps):
            return
        low, high = 0, self.steps
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        advice = f"the horizon may be at most {low} steps; give a shorter one or" if low else "give"
        raise ValueError(
            f"adversary: the grid of {2 * self.half_width(self.landing) + 1} points for {self.steps} steps with landing={self.landing}"
            f" does not fit into {8 * LARGEST / 1e6:.0f} MB: {advice} a smaller landing"
        )


def _widest(numbers: int) -> int:
    """The largest half width for so many numbers a point."""
    return int((LARGEST / numbers - 1) // 2)


def _one_policy(landing: int) -> int:
    """Numbers a point of one policy for all steps: the band of its system, and the factors."""
    return 4 * FIELDS + 6 * landing


def _coarse_half(policy: Policy) -> tuple[int, int]:
    """Half width of the coarsest grid that is wide enough, and its landing."""
    landing = min(max(COARSE, math.ceil(policy.threshold / (2 * policy.sigma))), policy.landing)
    limit = min(policy.steps * landing, policy.widest(landing))
    half, value = min(policy.half_width(landing), limit), -math.inf
    while True:
        grid = Grid(policy, landing, half)
        if policy.recorded:
            found = grid.programme(policy.steps, record=False)[0][-1] / policy.steps
        else:
            found = math.ldexp(best_rate(grid, policy.steps).rate, grid.exponent)
        if half == limit:
            return half, landing
        if found <= value * (1 + ENOUGH):
            return half // 2, landing  # the last doubling gained nothing
        half, value = min(2 * half, limit), found


@lru_cache(maxsize=4)
def _tables(policy: Policy) -> Tables:
    policy.check_memory()
    half, coarse = _coarse_half(policy)
    half = min(math.ceil(half / coarse * policy.landing), policy.widest(policy.landing))
    grid = Grid(policy, policy.landing, half)
    place = (grid.first, grid.spacing, grid.count, grid.start)
    if policy.recorded:
        totals, begins, stages = grid.programme(policy.steps)
        return Tables(*place, begins, stages, totals)
    best = best_rate(grid, policy.steps)
    return Tables(*place, np.zeros(1, dtype=int), [best.table], *run_through(grid, best, policy.steps))
