"""The compiled loop of (clipped) stochastic gradient descent."""

import math

from ..clipping.base import CLIP
from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.norms import add, add_scaled, copy, decay_and_add, lane_norms, scale_in_place
from ..lanes.views import row, rows
from ..noise.window import DIM, noisy_copy
from ..problems.base import GRADIENT
from .base import ADVANCE, CLIP_AT, CLIPPED, DIVERGED, FILL_AT, GRADIENT_AT, MINIMUM, NORM, SCRATCH, SUM

gradient_at = function_at(GRADIENT)
clip_at = function_at(CLIP)


@device
def track(g, lanes, dim, step):
    """Norm of the true gradient at x_step into the running sum and minimum; flag lanes that are no longer finite."""
    norms, total, lowest = row(lanes, NORM), row(lanes, SUM), row(lanes, MINIMUM)
    lane_norms(g, norms, dim)
    finite = 0
    for l in range(LANES):
        total[l] += norms[l]
        lowest[l] = norms[l] if norms[l] < lowest[l] else lowest[l]  # nan leaves it as it is
        finite += 1 if norms[l] < math.inf else 0
    if finite < LANES:
        diverged = row(lanes, DIVERGED)
        for l in range(LANES):
            if not norms[l] < math.inf and diverged[l] < 0.0:
                diverged[l] = step


@kernel(ADVANCE)
def sgd(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: step size, batch size, 1 to clip each sample, momentum. Blocks: x, g, v, sum of the batch, momentum."""
    step_size, batch, per_sample, momentum = method[0], int(method[1]), method[2] > 0.0, method[3]
    dim = plan[DIM]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    total, memory = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        for k in range(batch):
            noisy_copy(g, v, buffer, plan, step * batch + k, noise, words, addresses[FILL_AT])
            if per_sample:
                operator(v, counts, dim, k, clip)
            if batch > 1 and k == 0:
                copy(v, total)
            elif batch > 1:
                add(v, total)
        if batch > 1:
            copy(total, v)
            scale_in_place(1.0 / batch, v)
        if not per_sample:
            operator(v, counts, dim, 0, clip)
        if momentum > 0.0:
            decay_and_add(momentum, v, memory)
            add_scaled(-step_size, memory, x)
        else:
            add_scaled(-step_size, v, x)
