"""The compiled loop of micro-batch clipping: average m samples, clip, average the M clipped means."""

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.norms import add, add_scaled, copy, decay_and_add, scale_in_place
from ..noise.window import DIM, add_sample
from .base import ADVANCE, CLIP_AT, CLIPPED, FILL_AT, GRADIENT_AT, SCRATCH
from .kernels import clip_at, gradient_at, track


@device
def _clear(target):
    for i in range(target.size):
        target[i] = 0.0


@kernel(ADVANCE)
def micro_batch(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: step size, groups M, samples a group m, momentum. Blocks: x, g, group mean, sum of the groups, momentum.

    The noise of a group is summed before the gradient is added: the gradient is the same for all samples of a step.
    """
    step_size, groups, group_size, momentum = method[0], int(method[1]), int(method[2]), method[3]
    dim = plan[DIM]
    size = dim * LANES
    x, g, v = vectors[:size], vectors[size : 2 * size], vectors[2 * size : 3 * size]
    total, memory = vectors[3 * size : 4 * size], vectors[4 * size : 5 * size]
    counts = lanes[CLIPPED * LANES : (SCRATCH + 1) * LANES]
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        for group in range(groups):
            start = (step * groups + group) * group_size
            _clear(v)
            for sample in range(start, start + group_size):
                add_sample(v, buffer, plan, sample, noise, words, addresses[FILL_AT])
            if group_size > 1:
                scale_in_place(1.0 / group_size, v)
            add(g, v)
            operator(v, counts, dim, group, clip)
            if group == 0:
                copy(v, total)
            else:
                add(v, total)
        scale_in_place(1.0 / groups, total)
        if momentum > 0.0:
            decay_and_add(momentum, total, memory)
            add_scaled(-step_size, memory, x)
        else:
            add_scaled(-step_size, total, x)
