"""The loops of methods that average gradients first and clip the average: of additive noise, and of any stochastic oracle."""

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.norms import add_scaled, copy, scale_in_place, sum_of
from ..lanes.views import row, rows
from ..noise.window import DIM
from ..oracles.base import STATE_ROWS
from .base import ADVANCE, CLIP_AT, CLIPPED, FILL_AT, GRADIENT_AT, NORM, SCRATCH
from .clipped_sample import mean_sample, one_sample
from .kernels import clip_at, gradient_at, track
from .oracle_kernels import STATE, oracle_at
from .row_kernels import add_projected
from .schedule_kernels import prepare, step_and_radius, weigh, what_changes

# the last parameters: what a new estimate counts in the buffer, nu, and whether it is clipped on its way into it
GAIN, MIX, FIRST = 3, 2, 1


@device
def add_operated(weight, source, spare, radius, target, counts, dim, operator, clip):
    """target += weight·clip(source); source stays."""
    if radius > 0.0 and add_projected(weight, source, radius, target, counts, dim):
        return
    copy(source, spare)
    operator(spare, counts, dim, 0, clip)
    add_scaled(weight, spare, target)


@device
def move(x, estimate, memory, spare, counts, dim, step_size, radius, method, operator, clip):
    """The buffer takes the estimate, and x moves."""
    gain, mix = method[method.size - GAIN], method[method.size - MIX]
    scale_in_place(method[3], memory)
    if method[method.size - FIRST] != 0.0:
        add_operated(gain, estimate, spare, radius, memory, counts, dim, operator, clip)
        add_scaled(-step_size, memory, x)
        return
    add_scaled(gain, estimate, memory)
    if mix > 0.0:
        add_operated(-step_size * mix, memory, spare, radius, x, counts, dim, operator, clip)
    if mix < 1.0:
        add_operated(-step_size * (1.0 - mix), estimate, spare, radius, x, counts, dim, operator, clip)


@device
def scheduled(step, first, last, step_size, radius, changing, method, addresses, lanes, clip):
    """(step size, radius) of a step whose method has schedules; its norm is weighed."""
    place = (step - first) & (LANES - 1)
    if place == 0:
        prepare(step, last, method, addresses, lanes)
    step_size, radius = step_and_radius(place, step_size, radius, changing, lanes, clip)
    weigh(step_size, row(lanes, NORM), lanes)
    return step_size, radius


@kernel(ADVANCE)
def additive(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: those of `methods.momentum.momentum_parameters`. Blocks: x, g, scratch, the estimate, the buffer."""
    step_size, together, radius = method[0], int(method[2]), method[4]
    dim, fill = plan[DIM], addresses[FILL_AT]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, memory = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim)
    counts = rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    changing = what_changes(method)
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        if changing != 0:
            step_size, radius = scheduled(
                step, first, last, step_size, radius, changing, method, addresses, lanes, clip
            )
        if together == 1:
            at = one_sample(buffer, plan, step, noise, words, fill)
        else:
            at = mean_sample(buffer, plan, step * together, together, noise, words, fill)
        sum_of(g, rows(buffer, at, dim), estimate)
        move(x, estimate, memory, v, counts, dim, step_size, radius, method, operator, clip)


@kernel(ADVANCE)
def on_oracle(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """The same on a stochastic oracle, whose state lies behind the blocks."""
    step_size, together, radius, dim = method[0], int(method[2]), method[4], plan[DIM]
    x, g, v = rows(vectors, 0, dim), rows(vectors, dim, dim), rows(vectors, 2 * dim, dim)
    estimate, memory = rows(vectors, 3 * dim, dim), rows(vectors, 4 * dim, dim)
    state, counts = rows(vectors, STATE * dim, STATE_ROWS * dim), rows(lanes, CLIPPED, SCRATCH + 1 - CLIPPED)
    gradient, operator = gradient_at(addresses[GRADIENT_AT]), clip_at(addresses[CLIP_AT])
    oracle = oracle_at(addresses[FILL_AT])
    changing = what_changes(method)
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        if changing != 0:
            step_size, radius = scheduled(
                step, first, last, step_size, radius, changing, method, addresses, lanes, clip
            )
        copy(g, estimate)
        oracle(x, estimate, state, noise, dim, together, step, words)
        oracle(x, estimate, state, noise, dim, 0, step, words)
        move(x, estimate, memory, v, counts, dim, step_size, radius, method, operator, clip)
