"""Kernels that repeat what frameworks compute, rounding and overflow included; signature `CLIP`."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import choose
from ..lanes.views import row
from .base import CLIP

TORCH_EPSILON = 1e-6


@device
def _plain_norms(v, norms, dim):
    """sqrt of the sum of squares, which over- and underflows as it does in the frameworks."""
    for l in range(LANES):
        norms[l] = v[l] * v[l]
    for k in range(1, dim):
        coordinate = row(v, k)
        for l in range(LANES):
            norms[l] += coordinate[l] * coordinate[l]
    for l in range(LANES):
        norms[l] = math.sqrt(norms[l])


@kernel(CLIP)
def torch_clip(v, lanes, dim, index, params):
    """params: threshold; factor min(1, c/(‖v‖ + 1e-6))."""
    threshold = params[0]
    engaged, factor = row(lanes, 0), row(lanes, 1)
    _plain_norms(v, factor, dim)
    for l in range(LANES):
        ratio = threshold / (factor[l] + TORCH_EPSILON)
        kept = ratio >= 1.0
        factor[l] = 1.0 if kept else ratio
        engaged[l] += 0.0 if kept else 1.0
    for k in range(dim):
        coordinate = row(v, k)
        for l in range(LANES):
            coordinate[l] *= factor[l]


@kernel(CLIP)
def optax_clip(v, lanes, dim, index, params):
    """params: threshold; v where ‖v‖ < c, else (v/‖v‖)·c."""
    threshold = params[0]
    engaged, norms = row(lanes, 0), row(lanes, 1)
    _plain_norms(v, norms, dim)
    for l in range(LANES):
        engaged[l] += 0.0 if norms[l] < threshold else 1.0
    for k in range(dim):
        coordinate = row(v, k)
        for l in range(LANES):
            entry = coordinate[l]
            coordinate[l] = choose(norms[l] < threshold, entry, entry / norms[l] * threshold)
