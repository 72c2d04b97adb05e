"""Block samplers of the alpha-stable and the log-tailed laws, signature `FILL`."""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import SIGN, bits_of, exp, expm1, float_of, fused, log, minus_log, sin_half_turns
from ..lanes.random import byte_reversed, fill_words, uniform
from ..lanes.views import row, rows, scratch
from .base import FILL
from .kernels import signed

EXP_RANGE = 700.0


@scalar
def _stable_parts(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail):
    """The factor and the base whose power 1/alpha multiplies it.

    Chambers-Mallows-Stuck in units of half turns, every sum free of cancellation: with m = min(u, 1-u) and e = `low`
    for u < 1/2, `high` for u > 1/2 (noise/stable.py has the derivation) the three angles are pi m,
    pi (e + (alpha-1) m) and pi (e + alpha m); `rest` + `tail` is 1 - e in twice the precision.
    """
    upper = u > 0.5
    m = 1.0 - u if upper else u
    e = high if upper else low
    rest = high_rest if upper else low_rest
    tail = high_tail if upper else low_tail
    # sin(pi y) = sin(pi (1 - y)): the smaller argument is exact to rounding, through the sign change at y = 1 too
    y = e + tail_index * m
    y_rest = fused(-tail_index, m, rest) + tail
    sine = sin_half_turns(y if y < 0.5 else y_rest)
    x = e + (tail_index - 1.0) * m
    x_rest = fused(1.0 - tail_index, m, rest) + tail
    cosine = sin_half_turns(x if x < 0.5 else x_rest)
    ratio = cosine / w
    factor = size * (sine / ratio)
    return factor if upper else -factor, ratio / sin_half_turns(m)


@scalar
def stable_transform(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail):
    """An alpha-stable variate from a uniform u and a standard exponential w."""
    factor, base = _stable_parts(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail)
    return factor * exp(max(min(log(base) / tail_index, EXP_RANGE), -EXP_RANGE))


@device
def _stable_row(values, spare, params):
    """The words in `values` become one draw each."""
    a, size, low, high = params[0], params[1], params[2], params[3]
    low_rest, low_tail, high_rest, high_tail = params[4], params[5], params[6], params[7]
    for l in range(LANES):
        spare[l] = minus_log(uniform(byte_reversed(bits_of(values[l]))))
    for l in range(LANES):
        values[l], spare[l] = _stable_parts(
            uniform(bits_of(values[l])), spare[l], a, size, low, high, low_rest, low_tail, high_rest, high_tail
        )
    for l in range(LANES):
        spare[l] = max(min(log(spare[l]) / a, EXP_RANGE), -EXP_RANGE)
    for l in range(LANES):
        values[l] *= exp(spare[l])


@kernel(FILL)
def stable(out, first, count, params, seed, stream, trajectory):
    """params: those of `stable_transform` from the tail index on; its two uniforms are one word."""
    spare = scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _stable_row(one, spare, params)
        _stable_row(two, spare, params)


@kernel(FILL)
def log_tailed(out, first, count, params, seed, stream, trajectory):
    """params: scale. |xi| = min(1/U - 1, exp(1/sqrt(V) - 1) - 1) for uniform U, V.

    With v = ln(1+x), P(|xi| > x) = e^{-v} (1+v)^{-2} is the product of an exponential and of a Pareto tail, hence the
    tail of the smaller of two independent draws. No equation is solved: three times as fast as Lambert's function.
    """
    scale, spare = params[0], scratch()
    for i in range(count):
        values = row(out, i)
        fill_words(values, spare, seed, stream, np.uint64(first + i), trajectory)
        for l in range(LANES):
            root = math.sqrt(uniform(bits_of(spare[l])))
            spare[l] = expm1(min((1.0 - root) / root, EXP_RANGE))
        for l in range(LANES):
            a = bits_of(values[l])
            u = uniform(a)
            values[l] = signed(scale * min((1.0 - u) / u, spare[l]), a)


@kernel(FILL)
def symmetric_lomax(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; ±scale (U^{-1/alpha} - 1)."""
    power, scale = 1.0 / params[0], params[1]
    for j in range(count >> 1):
        fill_words(row(out, 2 * j), row(out, 2 * j + 1), seed, stream, np.uint64((first >> 1) + j), trajectory)
        both = rows(out, 2 * j, 2)
        for i in range(2 * LANES):
            word = bits_of(both[i])
            both[i] = signed(min(power * minus_log(uniform(word)), EXP_RANGE), word)
        for i in range(2 * LANES):
            sign = bits_of(both[i]) & SIGN
            both[i] = float_of(bits_of(scale * expm1(abs(both[i]))) | sign)
