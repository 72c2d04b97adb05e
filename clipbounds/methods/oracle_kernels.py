"""The loop of (clipped) SGD on any stochastic oracle: the oracle turns the gradient into that of a random batch."""

from ..lanes.blocks import LANES
from ..lanes.compile import function_at, kernel
from ..lanes.norms import add_scaled, clear, copy, decay_and_add
from ..lanes.views import row, rows
from ..noise.window import DIM
from ..oracles.base import ORACLE, STATE_ROWS
from .base import ADVANCE, CLIP_AT, CLIPPED, FILL_AT, GRADIENT_AT, NORM, SCRATCH
from .kernels import clip_at, gradient_at, track
from .row_kernels import add_projected
from .schedule_kernels import prepare, step_and_radius, weigh, what_changes

oracle_at = function_at(ORACLE)
STATE = 5  # the blocks of the oracle's state lie behind those of `kernels.sgd`


@kernel(ADVANCE)
def sgd(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: those of `methods.sgd.sgd_parameters`. Group k of a step draws as step number `step·groups + k` of the oracle."""
    step_size, groups, together, momentum = method[0], int(method[1]), int(method[2]), method[3]
    radius, growth, dim = method[4], method[5], plan[DIM]
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
            place = (step - first) & (LANES - 1)
            if place == 0:
                prepare(step, last, method, addresses, lanes)
            step_size, radius = step_and_radius(place, step_size, radius, changing, lanes, clip)
            weigh(step_size, row(lanes, NORM), lanes)
        clear(estimate)
        for k in range(groups):
            copy(g, v)
            oracle(x, v, state, noise, dim, together, step * groups + k, words)
            oracle(x, v, state, noise, dim, 0, step * groups + k, words)
            size = radius if growth == 0.0 else radius * (k + 1.0) ** growth
            if not (radius > 0.0 and add_projected(1.0 / groups, v, size, estimate, counts, dim)):
                operator(v, counts, dim, k, clip)
                add_scaled(1.0 / groups, v, estimate)
        if momentum > 0.0:
            decay_and_add(momentum, estimate, memory)
            add_scaled(-step_size, memory, x)
        else:
            add_scaled(-step_size, estimate, x)
