"""Kernels of the exact operators, signature `CLIP`."""

import math

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel
from ..lanes.elementary import choose
from ..lanes.norms import SAFE_HIGH, SAFE_LOW, copy, squared_norms
from ..lanes.views import row, rows, scratch
from .base import CLIP

SMALL_REGULARIZER = 1e-120  # beside a larger one a norm that its squares lose, below 1e-140, is nothing


@device
def _largest_entry(v, lane, dim):
    """max |v_k| of one lane and how many entries are infinite; (nan, 0) if one is nan."""
    top = 0.0
    infinite = 0
    for k in range(dim):
        entry = abs(v[k * LANES + lane])
        if math.isnan(entry):
            return math.nan, 0
        infinite += 1 if entry == math.inf else 0
        top = max(top, entry)
    return top, infinite


@device
def _not_finite(v, lane, dim, infinite, length):
    """nan makes all nan; infinite entries give the limit along t·v with them equally large, of norm `length`."""
    for k in range(dim):
        entry = v[k * LANES + lane]
        if infinite == 0:
            v[k * LANES + lane] = math.nan
        else:
            v[k * LANES + lane] = math.copysign(length / math.sqrt(infinite) if abs(entry) == math.inf else 0.0, entry)


@device
def _multiply_lane(v, lane, dim, factor):
    for k in range(dim):
        v[k * LANES + lane] *= factor


@device
def _scale_lane_exactly(v, lane, dim, length, expand):
    """Shorten one lane to `length` (or, with `expand`, lengthen it too) at any scale, through its largest entry."""
    top, infinite = _largest_entry(v, lane, dim)
    if top == 0.0:
        return 0.0
    if not top < math.inf:
        _not_finite(v, lane, dim, infinite, length)
        return 1.0
    total = 0.0
    for k in range(dim):
        entry = v[k * LANES + lane] / top
        total += entry * entry
    root = math.sqrt(total)
    if root <= length / top and not expand:  # ‖v‖ = top·root may overflow
        return 0.0
    for k in range(dim):
        v[k * LANES + lane] = v[k * LANES + lane] / top * (length / root)
    return 1.0


@device
def _scale_to_norm(v, lanes, dim, length, expand):
    engaged, factor = row(lanes, 0), row(lanes, 1)
    if dim == 1 and not expand:  # no root, no quotient; nan stays nan
        for l in range(LANES):
            entry = v[l]
            engaged[l] += 0.0 if abs(entry) <= length else 1.0
            v[l] = choose(entry > length, length, choose(entry < -length, -length, entry))
    elif squared_norms(v, factor, dim):
        for l in range(LANES):
            ratio = length / math.sqrt(factor[l])
            kept = ratio >= 1.0 and not expand
            factor[l] = 1.0 if kept else ratio
            engaged[l] += 0.0 if kept else 1.0
        for k in range(dim):
            coordinate = row(v, k)
            for l in range(LANES):
                coordinate[l] *= factor[l]
    else:
        for l in range(LANES):
            if SAFE_LOW < factor[l] < SAFE_HIGH:
                # as above, so that a broken lane does not change even the rounding of the others
                ratio = length / math.sqrt(factor[l])
                if expand or ratio < 1.0:
                    _multiply_lane(v, l, dim, ratio)
                    engaged[l] += 1.0
            else:
                engaged[l] += _scale_lane_exactly(v, l, dim, length, expand)


@device
def clip_to_norm(v, lanes, dim, threshold):
    """v <- min(1, c/‖v‖) v on every lane."""
    _scale_to_norm(v, lanes, dim, threshold, False)


@kernel(CLIP)
def norm_clip(v, lanes, dim, index, params):
    """params: threshold."""
    clip_to_norm(v, lanes, dim, params[0])


@kernel(CLIP)
def growing_clip(v, lanes, dim, index, params):
    """params: alpha, beta; the threshold of the sample k = 1, 2, ... of a batch is alpha k^{1/beta}."""
    clip_to_norm(v, lanes, dim, params[0] * (index + 1.0) ** (1.0 / params[1]))


@kernel(CLIP)
def normalize(v, lanes, dim, index, params):
    """v/‖v‖"""
    _scale_to_norm(v, lanes, dim, 1.0, True)


@kernel(CLIP)
def identity(v, lanes, dim, index, params):
    pass


@kernel(CLIP)
def coordinate_clip(v, lanes, dim, index, params):
    """params: threshold."""
    threshold = params[0]
    engaged, changed = row(lanes, 0), row(lanes, 1)
    for l in range(LANES):
        changed[l] = 0.0
    for k in range(dim):
        coordinate = row(v, k)
        for l in range(LANES):
            entry = coordinate[l]
            inside = abs(entry) <= threshold
            changed[l] = choose(inside, changed[l], 1.0)
            shortened = choose(entry > 0.0, threshold, choose(entry < 0.0, -threshold, entry))  # nan stays nan
            coordinate[l] = choose(inside, entry, shortened)
    for l in range(LANES):
        engaged[l] += changed[l]


@kernel(CLIP)
def block_clip(v, lanes, dim, index, params):
    """params: threshold, number of blocks, their sizes; each block is clipped to threshold·sqrt(size)."""
    engaged, before = row(lanes, 0), scratch()
    copy(engaged, before)
    first = 0
    for b in range(int(params[1])):
        size = int(params[2 + b])
        clip_to_norm(rows(v, first, size), lanes, size, params[0] * math.sqrt(size))
        first += size
    for l in range(LANES):  # a lane counts once, however many of its blocks were changed
        engaged[l] = choose(engaged[l] > before[l], before[l] + 1.0, before[l])


@kernel(CLIP)
def smooth_clip(v, lanes, dim, index, params):
    """params: level phi, width; phi y/hypot(y, width) per component, through the ratio of the smaller to the larger."""
    level, width = params[0], params[1]
    engaged, changed = row(lanes, 0), row(lanes, 1)
    for l in range(LANES):
        changed[l] = 0.0
    for k in range(dim):
        coordinate = row(v, k)
        for l in range(LANES):
            y = coordinate[l]
            size = abs(y)
            inner = size < width
            ratio = (size if inner else width) / (width if inner else size)
            smooth = (ratio if inner else 1.0) / math.sqrt(1.0 + ratio * ratio)
            clipped = math.copysign(level * smooth, y)
            changed[l] = choose(clipped == y, changed[l], 1.0)
            coordinate[l] = clipped
    for l in range(LANES):
        engaged[l] += changed[l]


@kernel(CLIP)
def joint_smooth_clip(v, lanes, dim, index, params):
    """params: level phi, width; phi y/hypot(‖y‖, width), everything divided by the largest of the entries and width."""
    level, width = params[0], params[1]
    engaged, factor = row(lanes, 0), row(lanes, 1)
    for l in range(LANES):
        factor[l] = v[l] * v[l]
    for k in range(1, dim):
        coordinate = row(v, k)
        for l in range(LANES):
            factor[l] += coordinate[l] * coordinate[l]
    square = width * width
    unsafe = 0 if SAFE_LOW < square < SAFE_HIGH else 1
    for l in range(LANES):
        unsafe += 0 if factor[l] < SAFE_HIGH else 1
    if unsafe == 0:
        for l in range(LANES):
            engaged[l] += 1.0 if factor[l] > 0.0 else 0.0
            factor[l] = level / math.sqrt(factor[l] + square)
        for k in range(dim):
            coordinate = row(v, k)
            for l in range(LANES):
                coordinate[l] *= factor[l]
    else:
        for l in range(LANES):
            if SAFE_LOW < square < SAFE_HIGH and factor[l] < SAFE_HIGH:
                engaged[l] += 1.0 if factor[l] > 0.0 else 0.0
                _multiply_lane(v, l, dim, level / math.sqrt(factor[l] + square))
            else:
                engaged[l] += _smooth_lane_exactly(v, l, dim, level, width)


@device
def _smooth_lane_exactly(v, lane, dim, level, width):
    top, infinite = _largest_entry(v, lane, dim)
    if not top < math.inf:
        _not_finite(v, lane, dim, infinite, level)
        return 1.0
    big = max(top, width)
    total = (width / big) ** 2
    for k in range(dim):
        entry = v[k * LANES + lane] / big
        total += entry * entry
    for k in range(dim):
        v[k * LANES + lane] = v[k * LANES + lane] / big * (level / math.sqrt(total))
    return 1.0 if top > 0.0 else 0.0


@kernel(CLIP)
def smooth_normalize(v, lanes, dim, index, params):
    """params: r; v/(r + ‖v‖)."""
    regularizer = params[0]
    engaged, factor = row(lanes, 0), row(lanes, 1)
    squared_norms(v, factor, dim)
    unsafe = 0 if regularizer > SMALL_REGULARIZER else 1
    for l in range(LANES):
        unsafe += 0 if factor[l] < SAFE_HIGH else 1
    if unsafe == 0:
        for l in range(LANES):
            engaged[l] += 1.0 if factor[l] > 0.0 else 0.0
            factor[l] = 1.0 / (regularizer + math.sqrt(factor[l]))
        for k in range(dim):
            coordinate = row(v, k)
            for l in range(LANES):
                coordinate[l] *= factor[l]
    else:
        for l in range(LANES):
            if regularizer > SMALL_REGULARIZER and factor[l] < SAFE_HIGH:
                engaged[l] += 1.0 if factor[l] > 0.0 else 0.0
                _multiply_lane(v, l, dim, 1.0 / (regularizer + math.sqrt(factor[l])))
            else:
                engaged[l] += _normalize_lane_exactly(v, l, dim, regularizer)


@device
def _normalize_lane_exactly(v, lane, dim, regularizer):
    """v/(r + ‖v‖) on one lane at any scale, everything divided by the largest of the entries and r."""
    top, infinite = _largest_entry(v, lane, dim)
    if not top < math.inf:
        _not_finite(v, lane, dim, infinite, 1.0)
        return 1.0
    big = max(top, regularizer)
    total = 0.0
    for k in range(dim):
        entry = v[k * LANES + lane] / big
        total += entry * entry
    for k in range(dim):
        v[k * LANES + lane] = v[k * LANES + lane] / big / (regularizer / big + math.sqrt(total))
    return 1.0 if top > 0.0 else 0.0
