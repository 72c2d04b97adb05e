"""Kernels of the gradients of single rows: which rows a batch holds, and the mean gradient of some of them.

64 lanes look at 64 different rows. A row lies contiguously in memory and a coordinate of 64 trajectories does too, so one
of the two has to be turned: for dense rows the iterates are, once a step, and a row then meets the iterate of its lane in
two passes over contiguous numbers. Sparse rows touch few coordinates and go to the block directly (benchmarks/README.md).
"""

import math

import numpy as np
from numba import types

from ..lanes.blocks import FLOATS, LANES
from ..lanes.compile import device, kernel, named_signature
from ..lanes.elementary import bits_of
from ..lanes.norms import add_scaled, clear
from ..lanes.products import FOUR, dot, four_dots
from ..lanes.random import NOISE, fill_words, threefry, uniform
from ..lanes.views import floats_at, indices_at, piece, row, rows, scratch
from ..problems.linear_kernels import (
    CODE,
    COLUMNS_AT,
    LABELS_AT,
    LOGISTIC,
    RIDGE,
    ROWS,
    SOFTMAX,
    STARTS_AT,
    VALUES_AT,
    WIDTH,
    slope,
)
from .base import ORACLE
from .softmax_rows import dense_softmax, sparse_softmax
from .turned import turn, turn_back

# (x, v, state, chosen, params, dim, first, count): v <- mean gradient at x of the rows chosen[first], ..., of each lane;
# `chosen` has a row of LANES numbers a sample, `params` are those of the problem, `state` is 2 dim rows of scratch. At
# first = 0 the kernel may prepare in `state` what the later calls of the step need from x.
MEAN_OF_ROWS = named_signature(
    x=FLOATS,
    v=FLOATS,
    state=FLOATS,
    chosen=FLOATS,
    params=FLOATS,
    dim=types.int64,
    first=types.int64,
    count=types.int64,
)
DRAWS_A_STEP = 1 << 24  # samples reserved for one step where batches differ in size
WITH, WITHOUT, SHUFFLED = range(3)
# parameters of the oracle, before those of its problem
KIND, COUNT, TRACKED_EVERY, HEADER = range(4)
TOGETHER = LANES // 2  # rows of a lane that are looked at together
AGAIN = np.uint64(8)  # streams apart of the attempts at a row that the batch does not hold yet


@device
def independent_rows(chosen, first, count, n, words):
    """Samples first, ..., first + count - 1 of the stream: rows with replacement, uniform to 2^-52 n."""
    even, odd = scratch(), scratch()
    for i in range(count):
        sample = first + i
        if i == 0 or sample % 2 == 0:
            fill_words(even, odd, words[0], NOISE, np.uint64(sample // 2), words[1])
        source, to = odd if sample % 2 else even, row(chosen, i)
        for l in range(LANES):
            to[l] = math.floor(uniform(bits_of(source[l])) * n)


@device
def distinct_rows(chosen, first, count, n, words):
    """The same for one batch without replacement: a row that the batch holds is drawn again. Uniform on ordered tuples."""
    for l in range(LANES):
        trajectory = words[1] + np.uint64(l)
        for i in range(count):
            attempt, fresh = 0, False
            while not fresh:
                word, _ = threefry(words[0], NOISE + np.uint64(attempt) * AGAIN, np.uint64(first + i), trajectory)
                drawn = math.floor(uniform(word) * n)
                fresh = True
                for j in range(i):
                    if chosen[j * LANES + l] == drawn:
                        fresh = False
                attempt += 1
            chosen[i * LANES + l] = drawn


@device
def shuffled_rows(chosen, order, first, count, n, words):
    """The next rows of epochs without replacement: Fisher and Yates, one exchange a sample, from any order on."""
    u, spare = scratch(), scratch()
    for i in range(count):
        sample = first + i
        if sample == 0:
            for j in range(n):
                entry = row(order, j)
                for l in range(LANES):
                    entry[l] = j
        place = sample % n
        fill_words(u, spare, words[0], NOISE, np.uint64(sample), words[1])
        to = row(chosen, i)
        for l in range(LANES):
            other = place + int(uniform(bits_of(u[l])) * (n - place))
            taken = order[other * LANES + l]
            order[other * LANES + l] = order[place * LANES + l]
            order[place * LANES + l] = taken
            to[l] = taken


@device
def _slopes(code, width, z, y, some, count):
    """The first `some` predictions for the labels y become slopes over the number of rows of the mean."""
    if code == LOGISTIC:
        for i in range(some):
            z[i] = slope(LOGISTIC, 1.0, z[i], y[i]) / count
    else:
        for i in range(some):
            z[i] = slope(code, width, z[i], y[i]) / count


@device
def _dense(x, v, state, chosen, params, dim, first, count):
    n, code, width, ridge = int(params[ROWS]), int(params[CODE]), params[WIDTH], params[RIDGE]
    values, labels = floats_at(int(params[VALUES_AT]), n * dim), floats_at(int(params[LABELS_AT]), n)
    turned, total = rows(state, 0, dim), rows(state, dim, dim)
    if first == 0:
        turn(x, turned, dim)
    weights, known, starts = scratch(), scratch(), scratch()
    for l in range(LANES):
        point, sum_ = piece(turned, l * dim, dim), piece(total, l * dim, dim)
        if count == 1:
            at = int(chosen[first * LANES + l])
            a = piece(values, at * dim, dim)
            weight = slope(code, width, dot(a, point, dim), labels[at])
            for k in range(dim):
                sum_[k] = weight * a[k]
            continue
        for k in range(dim):
            sum_[k] = 0.0
        # some rows at a time: their slopes in one pass, and the rows are still in the cache when they are added
        for begin in range(first, first + count, TOGETHER):
            some = min(TOGETHER, first + count - begin)
            fours = some // FOUR * FOUR
            for i in range(some):
                at = int(chosen[(begin + i) * LANES + l])
                starts[i] = at * dim
                known[i] = labels[at]
            for i in range(0, fours, FOUR):
                a, b = piece(values, int(starts[i]), dim), piece(values, int(starts[i + 1]), dim)
                c, d = piece(values, int(starts[i + 2]), dim), piece(values, int(starts[i + 3]), dim)
                weights[i], weights[i + 1], weights[i + 2], weights[i + 3] = four_dots(a, b, c, d, point, dim)
            for i in range(fours, some):
                weights[i] = dot(piece(values, int(starts[i]), dim), point, dim)
            _slopes(code, width, weights, known, some, count)
            for i in range(0, fours, FOUR):
                a, b = piece(values, int(starts[i]), dim), piece(values, int(starts[i + 1]), dim)
                c, d = piece(values, int(starts[i + 2]), dim), piece(values, int(starts[i + 3]), dim)
                one, two, three, four = weights[i], weights[i + 1], weights[i + 2], weights[i + 3]
                for k in range(dim):
                    sum_[k] = (((sum_[k] + one * a[k]) + two * b[k]) + three * c[k]) + four * d[k]
            for i in range(fours, some):
                a, weight = piece(values, int(starts[i]), dim), weights[i]
                for k in range(dim):
                    sum_[k] += weight * a[k]
    turn_back(total, x, v, ridge, dim)


@device
def _sparse(x, v, chosen, params, dim, first, count):
    n, code, width, ridge = int(params[ROWS]), int(params[CODE]), params[WIDTH], params[RIDGE]
    starts, labels = indices_at(int(params[STARTS_AT]), n + 1), floats_at(int(params[LABELS_AT]), n)
    stored = int(starts[n])
    values, columns = floats_at(int(params[VALUES_AT]), stored), indices_at(int(params[COLUMNS_AT]), stored)
    for i in range(dim * LANES):
        v[i] = ridge * x[i]
    for i in range(first, first + count):
        for l in range(LANES):
            at = int(chosen[i * LANES + l])
            z = 0.0
            for j in range(starts[at], starts[at + 1]):
                z += values[j] * x[columns[j] * LANES + l]
            weight = slope(code, width, z, labels[at]) / count
            for j in range(starts[at], starts[at + 1]):
                v[columns[j] * LANES + l] += weight * values[j]


@device
def _linear(x, v, state, chosen, params, dim, first, count):
    dense = params[STARTS_AT] == 0.0
    if int(params[CODE]) == SOFTMAX:
        if dense:
            dense_softmax(x, v, state, chosen, params, dim, first, count)
        else:
            sparse_softmax(x, v, chosen, params, dim, first, count)
    elif dense:
        _dense(x, v, state, chosen, params, dim, first, count)
    else:
        _sparse(x, v, chosen, params, dim, first, count)


@kernel(MEAN_OF_ROWS)
def linear_rows(x, v, state, chosen, params, dim, first, count):
    """Rows of a `LinearModel`: mean of loss'(<a_i, x>, y_i) a_i, plus ridge x."""
    _linear(x, v, state, chosen, params, dim, first, count)


@device
def batch_mean(mean, x, v, state, params, dim, batch, step, words):
    """What an oracle's kernel does (`ORACLE`), with `mean` a kernel's function for the mean over some rows.

    The state names the batch and the step, and the rows are drawn again at every point: counters cost less than memory.
    """
    if batch > 0:
        state[0], state[1] = batch, step
        return
    n, batch = int(params[COUNT]), int(state[0])
    if batch >= n:
        return  # the full gradient, which v holds
    begin, room = int(state[1]) * DRAWS_A_STEP, 2 * dim - 1
    chosen, work, part = rows(state, 1, room), rows(state, 2 * dim, 2 * dim), rows(state, 4 * dim, dim)
    problem = piece(params, HEADER, params.size - HEADER)
    if params[KIND] == WITHOUT:
        distinct_rows(chosen, begin, batch, n, words)
        mean(x, v, work, chosen, problem, dim, 0, batch)
        return
    clear(v)
    for done in range(0, batch, room):
        count = min(room, batch - done)
        independent_rows(chosen, begin + done, count, n, words)
        mean(x, part, work, chosen, problem, dim, 0, count)
        add_scaled(count / batch, part, v)


@kernel(ORACLE)
def linear_batches(x, v, state, params, dim, batch, step, words):
    """Batches of rows of a `LinearModel`."""
    batch_mean(_linear, x, v, state, params, dim, batch, step, words)
