"""Block samplers of the alpha-stable and the log-tailed laws, signature `FILL`."""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import kernel, scalar
from ..lanes.elementary import exp, expm1, fused, log, sin_cos_turns
from ..lanes.norms import row
from ..lanes.random import threefry, uniform
from .base import FILL
from .kernels import signed

EXP_RANGE = 700.0


@scalar
def _sin_half_turns(t):
    """sin(pi t)"""
    return sin_cos_turns(0.5 * t)[0]


@scalar
def stable_transform(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail):
    """Chambers-Mallows-Stuck in units of half turns, every sum free of cancellation.

    With m = min(u, 1-u) and e = `low` for u < 1/2, `high` for u > 1/2 (noise/stable.py has the derivation) the three
    angles are pi m, pi (e + (alpha-1) m) and pi (e + alpha m); `rest` + `tail` is 1 - e in twice the precision.
    """
    upper = u > 0.5
    m = 1.0 - u if upper else u
    e = high if upper else low
    rest = high_rest if upper else low_rest
    tail = high_tail if upper else low_tail
    # sin(pi y) = sin(pi (1 - y)): the smaller argument is exact to rounding, through the sign change at y = 1 too
    y = e + tail_index * m
    y_rest = fused(-tail_index, m, rest) + tail
    sine = _sin_half_turns(y if y < 0.5 else y_rest)
    x = e + (tail_index - 1.0) * m
    x_rest = fused(1.0 - tail_index, m, rest) + tail
    cosine = _sin_half_turns(x if x < 0.5 else x_rest)
    ratio = cosine / w
    power = log(ratio / _sin_half_turns(m)) / tail_index
    value = size * (sine / ratio) * exp(max(min(power, EXP_RANGE), -EXP_RANGE))
    return value if upper else -value


@kernel(FILL)
def stable(out, first, count, params, seed, stream, trajectory):
    """params: those of `stable_transform` from the tail index on."""
    a, size, low, high = params[0], params[1], params[2], params[3]
    low_rest, low_tail, high_rest, high_tail = params[4], params[5], params[6], params[7]
    for i in range(count):
        draw = np.uint64(first + i)
        values = row(out, i)
        for l in range(LANES):
            v, w = threefry(seed, stream, draw, trajectory + np.uint64(l))
            values[l] = stable_transform(
                uniform(v), -log(uniform(w)), a, size, low, high, low_rest, low_tail, high_rest, high_tail
            )


@kernel(FILL)
def log_tailed(out, first, count, params, seed, stream, trajectory):
    """params: scale. |xi| = min(1/U - 1, exp(1/sqrt(V) - 1) - 1) for uniform U, V.

    With v = ln(1+x), P(|xi| > x) = e^{-v} (1+v)^{-2} is the product of an exponential and of a Pareto tail, hence the
    tail of the smaller of two independent draws. No equation is solved: three times as fast as Lambert's function.
    """
    scale = params[0]
    for i in range(count):
        draw = np.uint64(first + i)
        values = row(out, i)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            u = uniform(a)
            root = math.sqrt(uniform(b))
            size = min((1.0 - u) / u, expm1(min((1.0 - root) / root, EXP_RANGE)))
            values[l] = signed(scale * size, a)


@kernel(FILL)
def symmetric_lomax(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; ±scale (U^{-1/alpha} - 1)."""
    power, scale = -1.0 / params[0], params[1]
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = signed(scale * expm1(min(power * log(uniform(a)), EXP_RANGE)), a)
            odd[l] = signed(scale * expm1(min(power * log(uniform(b)), EXP_RANGE)), b)
