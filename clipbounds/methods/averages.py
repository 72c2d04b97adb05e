"""Averages of the iterates as measured quantities: what ``averages=True`` of a method asks for.

* The running (Polyak) average after t steps is the mean of x_0, ..., x_{t-1}.
* The tail average is the mean of x_s over h <= s < t, where h is the largest power of two with 2h < t, or 0 for t <= 2: t/4 <= h < t/2,
  so the tail is more than the last half and at most the last three quarters. It depends on t alone, neither on the
  checkpoints nor on how many steps are asked for, and three sums are kept, whatever t is.

At t = 0 both are x_0. On rows of a dataset, where the norm of the full gradient is otherwise taken at some steps only, a run
with averages takes it at every step, and so at the cost of n more rows a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES, unpack
from .average_kernels import BEFORE, BLOCKS, EARLY, LAST

if TYPE_CHECKING:
    from ..array_types import FloatArray
    from .base import Method, Setting
    from .blocks import Block

MEASURED = {
    "gap_of_average": "f(xbar) - f_star, xbar the mean of x_s over s < t (x_0 at t = 0)",
    "distance_of_average": "distance of xbar to the nearest minimiser",
    "gap_of_tail_average": "f(xtail) - f_star, xtail the mean of x_s over h <= s < t, h the power of two in [t/4, t/2), 0 for t <= 2",
    "distance_of_tail_average": "distance of xtail to the nearest minimiser",
}


def own_measured(method: Method) -> dict[str, str]:
    """The quantities that a run of this method has besides those of all runs, names with descriptions."""
    return {**method.extra_measured, **MEASURED} if method.averages else method.extra_measured


def tail_start(step: int) -> int:
    """The first step of the tail average after `step` >= 0 steps."""
    return 1 << ((step - 1).bit_length() - 2) if step > 2 else 0


def averages_of(setting: Setting, block: Block) -> tuple[FloatArray, FloatArray]:
    """The running and the tail average of the 64 trajectories of a block, each (LANES, dim)."""
    dim, t = setting.problem.dim, int(block.step)
    if t == 0:
        start = unpack(block.iterate(dim)[np.newaxis], LANES)
        return start, start
    size = dim * LANES
    sums = unpack(block.vectors[-BLOCKS * size :].reshape(BLOCKS, size), BLOCKS * LANES).reshape(BLOCKS, LANES, dim)
    tail = sums[BEFORE] + sums[LAST]
    return (sums[EARLY] + tail) / t, tail / (t - tail_start(t))


def observe(setting: Setting, block: Block) -> list[FloatArray]:
    """The quantities of `MEASURED`, one row each; none if the method was not asked for them."""
    if not setting.method.averages:
        return []
    found, problem = [], setting.problem
    for x in averages_of(setting, block):
        distance = problem.distance(x)
        found += [problem.gap(x), np.full(LANES, np.nan) if distance is None else distance]
    return found
