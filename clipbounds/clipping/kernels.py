"""Kernels of the operators, signature `CLIP`."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.norms import row, squared_norms
from .base import CLIP


@device
def _clip_lane_exactly(v, lane, dim, threshold):
    """Clip one lane at any scale: through its largest entry, so that no square over- or underflows.

    A vector with infinite entries is clipped to the limit along t·v with them equally large; nan makes all nan.
    """
    top = 0.0
    infinite = 0
    for k in range(dim):
        entry = abs(v[k * LANES + lane])
        if math.isnan(entry):
            for j in range(dim):
                v[j * LANES + lane] = math.nan
            return 1.0
        infinite += 1 if entry == math.inf else 0
        top = max(top, entry)
    if infinite > 0:
        for k in range(dim):
            entry = v[k * LANES + lane]
            length = threshold / math.sqrt(infinite) if abs(entry) == math.inf else 0.0
            v[k * LANES + lane] = math.copysign(length, entry)
        return 1.0
    if top == 0.0:
        return 0.0
    total = 0.0
    for k in range(dim):
        entry = v[k * LANES + lane] / top
        total += entry * entry
    root = math.sqrt(total)
    if root <= threshold / top:  # ‖v‖ = top·root may overflow
        return 0.0
    for k in range(dim):
        v[k * LANES + lane] = v[k * LANES + lane] / top * (threshold / root)
    return 1.0


@device
def clip_to_norm(v, lanes, dim, threshold):
    """v <- min(1, c/‖v‖) v on every lane."""
    engaged, factor = row(lanes, 0), row(lanes, 1)
    if squared_norms(v, factor, dim):
        for l in range(LANES):
            ratio = threshold / math.sqrt(factor[l])
            factor[l] = ratio if ratio < 1.0 else 1.0
            engaged[l] += 1.0 if ratio < 1.0 else 0.0
        for k in range(dim):
            coordinate = row(v, k)
            for l in range(LANES):
                coordinate[l] *= factor[l]
    else:
        for l in range(LANES):
            engaged[l] += _clip_lane_exactly(v, l, dim, threshold)


@kernel(CLIP)
def norm_clip(v, lanes, dim, index, params):
    """params: threshold."""
    clip_to_norm(v, lanes, dim, params[0])


@kernel(CLIP)
def identity(v, lanes, dim, index, params):
    pass
