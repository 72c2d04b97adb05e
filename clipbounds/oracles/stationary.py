"""Long horizons of the adversary on the line: one policy for all steps, and what it earns at least.

**Discount.** For the discount 1 - delta, delta much below 1/T, a policy is worth V = |f'| + (1 - delta) P V, where P are the
probabilities on the grid and nothing is earned beyond it. The matrix I - (1 - delta)P is diagonally dominant, whatever the policy
does, so that the system can be solved where the average-cost equations are singular (a policy that does not return to x0) or nearly
so (two wells). The policy is improved, V solved again, and so on. h = V - V(x0).

**Certificate.** Let l < 0, A the points where h > l, h replaced by l elsewhere and beyond the grid, rate <= |f'| + E h(next) - h on A,
and D <= min over A of (V_K - h), with V_K the sum over K steps of the policy, which is run through. If also l + D + (T-K) rate <= 0,
then V_k >= (k-K) rate + h + D for K <= k <= T: outside A the right side is at most 0, and on A
V_{k+1} = |f'| + P V_k >= |f'| + E h(next) + (k-K) rate + D >= (k+1-K) rate + h + D. So V_T(x0) >= (T-K) rate + D. Where this says
little, because T is no longer than the policy needs to settle, V_T >= V_K still holds: |f'| >= 0.

How h was found does not matter. With g = delta V(x0) and l = -2 T g the residual |f'| + E h(next) - h = delta E V(next) is at least
g(1 - 2 delta T) on A, if h solves its system: points that never reach the good ones cost nothing.

**Residual.** If u >= |f'| + E h(next) - h for the best law at every point, with h = 0 at x0 and beyond the grid, no sequence of laws
on this grid earns more than T u - min h, by the same induction from V_0 = 0. At points less than a longest step from an end of the
grid u knows the law that moves least only, which all policies here have there (`landing_kernels`): sequences with other laws at
these points are not covered. This h is found by another policy iteration, for which a point beyond the grid is as good as x0: a
good bound where f' points back into the grid at both ends, a poor one where the adversary could push the iterate out.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from .landing_kernels import PRECISION

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from .landing_grid import Grid

DISCOUNT = (1e-4, 1e-11)  # delta times the horizon, and the least delta
DEPTH = 2.0  # l over -T g
SWEEPS, GAIN = 40, 1e-7  # policy iterations at most, and the relative gain of the rate at which they end
WARMTH = (1, 1, 2, 4, 8, 32, 128)  # steps of the dynamic programme before them, with one policy each
TAIL_WORK = 1e8  # points times steps that are run through
EPS = float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True, eq=False)
class Rate:
    """A policy for all steps with a rate that it earns, certified, on the points A; h and l are those of the certificate.

    All in the units of the grid. Where nothing is earned from x0 the rate is 0 and A is empty.
    """

    table: np.ndarray
    rate: float
    h: np.ndarray
    level: float


def discount(steps: int) -> float:
    return max(DISCOUNT[0] / steps, DISCOUNT[1])


def solved(grid: Grid, table: FloatArray, delta: float, restart: bool = False) -> tuple[FloatArray, float]:
    """h = V - V(x0) for V = |f'| + (1 - delta) P V, and delta V(x0).

    With `restart`, a point beyond the grid counts as x0 does: h = |f'| + (1 - delta) P h - g with h = 0 beyond the grid and at x0;
    returned are h and g.
    """
    from scipy.linalg import solve_banded  # a fifth of a second to import

    weights, target = grid.transitions(table)
    M, size, a = grid.landing, grid.count, grid.start
    inside = (target >= 0) & (target < size)
    source = np.broadcast_to(np.arange(size)[:, np.newaxis], target.shape)
    band = np.zeros((2 * M + 1, size))  # band[M + i - j, j] = (I - (1-delta) P)[i, j]
    band[M] = 1.0
    np.add.at(band, (M + source[inside] - target[inside], target[inside]), -(1 - delta) * weights[inside])
    # where nothing is lost the time is 1/delta everywhere
    lost = np.sum(np.where(inside, 0.0, weights), axis=1)
    price = np.ones(size) if restart else 1 + (1 / delta - 1) * lost
    earned, time = solve_banded((M, M), band, np.stack([grid.costs, price], axis=1)).T
    g = earned[a] / time[a]
    h = earned - g * time
    # both are of the size 1/delta: their digits end where those of h, which matter, begin
    defect = grid.costs + (1 - delta) * grid.moved(table, h) - h - g * price
    change = solve_banded((M, M), band, defect)
    g += change[a] / time[a]
    return h + change - change[a] / time[a] * time, g


def _residual(grid: Grid, table: FloatArray, h: FloatArray, outside: float) -> tuple[FloatArray, FloatArray]:
    """|f'| + E h(next) - h, and the rounding of it."""
    moved = grid.moved(table, h, outside)
    size = grid.costs + grid.moved(table, np.abs(h), abs(outside)) + np.abs(h)
    return grid.costs + moved - h, 8 * EPS * size


def best_rate(grid: Grid, steps: int) -> Rate:
    """`Rate` by policy iteration; the values of the grid are those of the best policy afterwards."""
    delta = discount(steps)
    for count in WARMTH:
        grid.advance(grid.improved(), np.zeros(count), 0, count)
    best = None
    for _ in range(SWEEPS):
        table = grid.improved()
        h, g = solved(grid, table, delta)
        level = -DEPTH * steps * g
        if not h[grid.start] > level:  # g = 0
            break
        raised = np.maximum(h, level)
        residual, rounding = _residual(grid, table, raised, level)
        rate = float(np.min((residual - rounding)[h > level]))
        if best is not None and not rate > best.rate + GAIN * abs(best.rate):
            break
        best = Rate(table, rate, raised, level)
        grid.values[:] = raised
    best = Rate(table, 0.0, np.zeros(grid.count), 0.0) if best is None else best
    grid.values[:] = best.h
    return best


def most(grid: Grid, best: Rate, steps: int) -> float:
    """A number that no sequence of laws on this grid exceeds in the mean, except for laws near its ends; see above.

    Up to PRECISION of the best law, and in the units of the grid.
    """
    delta = discount(steps)
    table, found = best.table, np.inf
    for _ in range(SWEEPS):
        h, _ = solved(grid, table, delta, restart=True)
        grid.values[:] = h
        table = grid.improved()
        upper, rounding = _residual(grid, table, h, 0.0)
        near = np.lib.stride_tricks.sliding_window_view(np.pad(h, grid.landing, mode="edge"), 2 * grid.landing + 1)
        upper += rounding + PRECISION * (near.max(axis=1) - near.min(axis=1))
        trial = float(upper.max()) - min(0.0, float(h.min())) / steps
        if not trial < found * (1 - GAIN):
            break
        found = trial
    return min(found, float(grid.costs.max()))


def run_through(grid: Grid, best: Rate, steps: int) -> tuple[FloatArray, float, float, float]:
    """(totals, rate, offset, residual): the first K steps one by one, then V_k(x0) >= k rate + offset; see above."""
    limit = most(grid, best, steps)
    totals = np.zeros(int(min(steps, max(1, TAIL_WORK // grid.count))))
    grid.values[:] = 0.0
    grid.advance(best.table, totals, 0, totals.size)
    left = steps - totals.size
    inside = best.h > best.level
    lift = min(float(np.min((grid.values - best.h)[inside], initial=np.inf)), -best.level - left * best.rate)
    offset = lift - totals.size * best.rate
    value = totals[-1] if left == 0 else max(steps * best.rate + offset, totals[-1])
    numbers = (best.rate, offset, max(0.0, limit - value / steps))
    rate, offset, residual = (math.ldexp(number, grid.exponent) for number in numbers)
    return np.ldexp(totals, grid.exponent), rate, offset, residual
