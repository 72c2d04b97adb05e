"""The adversary of clipped SGD on the line: what it does at every point and step, as a value that can be recomputed."""

import dataclasses
import math
from functools import lru_cache

import numpy as np

from ..problems import Problem
from ..specs import POSITIVE, Interval, Spec, integer, parameter
from .landing_kernels import FIELDS, evaluate, improve

EVERY, RATIO = 24, 12  # the policy is improved at each of the last EVERY steps, then RATIO times in each factor e
LARGEST = 6e7  # numbers of a recorded policy: 480 MB
DYNAMIC = 20_000  # steps up to which the dynamic programme runs; longer horizons use one policy for all steps
COARSE, ENOUGH = 2, 1e-4  # landings while the grid grows, and the gain at which it stops
SWEEPS = 40  # policy iterations of a long horizon
WARMTH = (1, 1, 2, 4, 8, 32, 128)  # steps of the dynamic programme before them, with one policy each
TAIL_WORK = 2e8  # points times steps of the last part of a long horizon, which is run through


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
    residual : float, rounding and truncation that `rate` has paid for
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

    def mean(self, steps):
        """The mean gradient norm over the first `steps` steps that the adversary of this horizon attains."""
        steps = np.asarray(steps)
        short = self.totals[np.minimum(steps, self.totals.size).astype(int) - 1] / steps
        return np.where(steps <= self.totals.size, short, np.maximum(self.rate + self.offset / steps, 0.0))


class Grid:
    """Points x0 + k eta c/landing, |k| <= half, with the gradient there."""

    def __init__(self, policy, landing, half):
        self.policy, self.landing, self.half = policy, landing, half
        self.spacing = policy.step_size * policy.threshold / landing
        x = float(policy.problem.x0[0]) + self.spacing * np.arange(-half, half + 1)
        self.count, self.start, self.first = x.size, half, float(x[0])
        gradient = policy.problem.gradient(x[:, np.newaxis])[:, 0]
        # where the gradient leaves the range of floats the point counts as lost
        self.costs = np.where(np.isfinite(gradient), np.abs(gradient), 0.0)
        self.slopes = np.where(np.isfinite(gradient), gradient / policy.threshold, 0.0)
        self.numbers = np.array([(policy.sigma / policy.threshold) ** policy.p, policy.p, landing, 0.0])
        self.scratch = np.zeros(4 * landing + 2)
        self.values, self.spare = np.zeros(x.size), np.zeros(x.size)
        self.gammas = np.zeros(x.size)

    def improved(self):
        """The best law for the next step at every point, given the values."""
        table = np.empty(FIELDS * self.count)
        improve(self.slopes, self.values, table, self.gammas, self.numbers, self.scratch, self.count)
        return table

    def programme(self, steps, record=True):
        """The dynamic programme for all horizons up to `steps`; beyond the grid nothing is earned any more."""
        totals, begins, stages = np.zeros(steps), [], []
        k = 0
        while k < steps:
            table = self.improved()
            if record:
                begins.append(k)
                stages.append(table)
            last = min(steps, k + 1 if k < EVERY else k + max(1, k // RATIO))
            evaluate(self.costs, self.values, self.spare, table, totals, 0.0, self.start, self.count, k, last)
            k = last
        return totals, np.array(begins), stages

    def _rows(self, table):
        rows = table.reshape(self.count, FIELDS)
        target = np.arange(self.count)[:, np.newaxis] - rows[:, 8:].astype(int)
        return rows[:, 4:8], target

    def _moved(self, table, values, outside):
        """E of the values at the next points."""
        weights, target = self._rows(table)
        inside = (target >= 0) & (target < self.count)
        return np.sum(weights * np.where(inside, values[np.clip(target, 0, self.count - 1)], outside), axis=1)

    def _solved(self, table, outside):
        """h with rate + h = |f'| + E h(next), h(x0) = 0 and h = outside beyond the grid, and the rate."""
        from scipy.linalg import solve_banded

        weights, target = self._rows(table)
        M, size = self.landing, self.count
        band = np.zeros((2 * M + 1, size))  # band[M + i - j, j] = (I - P)[i, j]
        band[M] = 1.0
        inside = (target >= 0) & (target < size)
        source = np.broadcast_to(np.arange(size)[:, np.newaxis], target.shape)
        np.add.at(band, (M + source[inside] - target[inside], target[inside]), -weights[inside])
        lost = np.sum(np.where(inside, 0.0, weights), axis=1)
        a = self.start
        columns = np.arange(max(0, a - M), min(size, a + M + 1))
        band[M + a - columns, columns] = 0.0
        band[M, a] = 1.0
        right = np.stack([self.costs + lost * outside, np.ones(size)], axis=1)
        right[a] = 0.0
        earned, time = solve_banded((M, M), band, right).T
        rate = self.costs[a] + self._moved(table, earned, outside)[a]
        rate /= 1 + self._moved(table, time, 0.0)[a]
        return earned - rate * time, rate

    def stationary(self, steps):
        """One policy for all steps, by policy iteration: (table, totals, rate, offset, residual), or None.

        If rate + h(x) <= |f'(x)| + E h(next) on the grid, and the policy earns V_k >= h + D on the grid and V_k >= 0 >= H + D beyond it,
        h being H there, then by induction it earns at least (T-k) rate + h(x0) + D in T >= k steps: h(x) <= |f'(x)| - rate + E h(next)
        on the grid, and beyond it nothing is needed, because H + D + (T-k) rate <= 0. V_k is run through, D = min(V_k - h). The rate
        has paid for the largest residual of the linear system.
        """
        outside = -steps * float(self.costs.max())  # h(x0) = 0
        self.numbers[3] = outside
        for count in WARMTH:
            table, totals = self.improved(), np.zeros(count)
            evaluate(self.costs, self.values, self.spare, table, totals, 0.0, self.start, self.count, 0, count)
        best = None
        for _ in range(SWEEPS):
            table = self.improved()
            h, rate = self._solved(table, outside)
            if not np.all(np.isfinite(h)):
                break
            residual = self.costs + self._moved(table, h, outside) - rate - h
            # the sums of four products of numbers of the size of h
            certain = rate + float(residual.min()) - 16 * np.finfo(float).eps * float(np.abs(h).max())
            if best is not None and certain <= best[1] * (1 + 1e-7):
                break
            best = (table, certain, h, rate - certain)
            self.values[:] = h
        if best is None:
            return None
        table, rate, h, residual = best
        totals = np.zeros(int(min(DYNAMIC, max(1, TAIL_WORK // self.count))))
        self.values[:] = 0.0
        evaluate(self.costs, self.values, self.spare, table, totals, 0.0, self.start, self.count, 0, totals.size)
        lift = min(float(np.min(self.values - h)), -outside - steps * rate)
        return table, totals, rate, float(h[self.start]) + lift - totals.size * rate, residual


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

    def validate(self):
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
    def tables(self):
        """`Tables`, computed once."""
        return _tables(self)

    def half_width(self, landing):
        """Grid points on each side of x0 to begin with: some steps, and the width of a diffusion until it relaxes."""
        pair = self.problem.smoothness.first_order()
        relaxation = 1 / (self.step_size * pair.L0) if pair.L0 > 0 else math.inf
        return math.ceil(landing * (8 + 4 * math.sqrt(min(self.steps, relaxation))))

    def _allowed(self, half):
        """The half width within reach, or ValueError if the tables would not fit into memory."""
        half = min(half, self.steps * self.landing)
        stages = (
            1 if self.steps > DYNAMIC else min(self.steps, EVERY + RATIO * math.log(max(self.steps / EVERY, 1)) + 1)
        )
        need = (2 * half + 1) * stages * FIELDS
        if need > LARGEST:
            raise ValueError(
                f"adversary: the grid of {2 * half + 1} points and {stages:.0f} stages needs {8 * need / 1e6:.0f} MB, and"
                f" {8 * LARGEST / 1e6:.0f} are allowed; give a smaller landing than {self.landing} or a shorter horizon than"
                f" {self.steps}"
            )
        return half


@lru_cache(maxsize=4)
def _tables(policy):
    coarse = max(COARSE, math.ceil(policy.threshold / (2 * policy.sigma)))
    coarse = min(coarse, policy.landing)
    half, value = policy.half_width(coarse), -math.inf
    while True:
        half = policy._allowed(half)
        grid = Grid(policy, coarse, half)
        if policy.steps <= DYNAMIC:
            found = grid.programme(policy.steps, record=False)[0][-1] / policy.steps
        else:
            best = grid.stationary(policy.steps)
            found = best[2] + best[3] / policy.steps if best else 0.0
        if half == policy.steps * coarse or found <= value * (1 + ENOUGH):
            break
        half, value = 2 * half, found
    cells = half if half == policy.steps * coarse else half // 2  # the last doubling gained nothing
    half = policy._allowed(math.ceil(cells / coarse * policy.landing))
    grid = Grid(policy, policy.landing, half)
    place = (grid.first, grid.spacing, grid.count, grid.start)
    if policy.steps <= DYNAMIC:
        totals, begins, stages = grid.programme(policy.steps)
        return Tables(*place, begins, stages, totals)
    best = grid.stationary(policy.steps)
    if best is None:
        raise ValueError(
            f"adversary: no stationary policy was found for {policy!r}; give a horizon of at most {DYNAMIC} steps"
        )
    return Tables(*place, np.zeros(1, dtype=int), [best[0]], *best[1:])
