"""How many trajectories the first look has: before one is simulated, from what is proved about the quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..bounds import HypothesesFail
from .by_law import work_of
from .decide import proved_range
from .looks import look_error
from .means import NORMAL_COUNT, choose_cuts, facts_of

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray
    from ..bounds.base import Bound
    from ..methods.base import Setting

FIRST_WORK = 2**21  # coordinate updates of the first look: about what a look takes besides
MOST_WORK = 2**27  # of a first look from which a normal band may be used: half a second
CLOSE = 0.05  # relative width that a look aims at


def first_count(
    setting: Setting, steps: int, at: IntArray, bounds: list[Bound], error: float, values: dict[int, FloatArray]
) -> int:
    """Trajectories of the first look at checkpoints `at` >= 1; `values` is filled as in `decide`.

    The width of a band has a part that falls like 1/n and follows from what is proved alone. The first look is the first of 64, 128 and 256
    trajectories at which that part is `CLOSE` to the bound. Where none is, it is 256, from where on a normal band may be used, or
    if that takes long as many as take about as long as judging them.
    """
    work = max(work_of(setting, steps), 1)
    counts = [_for_bound(setting, at, bound, k, error / (2 * len(bounds)), values) for k, bound in enumerate(bounds)]
    wanted = max(counts, default=0)
    if 0 < wanted <= NORMAL_COUNT:
        return wanted
    if NORMAL_COUNT * work <= MOST_WORK:
        return NORMAL_COUNT
    return int(np.clip(64 * 2 ** round(np.log2(max(FIRST_WORK / (64 * work), 1.0))), 64, NORMAL_COUNT))


def _for_bound(
    setting: Setting, at: IntArray, bound: Bound, number: int, error: float, values: dict[int, FloatArray]
) -> int:
    """64, 128 or 256; 0 for a bound that needs no band; 512 where none of them is enough."""
    if not at.size or bound.kind not in ("upper", "lower") or bound.aggregate != "mean":
        return 0
    try:
        values[number] = bound.value(setting, at)
        proved = proved_range(setting, bound.quantity, tuple(at.tolist()), bound.accept_sampled)
    except (HypothesesFail, ValueError):  # no verdict, or one that `decide` explains
        return 0
    facts = facts_of(setting, bound.quantity, at, proved, bound.accept_sampled)
    error = look_error(error, 1) / at.size
    for count in (64, 128, NORMAL_COUNT):
        cut, excess = choose_cuts(facts, count, error)
        with np.errstate(invalid="ignore", over="ignore"):
            if np.all(cut * np.log(1 / error) / count + excess <= CLOSE * np.abs(values[number])):
                return count
    return 2 * NORMAL_COUNT
