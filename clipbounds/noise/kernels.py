"""Block samplers of the built-in laws, signature `FILL`. Every law's params are listed in its docstring.

Uniforms are 52-bit midpoints, so tails end: the largest |Gaussian| is 8.6 scales, the largest Pareto draw
2^(53/alpha) scales.
"""

import math

import numpy as np

from ..lanes.base_two import exp2_parts, exp2m1, log_parts_of_two, minus_log2_of
from ..lanes.blocks import LANES
from ..lanes.compile import device, kernel, scalar
from ..lanes.elementary import bits_of, exp_of, exp_parts, expm1_of, float_of, log_parts, minus_log_of, random_direction
from ..lanes.random import byte_reversed, fill_words, uniform
from ..lanes.views import row, scratch
from .base import FILL

LOW_BIT, SIGN_SHIFT = np.uint64(1), np.uint64(63)


@kernel(FILL)
def zero(out, first, count, params, seed, stream, trajectory):
    for i in range(count * LANES):
        out[i] = 0.0


@device
def exponentials(words, target, spare, scale):
    """target = scale times the exponential variate of each word; three different rows, or the loops do not vectorise."""
    for l in range(LANES):
        target[l], spare[l] = log_parts(uniform(bits_of(words[l])))
    for l in range(LANES):
        target[l] = scale * minus_log_of(target[l], spare[l])


@device
def _normal_pair(even, odd, spare, scale):
    """Box-Muller: the words in `odd` become two normal draws each, in passes whose constants fit into registers."""
    exponentials(odd, even, spare, 1.0)
    for l in range(LANES):
        length = scale * math.sqrt(even[l])
        x, y = random_direction(byte_reversed(bits_of(odd[l])))
        even[l] = length * x
        odd[l] = length * y


@kernel(FILL)
def gaussian(out, first, count, params, seed, stream, trajectory):
    """params: scale. Four draws a counter: each word is a length, and read from its other end a direction."""
    scale, spare = params[0], scratch()
    for j in range(count >> 2):
        one, two = row(out, 4 * j + 1), row(out, 4 * j + 3)
        fill_words(one, two, seed, stream, np.uint64((first >> 2) + j), trajectory)
        _normal_pair(row(out, 4 * j), one, spare, scale)
        _normal_pair(row(out, 4 * j + 2), two, spare, scale)


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
def three_point(out, first, count, params, seed, stream, trajectory):
    """params: sigma, skew q, rate r."""
    sigma, skew, rate = params[0], params[1], params[2]
    top = rate * skew * skew / (1.0 + skew * skew)
    root = math.sqrt(rate)
    low, high = -sigma * skew / root, sigma / (skew * root)
    for j in range(count >> 1):
        even, odd = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(even, odd, seed, stream, np.uint64((first >> 1) + j), trajectory)
        for l in range(LANES):
            a, b = uniform(bits_of(even[l])), uniform(bits_of(odd[l]))
            even[l] = high if a < top else low if a < rate else 0.0
            odd[l] = high if b < top else low if b < rate else 0.0


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
def _student_row(values, length, spare, power, size):
    """The words in `values` become one draw each."""
    exponentials(values, length, spare, power)
    for l in range(LANES):
        length[l], spare[l] = exp_parts(min(length[l], 700.0))
    for l in range(LANES):
        length[l] = size * math.sqrt(expm1_of(length[l], spare[l]))
    for l in range(LANES):
        values[l] = length[l] * random_direction(byte_reversed(bits_of(values[l])))[0]


@kernel(FILL)
def student(out, first, count, params, seed, stream, trajectory):
    """params: dof nu, scale. R. W. Bailey, Math. Comp. 62 (1994): sqrt(nu (U^{-2/nu} - 1)) cos 2πV; (U, V) is one word."""
    power, size = 2.0 / params[0], params[1] * math.sqrt(0.5 * params[0])
    length, spare = scratch(), scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _student_row(one, length, spare, power, size)
        _student_row(two, length, spare, power, size)


@device
def _pareto_pair(even, odd, one, two, power, scale, mean):
    """The words in `even` become two draws each, the second from the word read from its other end."""
    for l in range(LANES):
        word = bits_of(even[l])
        even[l], one[l], odd[l], two[l] = log_parts_of_two(uniform(word), uniform(byte_reversed(word)))
    for l in range(LANES):
        even[l], one[l] = exp2_parts(power * minus_log2_of(even[l], one[l]))
    for l in range(LANES):
        odd[l], two[l] = exp2_parts(power * minus_log2_of(odd[l], two[l]))
    for l in range(LANES):
        even[l] = scale * ((one[l] - mean) + one[l] * exp2m1(even[l]))
    for l in range(LANES):
        odd[l] = scale * ((two[l] - mean) + two[l] * exp2m1(odd[l]))


@kernel(FILL)
def pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale; centred. Four draws a counter."""
    tail_index, scale = params[0], params[1]
    power, mean = 1.0 / tail_index, tail_index / (tail_index - 1.0)
    one, two = scratch(), scratch()
    for j in range(count >> 2):
        a, b = row(out, 4 * j), row(out, 4 * j + 2)
        fill_words(a, b, seed, stream, np.uint64((first >> 2) + j), trajectory)
        _pareto_pair(a, row(out, 4 * j + 1), one, two, power, scale, mean)
        _pareto_pair(b, row(out, 4 * j + 3), one, two, power, scale, mean)


@device
def _symmetric_pareto_row(values, length, spare, power, scale):
    """The words in `values` become one draw each; the sign is their lowest bit."""
    exponentials(values, length, spare, power)
    for l in range(LANES):
        length[l], spare[l] = exp_parts(length[l])
    for l in range(LANES):
        values[l] = signed(scale * exp_of(length[l], spare[l]), bits_of(values[l]))


@kernel(FILL)
def symmetric_pareto(out, first, count, params, seed, stream, trajectory):
    """params: tail index, scale."""
    power, scale, length, spare = 1.0 / params[0], params[1], scratch(), scratch()
    for j in range(count >> 1):
        one, two = row(out, 2 * j), row(out, 2 * j + 1)
        fill_words(one, two, seed, stream, np.uint64((first >> 1) + j), trajectory)
        _symmetric_pareto_row(one, length, spare, power, scale)
        _symmetric_pareto_row(two, length, spare, power, scale)
