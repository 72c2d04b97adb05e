"""Norms of lanes and the passes over blocks that every method shares."""

import math

from numba import types

from .blocks import FLOATS, LANES
from .compile import device, kernel
from .views import row

# squared norms in this range have lost nothing to overflow or underflow of single terms
SAFE_LOW, SAFE_HIGH = 1e-280, 1e280


@device
def _rescaled_norm(v, lane, dim):
    """Norm of one lane, by dividing through its largest entry: inf if an entry is, nan if one is nan."""
    top = 0.0
    for k in range(dim):
        entry = abs(v[k * LANES + lane])
        if not entry <= top:  # also true for nan
            top = entry
            if math.isnan(entry):
                return entry
    if top == 0.0 or top == math.inf:
        return top
    total = 0.0
    for k in range(dim):
        entry = v[k * LANES + lane] / top
        total += entry * entry
    return top * math.sqrt(total)


@device
def squared_norms(v, out, dim):
    """out[l] = ‖lane l of v‖²; True if no lane has lost anything to overflow or underflow."""
    total, first = row(out, 0), row(v, 0)
    for l in range(LANES):
        total[l] = first[l] * first[l]
    for k in range(2 - dim % 2, dim, 2):  # two coordinates at a time: fewer loads and stores of the sums
        one, two = row(v, k), row(v, k + 1)
        for l in range(LANES):
            partial = total[l] + one[l] * one[l]
            total[l] = partial + two[l] * two[l]
    if dim % 2 == 0:
        one = row(v, 1)
        for l in range(LANES):
            total[l] += one[l] * one[l]
    unsafe = 0
    for l in range(LANES):
        unsafe += 0 if SAFE_LOW < total[l] < SAFE_HIGH else 1
    return unsafe == 0


@device
def lane_norms(v, out, dim):
    """out[l] = ‖lane l of v‖, exact to rounding at every scale."""
    if dim == 1:
        for l in range(LANES):
            out[l] = abs(v[l])
    elif squared_norms(v, out, dim):
        for l in range(LANES):
            out[l] = math.sqrt(out[l])
    else:
        for l in range(LANES):
            if SAFE_LOW < out[l] < SAFE_HIGH:
                out[l] = math.sqrt(out[l])
            else:
                out[l] = _rescaled_norm(v, l, dim)


@kernel(types.void(FLOATS, FLOATS, types.int64))
def block_norms(v, out, dim):
    """`lane_norms` for callers outside kernels."""
    lane_norms(v, out, dim)


@device
def clear(target):
    for i in range(target.size):
        target[i] = 0.0


@device
def copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@device
def sum_of(first, second, target):
    """target = first + second"""
    for i in range(target.size):
        target[i] = first[i] + second[i]


@device
def add(source, target):
    for i in range(source.size):
        target[i] += source[i]


@device
def scale_in_place(factor, target):
    for i in range(target.size):
        target[i] *= factor


@device
def add_scaled(factor, source, target):
    """target += factor·source"""
    for i in range(source.size):
        target[i] += factor * source[i]


@device
def decay_and_add(factor, source, target):
    """target = factor·target + source"""
    for i in range(source.size):
        target[i] = factor * target[i] + source[i]
