"""Block samplers of the alpha-stable and the log-tailed laws, signature `FILL`."""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import (
    SIGN,
    bits_of,
    choose,
    exp,
    exp_of,
    exp_parts,
    expm1,
    expm1_of,
    float_of,
    fused,
    log_parts,
    minus_log,
    minus_log_of,
    sin_half_turns,
)  # fmt: skip
from ..lanes.random import byte_reversed, fill_words, uniform
from ..lanes.views import row, scratch
from .base import FILL
from .kernels import exponentials, signed

EXP_RANGE = 700.0


@scalar
def _angle(m, rate, e, rest, tail):
    """The smaller of y = e + rate·m and 1 - y, in half turns: the two have the same sine.

    `rest` + `tail` is 1 - e in twice the precision; so the argument is exact to rounding, through the sign change at
    y = 1 too.
    """
    y = e + rate * m
    return choose(y < 0.5, y, fused(-rate, m, rest) + tail)


@scalar
def _folded(u):
    """min(u, 1-u)"""
    return choose(1.0 - u < u, 1.0 - u, u)


@scalar
def _side(upper, low, high, low_rest, low_tail, high_rest, high_tail):
    """e, rest and tail for this half of the uniforms."""
    return choose(upper, high, low), choose(upper, high_rest, low_rest), choose(upper, high_tail, low_tail)


@scalar
def _exponent(logarithm, power, power_tail):
    """power·logarithm, power in twice the precision, inside the range of exp."""
    return max(min(fused(power, logarithm, power_tail * logarithm), EXP_RANGE), -EXP_RANGE)


@scalar
def stable_transform(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail, power, power_tail):
    """An alpha-stable variate from a uniform u and a standard exponential w (noise/stable.py has the derivation)."""
    m, upper = _folded(u), u > 0.5
    e, rest, tail = _side(upper, low, high, low_rest, low_tail, high_rest, high_tail)
    cosine = sin_half_turns(m)
    base = sin_half_turns(_angle(m, tail_index - 1.0, e, rest, tail)) / (w * cosine)
    factor = size * (sin_half_turns(_angle(m, tail_index, e, rest, tail)) / cosine)
    return choose(upper, factor, -factor) * exp(_exponent(-minus_log(base), power, power_tail))


@device
def _stable_angles(values, m, x, y, params):
    """The three angles of each word's transform."""
    tail_index, low, high = params[0], params[2], params[3]
    low_rest, low_tail, high_rest, high_tail = params[4], params[5], params[6], params[7]
    if low == high:  # a symmetric law: nothing to choose
        for l in range(LANES):
            m[l] = _folded(uniform(bits_of(values[l])))
            x[l] = _angle(m[l], tail_index - 1.0, low, low_rest, low_tail)
            y[l] = _angle(m[l], tail_index, low, low_rest, low_tail)
    else:
        for l in range(LANES):
            u = uniform(bits_of(values[l]))
            e, rest, tail = _side(u > 0.5, low, high, low_rest, low_tail, high_rest, high_tail)
            m[l] = _folded(u)
            x[l] = _angle(m[l], tail_index - 1.0, e, rest, tail)
            y[l] = _angle(m[l], tail_index, e, rest, tail)


@device
def _stable_row(values, base, m, x, y, params):
    """The words in `values` become one draw each: `stable_transform` in passes whose constants fit into registers."""
    size, power, power_tail = params[1], params[8], params[9]
    for l in range(LANES):
        base[l], x[l] = log_parts(uniform(byte_reversed(bits_of(values[l]))))
    for l in range(LANES):
        base[l] = minus_log_of(base[l], x[l])
    _stable_angles(values, m, x, y, params)
    for l in range(LANES):
        m[l] = sin_half_turns(m[l])
    for l in range(LANES):
        base[l] = sin_half_turns(x[l]) / (base[l] * m[l])
    for l in range(LANES):
        # negative for a uniform below 1/2, whose first bit is 0
        sign = ~bits_of(values[l]) & SIGN
        values[l] = float_of(bits_of(size * (sin_half_turns(y[l]) / m[l])) ^ sign)
    for l in range(LANES):
        base[l], x[l] = log_parts(base[l])
    for l in range(LANES):
        base[l] = -minus_log_of(base[l], x[l])
    for l in range(LANES):
        x[l], y[l] = exp_parts(_exponent(base[l], power, power_tail))
    for l in range(LANES):
        values[l] *= exp_of(x[l], y[l])


@kernel(FILL)
def stable(out, first, count, params, seed, stream, trajectory):
    """params: those of `stable_transform` from the tail index on; its two uniforms are one word."""
    base, m, x, y = scratch(), scratch(), scratch(), scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _stable_row(one, base, m, x, y, params)
        _stable_row(two, base, m, x, y, params)


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


@device
def _symmetric_lomax_row(values, length, spare, power, scale):
    """The words in `values` become one draw each; the sign is their lowest bit."""
    exponentials(values, length, spare, power)
    for l in range(LANES):
        length[l], spare[l] = exp_parts(min(length[l], EXP_RANGE))
    for l in range(LANES):
        values[l] = signed(scale * expm1_of(length[l], spare[l]), bits_of(values[l]))


@kernel(FILL)
def symmetric_lomax(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; ±scale (U^{-1/alpha} - 1)."""
    power, scale, length, spare = 1.0 / params[0], params[1], scratch(), scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _symmetric_lomax_row(one, length, spare, power, scale)
        _symmetric_lomax_row(two, length, spare, power, scale)
