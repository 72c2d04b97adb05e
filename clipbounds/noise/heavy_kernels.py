"""Block samplers of the alpha-stable and the log-tailed laws, signature `FILL`."""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import (
    bits_of,
    exp,
    exp_of,
    exp_parts,
    expm1,
    expm1_of,
    fused,
    log,
    log_of,
    log_parts,
    log_reduced,
    minus_log_of,
    sin_half_turns,
)  # fmt: skip
from ..lanes.random import byte_reversed, fill_words, uniform
from ..lanes.views import row, scratch
from .base import FILL
from .kernels import exponentials, signed

EXP_RANGE = 700.0


@scalar
def _angle(u, rate, low, high, low_rest, low_tail, high_rest, high_tail):
    """e + rate·m, or 1 - (e + rate·m) if that is smaller: the two have the same sine in half turns.

    m = min(u, 1-u), and e = `low` for u < 1/2, `high` for u > 1/2 (noise/stable.py has the derivation); `rest` +
    `tail` is 1 - e in twice the precision. The smaller argument is exact to rounding, through the sign change at 1 too.
    """
    upper = u > 0.5
    m = 1.0 - u if upper else u
    y = (high if upper else low) + rate * m
    y_rest = fused(-rate, m, high_rest if upper else low_rest) + (high_tail if upper else low_tail)
    return y if y < 0.5 else y_rest


@scalar
def _stable_ratio(u, w, tail_index, low, high, low_rest, low_tail, high_rest, high_tail):
    """cos((1-alpha)V - phi)/W."""
    rate = tail_index - 1.0
    return sin_half_turns(_angle(u, rate, low, high, low_rest, low_tail, high_rest, high_tail)) / w


@scalar
def _stable_factor(u, ratio, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail):
    """sin(alpha V + phi) over the ratio, with the sign."""
    factor = size * (sin_half_turns(_angle(u, tail_index, low, high, low_rest, low_tail, high_rest, high_tail)) / ratio)
    return factor if u > 0.5 else -factor


@scalar
def _stable_base(u, ratio):
    """The ratio over cos V: its power 1/alpha multiplies the factor."""
    return ratio / sin_half_turns(1.0 - u if u > 0.5 else u)


@scalar
def stable_transform(u, w, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail):
    """An alpha-stable variate from a uniform u and a standard exponential w: every sum is free of cancellation."""
    ratio = _stable_ratio(u, w, tail_index, low, high, low_rest, low_tail, high_rest, high_tail)
    factor = _stable_factor(u, ratio, tail_index, size, low, high, low_rest, low_tail, high_rest, high_tail)
    base = _stable_base(u, ratio)
    return factor * exp(max(min(log(base) / tail_index, EXP_RANGE), -EXP_RANGE))


@device
def _stable_row(values, ratio, factor, spare, params):
    """The words in `values` become one draw each: `stable_transform` in passes of few constants."""
    a, size, low, high = params[0], params[1], params[2], params[3]
    low_rest, low_tail, high_rest, high_tail = params[4], params[5], params[6], params[7]
    for l in range(LANES):
        ratio[l], spare[l] = log_parts(uniform(byte_reversed(bits_of(values[l]))))
    for l in range(LANES):
        ratio[l] = minus_log_of(ratio[l], spare[l])
    for l in range(LANES):
        u = uniform(bits_of(values[l]))
        ratio[l] = _stable_ratio(u, ratio[l], a, low, high, low_rest, low_tail, high_rest, high_tail)
    for l in range(LANES):
        u = uniform(bits_of(values[l]))
        factor[l] = _stable_factor(u, ratio[l], a, size, low, high, low_rest, low_tail, high_rest, high_tail)
    for l in range(LANES):
        values[l] = _stable_base(uniform(bits_of(values[l])), ratio[l])
    for l in range(LANES):
        values[l], ratio[l], spare[l] = log_reduced(values[l])
    for l in range(LANES):
        logarithm = log_of(values[l], ratio[l], spare[l])
        ratio[l], spare[l] = exp_parts(max(min(logarithm / a, EXP_RANGE), -EXP_RANGE))
    for l in range(LANES):
        values[l] = factor[l] * exp_of(ratio[l], spare[l])


@kernel(FILL)
def stable(out, first, count, params, seed, stream, trajectory):
    """params: those of `stable_transform` from the tail index on; its two uniforms are one word."""
    ratio, factor, spare = scratch(), scratch(), scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _stable_row(one, ratio, factor, spare, params)
        _stable_row(two, ratio, factor, spare, params)


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
