"""When a method first reaches an accuracy: by its first iterate, and by its running mean, in gradient evaluations.

Nothing is stored on the way: the kernel keeps a few numbers a lane, and a block stops when all its lanes are done.
"""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from .lanes.blocks import LANES, unpack
from .methods.base import DIVERGED, Setting
from .methods.blocks import new_block
from .methods.spider_kernels import CERTIFIED, COUNT, HIT, PASSED, TARGET
from .methods.watch import Watch
from .run_arrays import CALL_WORK
from .specs import check_integer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from .array_types import ArrayLike, FloatArray
    from .methods.blocks import Block

SHORTEST_CALL = 64  # steps in the first kernel call; calls grow with the run, so that little is done in vain
EVENTS = ("mean", "hit")


@dataclasses.dataclass(frozen=True)
class FirstPassage:
    """First passages of a setting, one entry a trajectory.

    Attributes
    ----------
    hit : ndarray of float, first k with ‖grad F(x_k)‖ <= target; nan if there was none
    mean : ndarray of float, first k at which the mean of the certified quantity over x_0..x_k is <= target; nan for none
    hit_evaluations, mean_evaluations : ndarray of float, gradient evaluations spent before that k
    certified : ndarray of float, mean of the certified quantity over all steps that were run
    steps : ndarray of int, how many these are
    diverged_at : ndarray of int, the first k with a gradient that is not finite, -1 for none
    """

    hit: np.ndarray
    mean: np.ndarray
    hit_evaluations: np.ndarray
    mean_evaluations: np.ndarray
    certified: np.ndarray
    steps: np.ndarray
    diverged_at: np.ndarray


def _record(block: Block, index: int, dim: int) -> FloatArray:
    start = index * dim * LANES
    return block.vectors[start : start + LANES]


def _run_block(
    setting: Setting,
    target: float,
    steps: int,
    seed: int,
    first: int,
    until: str,
    reached: Callable[[FloatArray], ArrayLike] | None,
    every: int,
) -> FloatArray:
    dim = setting.problem.dim

    def make() -> Block:
        block = new_block(setting, seed, first)
        _record(block, TARGET, dim)[:] = target
        return block

    longest = max(1, CALL_WORK // (LANES * dim))
    event, watch = np.full(LANES, np.nan), Watch(setting, make, longest, first)
    block = watch.block
    while block.step < steps:
        stride = every if reached else min(max(SHORTEST_CALL, block.step // 8), longest)
        watch.run_to(min(steps, block.step + stride))
        done = block.row(DIVERGED) >= 0
        if reached:
            at = np.asarray(reached(unpack(block.iterate(dim)[np.newaxis], LANES)), dtype=bool)
            event[at & np.isnan(event)] = block.step
            done |= at | ~np.isnan(event)
        else:
            done |= _record(block, HIT if until == "hit" else PASSED, dim) > 0
        if done.all():
            break
    watch.look()
    count = _record(block, COUNT, dim)
    rows = [np.where(r > 0, r - 1, np.nan) for r in (_record(block, HIT, dim), _record(block, PASSED, dim))]
    if reached:
        rows[0] = event
    return np.stack([*rows, _record(block, CERTIFIED, dim) / np.maximum(count, 1), count, block.row(DIVERGED)])


def first_passage(
    setting: Setting,
    target: float,
    steps: int,
    trajectories: int = LANES,
    seed: int = 0,
    threads: int | None = None,
    until: Literal["mean", "hit"] = "mean",
    *,
    reached: Callable[[FloatArray], ArrayLike] | None = None,
    every: int | None = None,
) -> FirstPassage:
    """Run until every trajectory has reached `target`, or for `steps` steps.

    Parameters
    ----------
    setting : Setting whose method is Spider or MiniBatch
    target : float in (0, inf), the accuracy eps
    steps : int >= 1, the budget
    trajectories : int >= 1; 64 cost as much as one
    seed : int in [0, 2^64)
    threads : int >= 1, optional
    until : "mean" or "hit", what ends a trajectory's run
    reached : callable, optional
        Another event that takes the place of the hit: maps points of shape (64, dim) to 64 booleans.
    every : int >= 1, optional
        Looks for that event every so many steps only, which is its resolution; 1 by default.

    Returns
    -------
    FirstPassage
        Bit-identical for any number of threads.
    """
    if not isinstance(setting, Setting) or not setting.method.takes_oracles:
        raise ValueError(f"first_passage: setting must be a Setting of Spider or MiniBatch, but {setting!r} was given")
    if not (np.ndim(target) == 0 and 0 < target < np.inf):
        raise ValueError(f"first_passage: target must be in (0, inf), but {target!r} was given")
    steps = check_integer("first_passage", "steps", steps, 1)
    setting.check_horizon("first_passage", steps)
    trajectories = check_integer("first_passage", "trajectories", trajectories, 1)
    seed = check_integer("first_passage", "seed", seed, 0)
    threads = (os.cpu_count() or 1) if threads is None else check_integer("first_passage", "threads", threads, 1)
    every = check_integer("first_passage", "every", 1 if every is None else every, 1)
    if until not in EVENTS:
        raise ValueError(f"first_passage: until must be one of {', '.join(EVENTS)}, but {until!r} was given")
    with ThreadPoolExecutor(threads) as pool:
        tables = pool.map(
            lambda first: _run_block(setting, target, steps, seed, first, until, reached, every),
            range(0, trajectories, LANES),
        )
        hit, mean, certified, count, diverged = np.concatenate(list(tables), axis=1)[:, :trajectories]

    def cost(k: FloatArray) -> FloatArray:
        known = ~np.isnan(k)
        spent = setting.method.evaluations(setting.problem, np.where(known, k, 0).astype(np.int64))
        return np.where(known, spent, np.nan)

    return FirstPassage(hit, mean, cost(hit), cost(mean), certified, count.astype(np.int64), diverged.astype(np.int64))
