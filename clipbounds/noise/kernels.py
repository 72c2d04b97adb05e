"""Block samplers of the built-in laws, signature `FILL`. Every law's params are listed in its docstring.

Uniforms are 52-bit midpoints, so tails end: the largest |Gaussian| is 8.6 scales, the largest Pareto draw
2^(53/alpha) scales.
"""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import kernel, scalar
from ..lanes.elementary import SIGN, bits_of, exp, expm1, float_of, minus_log, random_direction
from ..lanes.random import fill_words, uniform
from ..lanes.views import row, rows
from .base import FILL

LOW_BIT, SIGN_SHIFT = np.uint64(1), np.uint64(63)


@kernel(FILL)
def zero(out, first, count, params, seed, stream, trajectory):
    for i in range(count * LANES):
        out[i] = 0.0


@kernel(FILL)
def gaussian(out, first, count, params, seed, stream, trajectory):
    """params: scale. Box-Muller, two draws a counter, in three passes whose constants fit into the registers."""
    scale = params[0]
    for j in range(count >> 1):
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(even, odd, seed, stream, np.uint64((first >> 1) + j), trajectory)
        for l in range(LANES):
            even[l] = minus_log(uniform(bits_of(even[l])))
        for l in range(LANES):
            length = scale * math.sqrt(even[l])
            x, y = random_direction(bits_of(odd[l]))
            even[l] = length * x
            odd[l] = length * y


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
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(even, odd, seed, stream, np.uint64((first >> 1) + j), trajectory)
        for l in range(LANES):
            a, b = bits_of(even[l]), bits_of(odd[l])
            even[l] = high if uniform(a) < probability else low
            odd[l] = high if uniform(b) < probability else low


@kernel(FILL)
def rademacher(out, first, count, params, seed, stream, trajectory):
    """params: sigma."""
    sigma = params[0]
    for j in range(count >> 1):
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(even, odd, seed, stream, np.uint64((first >> 1) + j), trajectory)
        for l in range(LANES):
            a, b = bits_of(even[l]), bits_of(odd[l])
            even[l] = signed(sigma, a)
            odd[l] = signed(sigma, b)


@kernel(FILL)
def student(out, first, count, params, seed, stream, trajectory):
    """params: dof nu, scale. R. W. Bailey, Math. Comp. 62 (1994): sqrt(nu (U^{-2/nu} - 1)) cos 2πV."""
    power, size = 2.0 / params[0], params[1] * math.sqrt(0.5 * params[0])
    spare = np.empty(LANES)
    for i in range(count):
        values = row(out, i)
        fill_words(values, spare, seed, stream, np.uint64(first + i), trajectory)
        for l in range(LANES):
            values[l] = min(power * minus_log(uniform(bits_of(values[l]))), 700.0)
        for l in range(LANES):
            values[l] = size * math.sqrt(expm1(values[l]))
        for l in range(LANES):
            values[l] *= random_direction(bits_of(spare[l]))[0]


@kernel(FILL)
def pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; centred."""
    tail_index, scale = params[0], params[1]
    power, mean = 1.0 / tail_index, tail_index / (tail_index - 1.0)
    for j in range(count >> 1):
        fill_words(row(out, 2 * j), row(out, 2 * j + 1), seed, stream, np.uint64((first >> 1) + j), trajectory)
        both = rows(out, 2 * j, 2)
        for i in range(2 * LANES):
            both[i] = power * minus_log(uniform(bits_of(both[i])))
        for i in range(2 * LANES):
            both[i] = scale * (exp(both[i]) - mean)


@kernel(FILL)
def symmetric_pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale."""
    power, scale = 1.0 / params[0], params[1]
    for j in range(count >> 1):
        fill_words(row(out, 2 * j), row(out, 2 * j + 1), seed, stream, np.uint64((first >> 1) + j), trajectory)
        both = rows(out, 2 * j, 2)
        for i in range(2 * LANES):
            word = bits_of(both[i])
            both[i] = signed(power * minus_log(uniform(word)), word)
        for i in range(2 * LANES):
            sign = bits_of(both[i]) & SIGN
            both[i] = float_of(bits_of(scale * exp(abs(both[i]))) | sign)
