"""Kernel-side access to noise: sample s of 64 trajectories, in any layout, from a buffer filled ahead.

The stream of a trajectory is one sequence of draws; sample s owns the draws s·stride, ..., s·stride + stride - 1. A
window of consecutive samples is filled at a time, because filling pays off from about 16 coordinates on. The result
does not depend on the window.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, function_at, scalar
from ..lanes.norms import add, add_scaled, lane_norms
from ..lanes.random import DIRECTION, NOISE
from ..lanes.views import row, rows
from .base import ALONG, DRAWS_TOGETHER, FILL, INDEPENDENT, NONE, RADIAL
from .kernels import gaussian

if TYPE_CHECKING:
    from ..array_types import FloatArray, IntArray
    from .base import Noise

TARGET = 16  # coordinates a window, at least; benchmarks/README.md has the measurement
# slots of the integer array that describes a window
START, SAMPLES, STRIDE, LAYOUT, DIM, LAW_SIZE, DIRECTION_STRIDE, DIRECTION_FILL, SCRATCH_ROW = range(9)
SLOTS = 9
fill_at = function_at(FILL)


def _stride(dim: int) -> int:
    """Draws that one sample of `dim` coordinates owns: the fewer spare ones, the more samples a window must hold."""
    together = 1 if dim <= TARGET // 2 else 2 if dim <= 2 * TARGET else DRAWS_TOGETHER
    return -(-dim // together) * together


def window_plan(noise: Noise, dim: int) -> tuple[IntArray, int, FloatArray]:
    """The integer description of a window, the length of its buffer, and the parameter vector of the sampler."""
    layout = noise.layout
    stride = _stride(dim) if layout == INDEPENDENT else 1
    # the smallest numbers of whole samples that fill whole groups of draws
    least = DRAWS_TOGETHER // math.gcd(stride, DRAWS_TOGETHER)
    samples = -(-TARGET // (stride * least)) * least
    direction_stride = -(-dim // DRAWS_TOGETHER) * DRAWS_TOGETHER
    plan = np.zeros(SLOTS, dtype=np.int64)
    law = noise.parameters
    # called by its address: inlined into every method, the sampler would take ten seconds each to compile
    direction_fill = gaussian.address if layout == RADIAL else 0
    scratch = samples * stride + (direction_stride + 1 if layout == RADIAL else 0)
    plan[:] = (-1, samples, stride, layout, dim, law.size, direction_stride, direction_fill, scratch)
    size = scratch + dim  # the last rows are for methods that need a sample or a mean as a vector
    along = noise.along if noise.along is not None else np.zeros(0)
    return plan, size * LANES, np.concatenate([law, along])


@scalar
def first_row(buffer, plan, sample, params, words, fill_address):
    """The row of the buffer at which this sample begins; fills the window if the sample lies outside."""
    samples, stride = plan[SAMPLES], plan[STRIDE]
    offset = sample - plan[START]
    if plan[START] < 0 or offset < 0 or offset >= samples:
        start = sample // samples * samples
        fill = fill_at(fill_address)
        fill(buffer, start * stride, samples * stride, params, words[0], NOISE, words[1])
        plan[START] = start
        offset = sample - start
    return offset * stride


@device
def add_sample(target, buffer, plan, sample, params, words, fill_address):
    """target += sample number `sample` of the noise; words = (seed, first trajectory)."""
    layout, dim = plan[LAYOUT], plan[DIM]
    if layout == NONE:
        return
    first = first_row(buffer, plan, sample, params, words, fill_address)
    if layout == INDEPENDENT:
        add(rows(buffer, first, dim), target)
    elif layout == ALONG:
        xi = row(buffer, first)
        for k in range(dim):
            component = params[plan[LAW_SIZE] + k]
            add_scaled(component, xi, row(target, k))
    else:
        _add_radial(target, buffer, plan, sample, first, words)


@device
def _add_radial(target, buffer, plan, sample, first, words):
    """A Gaussian vector scaled to the length |xi|."""
    dim, stride = plan[DIM], plan[DIRECTION_STRIDE]
    behind = plan[SAMPLES] * plan[STRIDE]
    direction, lengths = rows(buffer, behind, stride), row(buffer, behind + stride)
    fill = fill_at(plan[DIRECTION_FILL])
    lengths[0] = 1.0  # the scale
    fill(direction, sample * stride, stride, lengths, words[0], DIRECTION, words[1])
    lane_norms(rows(direction, 0, dim), lengths, dim)
    xi = row(buffer, first)
    for l in range(LANES):
        lengths[l] = abs(xi[l]) / lengths[l]
    for k in range(dim):
        to, along = row(target, k), row(direction, k)
        for l in range(LANES):
            to[l] += lengths[l] * along[l]
