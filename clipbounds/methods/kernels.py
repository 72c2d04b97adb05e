"""The compiled loop of (clipped) stochastic gradient descent."""

import math

from ..clipping.base import CLIP
from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.norms import add, add_scaled, copy, decay_and_add, lane_norms, row, scale_in_place
from ..noise.window import DIM, add_sample
from ..problems.base import GRADIENT
from .base import ADVANCE, CLIP_AT, CLIPPED, DIVERGED, FILL_AT, GRADIENT_AT, MINIMUM, NORM, SCRATCH, SUM

gradient_at = function_at(GRADIENT)
clip_at = function_at(CLIP)


@device
def track(g, lanes, dim, step):
    """Norm of the true gradient at x_step into the running sum and minimum; flag lanes that are no longer finite."""
    norms, total, lowest = row(lanes, NORM), row(lanes, SUM), row(lanes, MINIMUM)
    lane_norms(g, norms, dim)
    for l in range(LANES):
        total[l] += norms[l]
        lowest[l] = norms[l] if norms[l] < lowest[l] else lowest[l]  # nan leaves it as it is
    finite = 0
    for l in range(LANES):
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
    size = dim * LANES
    x, g, v = vectors[:size], vectors[size : 2 * size], vectors[2 * size : 3 * size]
    total, memory = vectors[3 * size : 4 * size], vectors[4 * size : 5 * size]
    counts = lanes[CLIPPED * LANES : (SCRATCH + 1) * LANES]
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        for k in range(batch):
            copy(g, v)
            add_sample(v, buffer, plan, step * batch + k, noise, words, addresses[FILL_AT])
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
