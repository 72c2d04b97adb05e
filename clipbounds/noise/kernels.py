"""Block samplers of the built-in laws, signature `FILL`. Every law's params are listed in its docstring.

Uniforms are 52-bit midpoints, so tails end: the largest |Gaussian| is 8.6 scales, the largest Pareto draw
2^(53/alpha) scales.
"""

import math

import numpy as np

from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import SIGN, bits_of, exp, expm1, float_of, minus_log, random_direction
from ..lanes.random import byte_reversed, fill_words, uniform
from ..lanes.views import row, rows, scratch
from .base import FILL

LOW_BIT, SIGN_SHIFT = np.uint64(1), np.uint64(63)


@kernel(FILL)
def zero(out, first, count, params, seed, stream, trajectory):
    for i in range(count * LANES):
        out[i] = 0.0


@device
def _normal_pair(even, odd, scale):
    """Box-Muller: the words in `odd` become two normal draws each, in two passes whose constants fit into registers."""
    for l in range(LANES):
        even[l] = minus_log(uniform(bits_of(odd[l])))
    for l in range(LANES):
        length = scale * math.sqrt(even[l])
        x, y = random_direction(byte_reversed(bits_of(odd[l])))
        even[l] = length * x
        odd[l] = length * y


@kernel(FILL)
def gaussian(out, first, count, params, seed, stream, trajectory):
    """params: scale. Four draws a counter: each word is a length, and read from its other end a direction."""
    scale = params[0]
    for j in range(count >> 2):
        one, two = row(out, 4 * j + 1), row(out, 4 * j + 3)
        fill_words(one, two, seed, stream, np.uint64((first >> 2) + j), trajectory)
        _normal_pair(row(out, 4 * j), one, scale)
        _normal_pair(row(out, 4 * j + 2), two, scale)


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


@device
def _student_row(values, spare, power, size):
    """The words in `values` become one draw each."""
    for l in range(LANES):
        spare[l] = min(power * minus_log(uniform(bits_of(values[l]))), 700.0)
    for l in range(LANES):
        spare[l] = size * math.sqrt(expm1(spare[l]))
    for l in range(LANES):
        values[l] = spare[l] * random_direction(byte_reversed(bits_of(values[l])))[0]


@kernel(FILL)
def student(out, first, count, params, seed, stream, trajectory):
    """params: dof nu, scale. R. W. Bailey, Math. Comp. 62 (1994): sqrt(nu (U^{-2/nu} - 1)) cos 2πV; (U, V) is one word."""
    power, size = 2.0 / params[0], params[1] * math.sqrt(0.5 * params[0])
    spare = scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _student_row(one, spare, power, size)
        _student_row(two, spare, power, size)


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
