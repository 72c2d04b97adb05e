"""The compiled loop of SPIDER and of mini-batch methods on stochastic oracles."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, kernel
from ..lanes.elementary import choose
from ..lanes.norms import add_scaled, clear, copy, lane_norms
from ..lanes.views import row, rows
from ..noise.window import DIM, LAYOUT, add_sample
from ..oracles.base import ORACLE, STATE_ROWS
from .base import ADVANCE, FILL_AT, GRADIENT_AT, NORM
from .kernels import gradient_at, track

oracle_at = function_at(ORACLE)
# blocks of the state: iterate, gradient, estimate, the two of the step before, scratch, the oracle's state, records
X, G, V, X_BEFORE, G_BEFORE, OTHER, STATE = range(7)
RECORDS = STATE + STATE_ROWS
# records, one number a lane, each in the first coordinate of a block of its own: the target eps (0: none), the sum of the
# certified quantity, 1 + first k with ‖grad F(x_k)‖ <= eps, 1 + first k whose running mean is <= eps, number of sums
TARGET, CERTIFIED, HIT, PASSED, COUNT = range(RECORDS, RECORDS + 5)
BLOCKS = RECORDS + 5
RULE_H, RULE_P, RULE_N, RULE_CLIP, RULE_CONSTANT = range(5)


@device
def record(norms, vectors, dim, step, ratio, cap):
    """Update the records with the certified quantity min(u/(1 + ratio u), cap) of the gradient norm u."""
    target, total = row(vectors, TARGET * dim), row(vectors, CERTIFIED * dim)
    hit, passed, counts = row(vectors, HIT * dim), row(vectors, PASSED * dim), row(vectors, COUNT * dim)
    count = step + 1.0
    for l in range(LANES):
        total[l] += min(norms[l] / (1.0 + ratio * norms[l]), cap)
    for l in range(LANES):
        hit[l] = choose((norms[l] <= target[l]) & (hit[l] == 0.0), count, hit[l])
    for l in range(LANES):
        passed[l] = choose((total[l] <= target[l] * count) & (passed[l] == 0.0), count, passed[l])
    for l in range(LANES):
        counts[l] = count


@device
def factors(rule, norms, method):
    """norms <- eta_k, given ‖v_k‖; 0 where v_k = 0, and a term with L1 = 0 in its denominator is dropped."""
    a, b, c = method[4], method[5], method[6]
    if rule == RULE_H:
        for l in range(LANES):
            t = norms[l]
            norms[l] = a / ((b + c * t) * t)
    elif rule == RULE_P:
        for l in range(LANES):
            t = norms[l]
            norms[l] = min(0.5 / b, min(a / (b * t), a / (c * t * t)))
    elif rule == RULE_N:
        for l in range(LANES):
            norms[l] = a / (b * norms[l])
    elif rule == RULE_CLIP:
        for l in range(LANES):
            norms[l] = min(a, b / norms[l])
    else:
        for l in range(LANES):
            norms[l] = a
    for l in range(LANES):
        norms[l] = choose(norms[l] < math.inf, norms[l], 0.0)


@device
def difference(after, before, v):
    for i in range(v.size):
        v[i] += after[i] - before[i]


@device
def descend(x, v, factor, dim):
    for k in range(dim):
        coordinate, estimate = row(x, k), row(v, k)
        for l in range(LANES):
            coordinate[l] -= factor[l] * estimate[l]


@device
def additive_batch(v, mean, buffer, plan, first, batch, noise, words, address):
    """v += mean of the samples first, ..., first + batch - 1 of an additive law, performed one by one."""
    clear(mean)
    for sample in range(first, first + batch):
        add_sample(mean, buffer, plan, sample, noise, words, address)
    add_scaled(1.0 / batch, mean, v)


@kernel(ADVANCE)
def spider(vectors, lanes, buffer, plan, words, problem, noise, clip, method, addresses, first, last):
    """method: rule, q, S1, S2, three numbers of the rule, ratio and cap of the certified quantity."""
    rule, epoch, large, small = int(method[0]), int(method[1]), int(method[2]), int(method[3])
    dim = plan[DIM]
    x, g, v = rows(vectors, X * dim, dim), rows(vectors, G * dim, dim), rows(vectors, V * dim, dim)
    x_before, g_before = rows(vectors, X_BEFORE * dim, dim), rows(vectors, G_BEFORE * dim, dim)
    other, state = rows(vectors, OTHER * dim, dim), rows(vectors, STATE * dim, STATE_ROWS * dim)
    norms = row(lanes, NORM)
    gradient = gradient_at(addresses[GRADIENT_AT])
    additive = plan[LAYOUT] >= 0
    oracle = oracle_at(addresses[FILL_AT])
    for step in range(first, last):
        gradient(x, g, dim, problem)
        track(g, lanes, dim, step)
        record(norms, vectors, dim, step, method[7], method[8])
        if step % epoch == 0:
            copy(g, v)
            if additive:
                start = step // epoch * large
                additive_batch(v, other, buffer, plan, start, large, noise, words, addresses[FILL_AT])
            else:
                oracle(x, v, state, noise, dim, large, step, words)
                oracle(x, v, state, noise, dim, 0, step, words)
        elif additive:
            difference(g, g_before, v)  # the same sample at both points: additive noise cancels
        else:
            oracle(x, v, state, noise, dim, small, step, words)
            oracle(x_before, g_before, state, noise, dim, 0, step, words)
            copy(g, other)
            oracle(x, other, state, noise, dim, 0, step, words)
            difference(other, g_before, v)
        lane_norms(v, norms, dim)
        factors(rule, norms, method)
        if epoch > 1:
            copy(x, x_before)
            copy(g, g_before)
        descend(x, v, norms, dim)
