"""The Markov chain that a policy makes of clipped SGD on the line: where it goes, and the variance of what it earns.

Under its policy the iterate stays on the landing grid, or leaves it for good along the path without noise (`Adaptive`: beyond the
grid the gradient is exact). Let S_k be the sum of |f'| over k steps from x, V_k(x) = E S_k and W_k(x) = Var S_k. Given the next point
y the sum is |f'(x)| + S_{k-1} from y, so by the law of total variance

    W_k(x) = Var V_{k-1}(y) + E W_{k-1}(y),  W_0 = 0,

and W_k = 0 on a path without noise. All are finite sums over the atoms of the policy: nothing is sampled or interpolated.

Rounding. V is kept up to a constant, within the range of its differences R, and a step adds at most 8 eps R to its error, because
averages enlarge none: after T steps it is below 8 T eps R. So Var V changes by at most 16 T eps R², the sum over T steps divided by
T² by at most 16 eps R², and twice this is added. Rounding of a weight or of W itself is relative, T times a few eps.
"""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .chain_kernels import advance_variance
from .landing_kernels import ATOMS, FIELDS

if TYPE_CHECKING:
    from ..array_types import ArrayLike, BoolArray, FloatArray
    from .landing import Policy

WORK = 1e9  # points times steps: some seconds
LONGEST = 200_000  # steps of a path without noise that are followed one by one
AT_ONCE = 4096  # steps in one call
EPS = float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """Where the iterates of a policy go.

    Attributes
    ----------
    low, high : float, ends of an interval that holds x_t for all t up to the horizon; infinite where that is not known
    exits : dict of an index beyond the grid to what is earned along the path from there: |f'| at each of its steps
    points : ndarray of int, indices of all points on the grid that are reached
    known : bool, whether what leaves the grid lies on a path without noise that does not return
    """

    low: float
    high: float
    exits: dict
    points: np.ndarray
    known: bool


def _landings(policy: Policy) -> BoolArray:
    """(count, 2 landing + 1) bool: whether some stage moves from a point by -landing .. landing cells."""
    tables, M = policy.tables, policy.landing
    found = np.zeros((tables.count, 2 * M + 1), dtype=bool)
    for stage in tables.stages:
        rows = stage.reshape(tables.count, FIELDS)
        for k in range(ATOMS):
            used = np.flatnonzero(rows[:, ATOMS + k] > 0)
            found[used, M - rows[used, 2 * ATOMS + k].astype(int)] = True
    return found


def _path(policy: Policy, x: float) -> tuple[FloatArray, float, float] | None:
    """|f'| at each step of the path without noise from x and the ends of that path, or None if it returns to the grid."""
    tables, costs, seen = policy.tables, [], [x]
    for _ in range(min(policy.steps, LONGEST + 1)):
        place = (x - tables.first) / tables.spacing
        if -0.5 - 1e-6 < place < tables.count - 0.5 + 1e-6:
            return None
        slope = float(policy.problem.gradient(np.array([x]))[0])
        costs.append(abs(slope))
        then = x - policy.step_size * min(max(slope, -policy.threshold), policy.threshold)
        if then == x or not math.isfinite(then):
            break
        x = then
        seen.append(x)
    whole = len(costs) == policy.steps or then == x
    return (np.array(costs), min(seen), max(seen)) if whole else None


@lru_cache(maxsize=8)
def chain_of(policy: Policy) -> Chain:
    """The `Chain` of a policy."""
    tables, M = policy.tables, policy.landing
    moves = _landings(policy)
    seen = np.zeros(tables.count, dtype=bool)
    seen[tables.start] = True
    fresh, left = seen, set()
    while fresh.any():
        source, move = np.nonzero(moves & fresh[:, np.newaxis])
        target = source + move - M
        inside = (target >= 0) & (target < tables.count)
        left |= set(target[~inside].tolist())
        fresh = np.zeros_like(seen)
        fresh[target[inside]] = True
        fresh &= ~seen
        seen = seen | fresh
    points = np.flatnonzero(seen)
    low, high = (tables.first + tables.spacing * points[[0, -1]]).tolist()
    exits: dict[int, FloatArray] = {}
    for index in sorted(left):
        path = _path(policy, tables.first + tables.spacing * index)
        if path is None:
            return Chain(-math.inf, math.inf, {}, points, False)
        exits[index], low, high = path[0], min(low, path[1]), max(high, path[2])
    # positions are computed by T subtractions
    slack = 4 * EPS * policy.steps * max(abs(low), abs(high), policy.step_size * policy.threshold)
    return Chain(low - slack, high + slack, exits, points, True)


def _earned_beyond(chain: Chain, count: int, M: int, first: int, last: int) -> FloatArray:
    """What is earned in k steps, first <= k < last, from the points less than M cells beyond the grid; 0 where none goes."""
    found = np.zeros((last - first, 2 * M))
    steps = np.arange(first, last)
    for index, costs in chain.exits.items():
        total = np.concatenate([[0.0], np.cumsum(costs)])
        column = index + M if index < 0 else M + index - count
        rest = np.maximum(steps - costs.size, 0) * costs[-1]  # the path has ended at a fixed point
        found[:, column] = total[np.minimum(steps, costs.size)] + rest
    return found


def mean_variance(policy: Policy, steps: ArrayLike) -> FloatArray:
    """Var of (1/t) sum_{s<t} |f'(x_s)| under the noise `Adaptive(policy)`, rounded up.

    Parameters
    ----------
    policy : Policy
    steps : array_like of int in [1, T]

    Returns
    -------
    ndarray of the shape of `steps`; inf beyond the horizon, where the chain is not known, and where the work would be long
    """
    chain, steps = chain_of(policy), np.asarray(steps, dtype=np.int64)
    found = np.full(steps.shape, np.inf)
    together = len(policy.tables.stages) == 1  # one policy: a shorter sum is the same recursion, ended earlier
    usable = (steps >= 1) & (steps <= policy.steps)
    wanted = np.unique(steps[usable])
    work = float(wanted.max(initial=0) if together else wanted.sum()) * policy.tables.count
    if not chain.known or work > WORK:
        return found
    histories = {}
    for horizon in wanted[-1:] if together else wanted:
        histories[int(horizon)] = _history(policy, chain, int(horizon))
    for place in zip(*np.nonzero(usable), strict=True) if steps.ndim else [()] * bool(usable):
        t = int(steps[place])
        history, span = histories[int(wanted[-1]) if together else t]
        found[place] = history[t - 1] / t**2 * (1 + 64 * EPS * t) + 32 * EPS * span**2
    return found


def _history(policy: Policy, chain: Chain, horizon: int) -> tuple[FloatArray, float]:
    """W_k at x0 for k = 1 .. horizon, where the last of the steps is that before the horizon, and the range of V."""
    tables, M = policy.tables, policy.landing
    points = tables.first + tables.spacing * np.arange(tables.count)
    costs = np.abs(policy.problem.gradient(points[:, np.newaxis])[:, 0])
    values, variances = np.zeros(tables.count + 2 * M), np.zeros(tables.count + 2 * M)
    spare, history, span = np.zeros(2 * tables.count + 1), np.zeros(horizon), 0.0
    reached = M + np.array([*chain.points, *chain.exits], dtype=int)
    k = 0
    while k < horizon:
        to_go = policy.steps - horizon + k
        stage = int(np.searchsorted(tables.begins, to_go, side="right")) - 1
        ends = tables.begins[stage + 1] - to_go + k if stage + 1 < len(tables.begins) else horizon
        last = int(min(horizon, ends, k + AT_ONCE))
        beyond = _earned_beyond(chain, tables.count, M, k, last).ravel()
        part = history[k:last]
        advance_variance(costs, values, variances, spare, beyond, tables.stages[stage], part, tables.start, M, last - k)
        span = max(span, float(np.ptp(values[reached])))
        k = last
    return history, span
