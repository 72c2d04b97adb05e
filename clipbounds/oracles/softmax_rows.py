"""Gradients of single rows of the softmax loss, each lane with rows of its own: what `row_kernels` calls for it."""

from ..lanes.blocks import LANES
from ..lanes.compile import device
from ..lanes.products import dot
from ..lanes.views import floats_at, indices_at, piece, rows, scratch
from ..problems.linear_kernels import COLUMNS_AT, LABELS_AT, RIDGE, ROWS, STARTS_AT, VALUES_AT, WIDTH
from ..problems.softmax_kernels import share
from .turned import turn, turn_back


@device
def _slopes(z, classes, label, count):
    """The predictions of one row become (probability - [class is the label])/count."""
    top, total = z[0], 0.0
    for k in range(1, classes):
        top = max(top, z[k])
    for k in range(classes):
        z[k] = share(z[k], top)
        total += z[k]
    for k in range(classes):
        z[k] = (z[k] / total - (1.0 if k == label else 0.0)) / count


@device
def dense_softmax(x, v, state, chosen, params, dim, first, count):
    """See `MEAN_OF_ROWS`: dense rows meet the iterate of their lane, which is turned once a step."""
    n, classes = int(params[ROWS]), int(params[WIDTH])
    features, ridge = dim // classes, params[RIDGE]
    values, labels = floats_at(int(params[VALUES_AT]), n * features), floats_at(int(params[LABELS_AT]), n)
    turned, total = rows(state, 0, dim), rows(state, dim, dim)
    if first == 0:
        turn(x, turned, dim)
    z = scratch()
    for l in range(LANES):
        point, sum_ = piece(turned, l * dim, dim), piece(total, l * dim, dim)
        for k in range(dim):
            sum_[k] = 0.0
        for i in range(first, first + count):
            at = int(chosen[i * LANES + l])
            a = piece(values, at * features, features)
            for k in range(classes):
                z[k] = dot(a, piece(point, k * features, features), features)
            _slopes(z, classes, int(labels[at]), count)
            for k in range(classes):
                weight, to = z[k], piece(sum_, k * features, features)
                for j in range(features):
                    to[j] += weight * a[j]
    turn_back(total, x, v, ridge, dim)


@device
def sparse_softmax(x, v, chosen, params, dim, first, count):
    """The same for CSR rows, which go to the block directly."""
    n, classes = int(params[ROWS]), int(params[WIDTH])
    features, ridge = dim // classes, params[RIDGE]
    starts, labels = indices_at(int(params[STARTS_AT]), n + 1), floats_at(int(params[LABELS_AT]), n)
    stored = int(starts[n])
    values, columns = floats_at(int(params[VALUES_AT]), stored), indices_at(int(params[COLUMNS_AT]), stored)
    for i in range(dim * LANES):
        v[i] = ridge * x[i]
    z = scratch()
    for i in range(first, first + count):
        for l in range(LANES):
            at = int(chosen[i * LANES + l])
            for k in range(classes):
                total = 0.0
                for j in range(starts[at], starts[at + 1]):
                    total += values[j] * x[(k * features + columns[j]) * LANES + l]
                z[k] = total
            _slopes(z, classes, int(labels[at]), count)
            for k in range(classes):
                for j in range(starts[at], starts[at + 1]):
                    v[(k * features + columns[j]) * LANES + l] += z[k] * values[j]
