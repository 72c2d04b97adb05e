"""Device functions of one clipped sample: the noise as rows of the buffer, and target += weight·clip(gradient + noise).

The projection on a ball, which is what most settings use, is done here in two passes over the vectors; every other
operator, and every block with a norm at the edge of the floats, goes through the operator's own kernel in four. Both
ways round alike, so a setting's numbers do not depend on which was taken (tests/methods/test_clipped_sample.py).
"""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, scalar
from ..lanes.elementary import choose
from ..lanes.norms import SAFE_HIGH, SAFE_LOW, add_scaled, clear, scale_in_place, sum_of
from ..lanes.views import row, rows
from ..noise.base import INDEPENDENT
from ..noise.window import DIM, LAYOUT, SCRATCH_ROW, add_sample, first_row


@scalar
def one_sample(buffer, plan, sample, noise, words, fill_address):
    """Sample number `sample` of the noise as a row number of the buffer: in the window, or, made dense, in the scratch."""
    if plan[LAYOUT] == INDEPENDENT:
        return first_row(buffer, plan, sample, noise, words, fill_address)
    return mean_sample(buffer, plan, sample, 1, noise, words, fill_address)


@device
def mean_sample(buffer, plan, first, count, noise, words, fill_address):
    """The mean of the samples first, ..., first + count - 1 as a row number of the buffer."""
    xi = rows(buffer, plan[SCRATCH_ROW], plan[DIM])
    clear(xi)
    for sample in range(first, first + count):
        add_sample(xi, buffer, plan, sample, noise, words, fill_address)
    if count > 1:
        scale_in_place(1.0 / count, xi)
    return plan[SCRATCH_ROW]


@device
def _squared_sums(g, xi, out, dim):
    """out[l] = ‖lane l of g + xi‖², summed in the order of `squared_norms`; True if all are in the safe range."""
    total, g0, xi0 = row(out, 0), row(g, 0), row(xi, 0)
    for l in range(LANES):
        entry = g0[l] + xi0[l]
        total[l] = entry * entry
    for k in range(2 - dim % 2, dim, 2):
        g1, xi1, g2, xi2 = row(g, k), row(xi, k), row(g, k + 1), row(xi, k + 1)
        for l in range(LANES):
            one, two = g1[l] + xi1[l], g2[l] + xi2[l]
            partial = total[l] + one * one
            total[l] = partial + two * two
    if dim % 2 == 0:
        g1, xi1 = row(g, 1), row(xi, 1)
        for l in range(LANES):
            entry = g1[l] + xi1[l]
            total[l] += entry * entry
    unsafe = 0
    for l in range(LANES):
        unsafe += 0 if SAFE_LOW < total[l] < SAFE_HIGH else 1
    return unsafe == 0


@device
def _add_projected(weight, g, xi, radius, target, counts, dim):
    """target += weight·(g + xi projected on the ball) on every lane; False, and nothing done, if a norm is unsafe."""
    engaged, factor = row(counts, 0), row(counts, 1)
    if dim == 1:  # no root, no quotient; nan stays nan
        for l in range(LANES):
            entry = g[l] + xi[l]
            engaged[l] += 0.0 if abs(entry) <= radius else 1.0
            target[l] += weight * choose(entry > radius, radius, choose(entry < -radius, -radius, entry))
        return True
    if not _squared_sums(g, xi, factor, dim):
        return False
    for l in range(LANES):
        ratio = radius / math.sqrt(factor[l])
        kept = ratio >= 1.0
        factor[l] = 1.0 if kept else ratio
        engaged[l] += 0.0 if kept else 1.0
    for k in range(dim):
        gk, xik, to = row(g, k), row(xi, k), row(target, k)
        for l in range(LANES):
            to[l] += weight * (factor[l] * (gk[l] + xik[l]))
    return True


@device
def add_clipped(weight, g, xi, v, target, counts, dim, index, radius, operator, clip):
    """target += weight·clip(g + xi) for the sample `index` of its batch; v is for the operator.

    radius: of the ball that the operator projects on, or 0 if it does something else.
    """
    if radius > 0.0 and _add_projected(weight, g, xi, radius, target, counts, dim):
        return
    sum_of(g, xi, v)
    operator(v, counts, dim, index, clip)
    add_scaled(weight, v, target)
