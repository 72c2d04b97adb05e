"""The compiled loop of (clipped) stochastic gradient descent: on the batch, on single samples, and in between."""

import math

from ..clipping.base import CLIP
from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.elementary import choose
from ..lanes.norms import add_scaled, clear, decay_and_add, lane_norms, squared_norms
from ..lanes.views import row, rows
from ..noise.window import DIM
from ..problems.base import GRADIENT
from .base import ADVANCE, CLIP_AT, CLIPPED, DIVERGED, FILL_AT, GRADIENT_AT, MINIMUM, NORM, SCRATCH, SQUARES, SUM
from .clipped_sample import add_clipped, mean_sample, one_sample
from .schedule_kernels import prepare, step_and_radius, weigh, what_changes

gradient_at = function_at(GRADIENT)
clip_at = function_at(CLIP)


@device
def track(g, lanes, dim, step):
    """Norm of the true gradient at x_step into running sums and minimum; flag lanes that are no longer finite."""
    norms, total, lowest, squares = row(lanes, NORM), row(lanes, SUM), row(lanes, MINIMUM), row(lanes, SQUARES)
    if dim > 1 and squared_norms(g, norms, dim):  # the root in the pass that uses it: the divider works beside the rest
        for l in range(LANES):
            square = norms[l]
            norm = math.sqrt(square)
            norms[l] = norm
            squares[l] += square
            total[l] += norm
            lowest[l] = choose(norm < lowest[l], norm, lowest[l])
        return
    lane_norms(g, norms, dim)
    finite = 0
    for l in range(LANES):
        total[l] += norms[l]
        squares[l] += norms[l] * norms[l]
        lowest[l] = choose(norms[l] < lowest[l], norms[l], lowest[l])  # nan leaves it as it is
        finite += 1 if norms[l] < math.inf else 0
    if finite < LANES:
        diverged = row(lanes, DIVERGED)
        for l in range(LANES):
            if not norms[l] < math.inf and diverged[l] < 0.0:
                diverged[l] = step


@kernel(ADVANCE)
def sgd(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: those of `methods.sgd.sgd_parameters`. Blocks: x, g, scratch, the clipped estimate, momentum."""
    step_size, groups, together, momentum = method[0], int(method[1]), int(method[2]), method[3]
    radius, growth = method[4], method[5]
    dim, fill = plan[DIM], addresses[FILL_AT]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, memory = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    direct = momentum == 0.0 and groups == 1  # the estimate goes into x at once
    weight = -step_size if direct else 1.0 / groups
    changing = what_changes(method)
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        if changing != 0:
            place = (step - first) & (LANES - 1)
            if place == 0:
                prepare(step, last, method, addresses, lanes)
            step_size, radius = step_and_radius(place, step_size, radius, changing, lanes, clip)
            weigh(step_size, row(lanes, NORM), lanes)
            weight = -step_size if direct else weight
        if not direct:
            clear(estimate)
        for k in range(groups):
            sample = (step * groups + k) * together
            if together == 1:
                at = one_sample(buffer, plan, sample, noise, words, fill)
            else:
                at = mean_sample(buffer, plan, sample, together, noise, words, fill)
            xi = rows(buffer, at, dim)
            size = radius if growth == 0.0 else radius * (k + 1.0) ** growth
            add_clipped(weight, g, xi, v, x if direct else estimate, counts, dim, k, size, operator, clip)
        if direct:
            continue
        if momentum > 0.0:
            decay_and_add(momentum, estimate, memory)
            add_scaled(-step_size, memory, x)
        else:
            add_scaled(-step_size, estimate, x)
