"""Block samplers of the built-in laws, signature `FILL`. Every law's params are listed in its docstring.

Uniforms are 52-bit midpoints, so tails end: the largest |Gaussian| is 8.6 scales, the largest Pareto draw
2^(53/alpha) scales.
"""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import kernel, scalar
from ..lanes.elementary import bits_of, exp, expm1, float_of, log, sin_cos_turns
from ..lanes.norms import row
from ..lanes.random import threefry, uniform
from .base import FILL

LOW_BIT, SIGN_SHIFT = np.uint64(1), np.uint64(63)


@kernel(FILL)
def zero(out, first, count, params, seed, stream, trajectory):
    for i in range(count * LANES):
        out[i] = 0.0


@kernel(FILL)
def gaussian(out, first, count, params, seed, stream, trajectory):
    """params: scale. Box-Muller, two draws a counter."""
    scale = params[0]
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            radius = scale * math.sqrt(-2.0 * log(uniform(a)))
            sine, cosine = sin_cos_turns(uniform(b))
            even[l] = radius * cosine
            odd[l] = radius * sine


@scalar
def signed(magnitude, word):
    """The magnitude with the sign of the word's lowest bit, which `uniform` does not use."""
    return float_of(bits_of(magnitude) | ((word & LOW_BIT) << SIGN_SHIFT))


@kernel(FILL)
def two_point(out, first, count, params, seed, stream, trajectory):
    """params: sigma, skew q."""
    sigma, skew = params[0], params[1]
    probability = skew * skew / (1.0 + skew * skew)
    low, high = -sigma * skew, sigma / skew
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = high if uniform(a) < probability else low
            odd[l] = high if uniform(b) < probability else low


@kernel(FILL)
def rademacher(out, first, count, params, seed, stream, trajectory):
    """params: sigma."""
    sigma = params[0]
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = signed(sigma, a)
            odd[l] = signed(sigma, b)


@kernel(FILL)
def student(out, first, count, params, seed, stream, trajectory):
    """params: dof nu, scale. R. W. Bailey, Math. Comp. 62 (1994): sqrt(nu (U^{-2/nu} - 1)) cos 2πV."""
    dof, scale = params[0], params[1]
    power = -2.0 / dof
    for i in range(count):
        draw = np.uint64(first + i)
        values = row(out, i)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            _, cosine = sin_cos_turns(uniform(b))
            values[l] = scale * math.sqrt(dof * expm1(min(power * log(uniform(a)), 700.0))) * cosine


@kernel(FILL)
def pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; centred."""
    tail_index, scale = params[0], params[1]
    power, mean = -1.0 / tail_index, tail_index / (tail_index - 1.0)
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = scale * (exp(power * log(uniform(a))) - mean)
            odd[l] = scale * (exp(power * log(uniform(b))) - mean)


@kernel(FILL)
def symmetric_pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale."""
    tail_index, scale = params[0], params[1]
    power = -1.0 / tail_index
    for j in range(count >> 1):
        draw = np.uint64((first >> 1) + j)
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        for l in range(LANES):
            a, b = threefry(seed, stream, draw, trajectory + np.uint64(l))
            even[l] = signed(scale * exp(power * log(uniform(a))), a)
            odd[l] = signed(scale * exp(power * log(uniform(b))), b)
