"""The loop of (clipped) SGD on rows of a dataset: a full gradient costs n rows, so it is evaluated at some steps only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.elementary import choose
from ..lanes.norms import add_scaled, clear, decay_and_add, lane_norms, squared_norms
from ..lanes.random import TRACKING, threefry, uniform
from ..lanes.views import row, rows
from ..noise.window import DIM
from ..oracles.row_kernels import (
    COUNT,
    KIND,
    MEAN_OF_ROWS,
    SHUFFLED,
    TRACKED_EVERY,
    WITH,
    distinct_rows,
    independent_rows,
    shuffled_rows,
)
from .base import (
    ADVANCE,
    CLIP_AT,
    CLIPPED,
    DIVERGED,
    FILL_AT,
    GRADIENT_AT,
    MINIMUM,
    NORM,
    SCRATCH,
    SQUARES,
    SUM,
    TAKEN,
    WEIGHTED,
    WEIGHTS,
)
from .kernels import clip_at, gradient_at
from .schedule_kernels import prepare, step_and_radius, what_changes

if TYPE_CHECKING:
    from typing import Any

rows_at = function_at(MEAN_OF_ROWS)
# blocks behind those of `kernels.sgd`: iterates at the tracked steps, scratch of the row kernel (2); then a row for the
# tracked steps, one for each sample of a batch, and for shuffled rows one for each row of the dataset
SNAPSHOT, WORK = 5, 6
BLOCKS_BEHIND, ROWS_BEHIND = 3, 1
SHARE_OF_TRACKING = 4  # by default a full gradient is evaluated once in so many times n rows


def rows_behind(dim: int, batch: int, noise: Any) -> int:
    """Rows of LANES numbers behind the blocks of `kernels.sgd`."""
    return BLOCKS_BEHIND * dim + ROWS_BEHIND + batch + (noise.components if noise.kind == SHUFFLED else 0)


@device
def plan_tracking(at, start, stop, words):
    """A step of [start, stop) for each lane, uniformly and independently of the noise and of other lanes."""
    for l in range(LANES):
        word, _ = threefry(words[0], TRACKING, np.uint64(start), words[1] + np.uint64(l))
        at[l] = start + math.floor(uniform(word) * (stop - start))


@device
def take_snapshots(at, step, x, snapshot, dim):
    """Copy the iterates of the lanes that are tracked at this step."""
    for l in range(LANES):
        if at[l] == step:
            for k in range(dim):
                snapshot[k * LANES + l] = x[k * LANES + l]


@device
def track_snapshots(g, lanes, at, weight, dim):
    """The norm of the gradient at a lane's tracked step stands for the `weight` steps of its piece."""
    norms, total, lowest, diverged = row(lanes, NORM), row(lanes, SUM), row(lanes, MINIMUM), row(lanes, DIVERGED)
    squares = row(lanes, SQUARES)
    lane_norms(g, norms, dim)
    for l in range(LANES):
        total[l] += weight * norms[l]
        squares[l] += weight * norms[l] * norms[l]
        lowest[l] = choose(norms[l] < lowest[l], norms[l], lowest[l])
    for l in range(LANES):
        if not norms[l] < math.inf and diverged[l] < 0.0:
            diverged[l] = at[l]


@device
def keep_weight(at, step, step_size, lanes):
    """The step size of this step, for the lanes that are tracked at it."""
    taken = row(lanes, TAKEN)
    for l in range(LANES):
        taken[l] = choose(at[l] == step, step_size, taken[l])


@device
def weigh_snapshots(lanes, weight):
    """Step size times norm of a lane's tracked step stands for the `weight` steps of its piece."""
    weighted, taken, norms = row(lanes, WEIGHTED), row(lanes, TAKEN), row(lanes, NORM)
    for l in range(LANES):
        weighted[l] += weight * taken[l] * norms[l]


@device
def add_projected(weight, v, radius, target, counts, dim):
    """target += weight·(v projected on the ball) on every lane; False, and nothing done, if a norm is unsafe."""
    engaged, factor = row(counts, 0), row(counts, 1)
    if not squared_norms(v, factor, dim):
        return False
    for l in range(LANES):
        ratio = radius / math.sqrt(factor[l])
        kept = ratio >= 1.0
        factor[l] = weight if kept else weight * ratio
        engaged[l] += 0.0 if kept else 1.0
    for k in range(dim):
        vk, to = row(v, k), row(target, k)
        for l in range(LANES):
            to[l] += factor[l] * vk[l]
    return True


@kernel(ADVANCE)
def sgd(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: those of `methods.sgd.sgd_parameters`; noise: those of an oracle with a `row_kernel`."""
    step_size, groups, together, momentum = method[0], int(method[1]), int(method[2]), method[3]
    radius, growth = method[4], method[5]
    dim, kind, n, batch = plan[DIM], noise[KIND], int(noise[COUNT]), groups * together
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, memory = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim)
    snapshot, work = rows(vectors, SNAPSHOT * dim, dim), rows(vectors, WORK * dim, 2 * dim)
    behind = (WORK + 2) * dim
    at, chosen = row(vectors, behind), rows(vectors, behind + ROWS_BEHIND, batch)
    order = rows(vectors, behind + ROWS_BEHIND + batch, n if kind == SHUFFLED else 0)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    mean_of_rows = rows_at(addresses[FILL_AT])
    every = int(noise[TRACKED_EVERY])
    if every == 0:
        every = max(1, SHARE_OF_TRACKING * n // batch)
    pieces = (last - first + every - 1) // every
    begin = end = first
    done = 0
    changing = what_changes(method)
    for step in range(first, last):
        if step == end:
            done += 1
            begin, end = end, first + (last - first) * done // pieces
            plan_tracking(at, begin, end, words)
        take_snapshots(at, step, x, snapshot, dim)
        if kind == WITH:
            independent_rows(chosen, step * batch, batch, n, words)
        elif kind == SHUFFLED:
            shuffled_rows(chosen, order, step * batch, batch, n, words)
        else:
            distinct_rows(chosen, step * batch, batch, n, words)
        if changing != 0:
            place = (step - first) & (LANES - 1)
            if place == 0:
                prepare(step, last, method, addresses, lanes)
            step_size, radius = step_and_radius(place, step_size, radius, changing, lanes, clip)
            lanes[WEIGHTS * LANES] += step_size
            keep_weight(at, step, step_size, lanes)
        clear(estimate)
        for k in range(groups):
            mean_of_rows(x, v, work, chosen, problem, dim, k * together, together)
            size = radius if growth == 0.0 else radius * (k + 1.0) ** growth
            if not (radius > 0.0 and add_projected(1.0 / groups, v, size, estimate, counts, dim)):
                operator(v, counts, dim, k, clip)
                add_scaled(1.0 / groups, v, estimate)
        if momentum > 0.0:
            decay_and_add(momentum, estimate, memory)
            add_scaled(-step_size, memory, x)
        else:
            add_scaled(-step_size, estimate, x)
        if step + 1 == end:
            gradient(snapshot, g, dim, problem)
            track_snapshots(g, lanes, at, end - begin, dim)
            if changing != 0:
                weigh_snapshots(lanes, end - begin)
