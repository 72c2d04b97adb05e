"""Gradients of means of losses of linear predictors: dense rows and CSR rows, signature (x, g, dim, params).

params: ridge, rows n, code and width of the loss, addresses of values, labels, columns and starts (0: dense rows). The
arrays are read where they lie; the problem that gives the addresses keeps them alive.
"""

from numba import types

from ..lanes.blocks import FLOATS, INTS, LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.views import floats_at, indices_at, piece, row, scratch
from .base import GRADIENT
from .growth import logistic

RIDGE, ROWS, CODE, WIDTH, VALUES_AT, LABELS_AT, COLUMNS_AT, STARTS_AT = range(8)
# SOFTMAX: softmax_kernels.py; its width is the number of classes
LOGISTIC, SQUARE, HUBER, GEMAN_MCCLURE, SOFTMAX = range(5)


@scalar
def slope(code, width, z, y):
    """Derivative in z of the loss of the prediction z for the label y."""
    if code == LOGISTIC:
        return -y * logistic(-y * z)
    r = z - y
    if code == HUBER:
        return min(max(r, -width), width)
    if code == GEMAN_MCCLURE:
        root = 1.0 + (r / width) * (r / width)
        return r / (root * root)
    return r


@device
def slopes(code, width, z, y):
    """z <- slope at z for one label y, on all lanes."""
    if code == LOGISTIC:
        for l in range(LANES):
            z[l] = -y * logistic(-y * z[l])
    elif code == SQUARE:
        for l in range(LANES):
            z[l] -= y
    else:
        for l in range(LANES):
            z[l] = slope(code, width, z[l], y)


@device
def _shrunk(x, g, ridge):
    for i in range(g.size):
        g[i] = ridge * x[i]


@device
def _dense(x, g, dim, params):
    n, code, width = int(params[ROWS]), int(params[CODE]), params[WIDTH]
    values, labels = floats_at(int(params[VALUES_AT]), n * dim), floats_at(int(params[LABELS_AT]), n)
    z = scratch()
    _shrunk(x, g, params[RIDGE])
    for i in range(n):
        a = piece(values, i * dim, dim)
        for l in range(LANES):
            z[l] = 0.0
        for k in range(dim):
            entry, point = a[k], row(x, k)
            for l in range(LANES):
                z[l] += entry * point[l]
        slopes(code, width, z, labels[i])
        for l in range(LANES):
            z[l] /= n
        for k in range(dim):
            entry, to = a[k], row(g, k)
            for l in range(LANES):
                to[l] += entry * z[l]


@device
def _sparse(x, g, dim, params):
    n, code, width = int(params[ROWS]), int(params[CODE]), params[WIDTH]
    starts, labels = indices_at(int(params[STARTS_AT]), n + 1), floats_at(int(params[LABELS_AT]), n)
    stored = int(starts[n])
    values, columns = floats_at(int(params[VALUES_AT]), stored), indices_at(int(params[COLUMNS_AT]), stored)
    z = scratch()
    _shrunk(x, g, params[RIDGE])
    for i in range(n):
        for l in range(LANES):
            z[l] = 0.0
        for j in range(starts[i], starts[i + 1]):
            entry, point = values[j], row(x, columns[j])
            for l in range(LANES):
                z[l] += entry * point[l]
        slopes(code, width, z, labels[i])
        for l in range(LANES):
            z[l] /= n
        for j in range(starts[i], starts[i + 1]):
            entry, to = values[j], row(g, columns[j])
            for l in range(LANES):
                to[l] += entry * z[l]


@kernel(GRADIENT)
def linear_model(x, g, dim, params):
    """(1/n) sum_i loss'(<a_i, x>, y_i) a_i + ridge x"""
    if params[STARTS_AT] == 0.0:
        _dense(x, g, dim, params)
    else:
        _sparse(x, g, dim, params)


@kernel(types.void(INTS, types.int64, FLOATS, FLOATS, types.int64))
def sparse_gram(addresses, n, scale, gram, dim):
    """gram += sum_i scale_i² a_i a_i' for n CSR rows at the addresses of values, columns and starts; the lower triangle."""
    starts = indices_at(addresses[2], n + 1)
    values, columns = floats_at(addresses[0], int(starts[n])), indices_at(addresses[1], int(starts[n]))
    for i in range(n):
        weight = scale[i] * scale[i]
        for j in range(starts[i], starts[i + 1]):
            to, entry = columns[j] * dim, weight * values[j]
            for k in range(starts[i], j + 1):
                gram[to + columns[k]] += entry * values[k]


@kernel(types.void(INTS, types.int64, FLOATS))
def sparse_squares(addresses, n, squares):
    """squares[i] = ‖a_i‖² for n CSR rows at the addresses of values and starts."""
    starts = indices_at(addresses[1], n + 1)
    values = floats_at(addresses[0], int(starts[n]))
    for i in range(n):
        total = 0.0
        for j in range(starts[i], starts[i + 1]):
            total += values[j] * values[j]
        squares[i] = total
