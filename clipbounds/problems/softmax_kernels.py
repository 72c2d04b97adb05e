"""Gradients of the softmax loss: one prediction a class, weights of class k at coordinates k d, ..., k d + d - 1.

params: those of `linear_kernels`, the width being the number of classes, at most LANES.
"""

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import exp
from ..lanes.views import floats_at, indices_at, row, scratch, scratch_rows
from .base import GRADIENT
from .growth import RANGE
from .linear_kernels import COLUMNS_AT, LABELS_AT, RIDGE, ROWS, STARTS_AT, VALUES_AT, WIDTH


@scalar
def share(z, top):
    """e^{z - top} for top >= z, at least e^{-700}."""
    return exp(max(z - top, -RANGE))


@device
def _probabilities(z, classes, label, n):
    """Rows of z, one a class: predictions become (probability - [class is the label])/n, on all lanes."""
    top, total = scratch(), scratch()
    first = row(z, 0)
    for l in range(LANES):
        top[l], total[l] = first[l], 0.0
    for k in range(1, classes):
        here = row(z, k)
        for l in range(LANES):
            top[l] = max(top[l], here[l])
    for k in range(classes):
        here = row(z, k)
        for l in range(LANES):
            here[l] = share(here[l], top[l])
            total[l] += here[l]
    for k in range(classes):
        here = row(z, k)
        off = 1.0 if k == label else 0.0
        for l in range(LANES):
            here[l] = (here[l] / total[l] - off) / n


@kernel(GRADIENT)
def softmax(x, g, dim, params):
    """(1/n) sum_i (p_i - e_{y_i}) a_i' + ridge x, p_i the softmax of the predictions of row i."""
    n, classes = int(params[ROWS]), int(params[WIDTH])
    features, sparse = dim // classes, params[STARTS_AT] != 0.0
    labels, ridge = floats_at(int(params[LABELS_AT]), n), params[RIDGE]
    starts = indices_at(int(params[STARTS_AT]), n + 1 if sparse else 0)
    stored = int(starts[n]) if sparse else n * features
    values = floats_at(int(params[VALUES_AT]), stored)
    columns = indices_at(int(params[COLUMNS_AT]), stored if sparse else 0)
    z = scratch_rows()
    for i in range(g.size):
        g[i] = ridge * x[i]
    for i in range(n):
        begin = int(starts[i]) if sparse else i * features
        end = int(starts[i + 1]) if sparse else begin + features
        for k in range(classes):
            here = row(z, k)
            for l in range(LANES):
                here[l] = 0.0
            for j in range(begin, end):
                column = int(columns[j]) if sparse else j - begin
                entry, point = values[j], row(x, k * features + column)
                for l in range(LANES):
                    here[l] += entry * point[l]
        _probabilities(z, classes, int(labels[i]), n)
        for k in range(classes):
            here = row(z, k)
            for j in range(begin, end):
                column = int(columns[j]) if sparse else j - begin
                entry, to = values[j], row(g, k * features + column)
                for l in range(LANES):
                    to[l] += entry * here[l]
