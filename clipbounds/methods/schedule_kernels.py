"""Kernels of schedules: one number a step, and what a loop does with those of its step size and threshold."""

import math

from numba import types

from ..lanes.blocks import FLOATS, INTS, LANES
from ..lanes.compile import device, function_at, kernel, scalar
from ..lanes.elementary import exp, log
from ..lanes.views import row
from .base import STEP_SIZES, THRESHOLDS, WEIGHTED, WEIGHTS

# (step, params): the schedule's number at this step
SCHEDULE = types.float64(types.int64, FLOATS)
# (first, params, out): its numbers at the steps first, ..., first + LANES - 1
MANY = types.void(types.int64, FLOATS, FLOATS)
# slots of `methods.sgd.sgd_parameters`: how many parameters the schedules have (0: a constant), then all of them
STEP_COUNT, THRESHOLD_COUNT, SCHEDULES = 6, 7, 8
# slots of `addresses`
STEP_AT, THRESHOLD_AT = 3, 5  # each with the address of the form for LANES steps behind it, 0 for none
STEP_CHANGES, THRESHOLD_CHANGES = 1, 2
SAFE_EXPONENT, LEAST_BASE = 700.0, 1e-300  # where `elementary.exp` and `elementary.log` are accurate

schedule_at = function_at(SCHEDULE)
many_at = function_at(MANY)


@kernel(SCHEDULE)
def scaled_power(step, params):
    """params: factor, power, shift."""
    return params[0] * (step + params[2]) ** params[1]


@kernel(MANY)
def scaled_powers(first, params, out):
    """`scaled_power`, vectorised: within a relative error of (|power log(t + shift)| + 4) ulp."""
    power, start = params[1], first + params[2]
    largest = abs(power) * max(abs(math.log(start)), abs(math.log(start + LANES)))
    if not (largest < SAFE_EXPONENT and start > LEAST_BASE):
        for l in range(LANES):
            out[l] = params[0] * (start + l) ** power
        return
    for l in range(LANES):
        out[l] = params[0] * exp(power * log(start + l))


@kernel(SCHEDULE)
def pieces(step, params):
    """params: number of values n, the n - 1 steps at which a new one begins, the n values."""
    count, k = int(params[0]), 0
    while k < count - 1 and step >= params[1 + k]:
        k += 1
    return params[count + k]


@kernel(SCHEDULE)
def half_cosine(step, params):
    """params: first and last value, steps between them."""
    share = min(step / params[2], 1.0)
    return params[1] + (params[0] - params[1]) * (0.5 + 0.5 * math.cos(math.pi * share))


@kernel(SCHEDULE)
def listed(step, params):
    """params: number of values, the values; nan beyond them."""
    return params[1 + step] if step < params[0] else math.nan


@device
def refill(first, last, params, one, many, out):
    """out[l] = the number at step first + l < last of the schedule with these two addresses, l < LANES."""
    if many != 0:
        many_at(many)(first, params, out)
        return
    schedule = schedule_at(one)
    for l in range(min(LANES, last - first)):
        out[l] = schedule(first + l, params)


@kernel(types.void(INTS, types.int64, FLOATS, FLOATS))
def fill(addresses, first, params, out):
    """out[i] = the number at step first + i; out.size is a multiple of LANES."""
    for i in range(0, out.size, LANES):
        refill(first + i, first + out.size, params, addresses[0], addresses[1], out[i : i + LANES])


@device
def prepare(first, last, method, addresses, lanes):
    """The numbers of the steps first, ..., min(first + LANES, last) - 1 into the rows STEP_SIZES and THRESHOLDS."""
    behind = SCHEDULES + int(method[STEP_COUNT])
    end = behind + int(method[THRESHOLD_COUNT])
    if behind > SCHEDULES:
        params, out = method[SCHEDULES:behind], row(lanes, STEP_SIZES)
        refill(first, last, params, addresses[STEP_AT], addresses[STEP_AT + 1], out)
    if end > behind:
        params, out = method[behind:end], row(lanes, THRESHOLDS)
        refill(first, last, params, addresses[THRESHOLD_AT], addresses[THRESHOLD_AT + 1], out)


@scalar
def step_and_radius(place, step_size, radius, changing, lanes, clip):
    """Those of the step `place` of the prepared ones; the operator's first parameter becomes the threshold."""
    if changing & STEP_CHANGES:
        step_size = lanes[STEP_SIZES * LANES + place]
    if changing & THRESHOLD_CHANGES:
        clip[0] = lanes[THRESHOLDS * LANES + place]
        radius = clip[0] if radius > 0.0 else radius
    return step_size, radius


@scalar
def what_changes(method):
    """STEP_CHANGES, THRESHOLD_CHANGES, both or 0."""
    return (STEP_CHANGES if method[STEP_COUNT] > 0.0 else 0) | (
        THRESHOLD_CHANGES if method[THRESHOLD_COUNT] > 0.0 else 0
    )


@device
def weigh(step_size, norms, lanes):
    """Step size times `norms` into the running sum, and the step size into its own."""
    weighted = row(lanes, WEIGHTED)
    lanes[WEIGHTS * LANES] += step_size
    for l in range(LANES):
        weighted[l] += step_size * norms[l]
