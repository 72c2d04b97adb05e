"""Elementary functions against mpmath: at most 2 ulp over the ranges that samplers and gradients use, 2^-49 in base 2."""

import mpmath as mp
import numpy as np
import pytest
from numba import types

from clipbounds.lanes import base_two, elementary, kernel
from clipbounds.lanes.blocks import FLOATS, WORDS

EACH = types.void(FLOATS, FLOATS)


@kernel(EACH)
def log(x, out):
    for i in range(x.size):
        out[i] = elementary.log(x[i])


@kernel(EACH)
def exp(x, out):
    for i in range(x.size):
        out[i] = elementary.exp(x[i])


@kernel(EACH)
def expm1(x, out):
    for i in range(x.size):
        out[i] = elementary.expm1(x[i])


@kernel(EACH)
def sin(x, out):
    for i in range(x.size):
        out[i] = elementary.sin(x[i])


@kernel(EACH)
def cos(x, out):
    for i in range(x.size):
        out[i] = elementary.cos(x[i])


@kernel(EACH)
def minus_log(x, out):
    for i in range(x.size):
        out[i] = elementary.minus_log(x[i])


@kernel(EACH)
def sin_half_turns(x, out):
    for i in range(x.size):
        out[i] = elementary.sin_half_turns(x[i])


@kernel(EACH)
def exp2(x, out):
    for i in range(x.size):
        r, power = base_two.exp2_parts(x[i])
        out[i] = power + power * base_two.exp2m1(r)


@kernel(EACH)
def minus_log2(x, out):
    """Of neighbours, with one division for the two."""
    for i in range(0, x.size, 2):
        s, n, t, k = base_two.log_parts_of_two(x[i], x[i + 1])
        out[i], out[i + 1] = base_two.minus_log2_of(s, n), base_two.minus_log2_of(t, k)


@kernel(types.void(WORDS, FLOATS, FLOATS))
def directions(words, x, y):
    for i in range(words.size):
        x[i], y[i] = elementary.random_direction(words[i])


def spread(rng, count, low, high):
    """Half uniform, half log-uniform with either sign where the range allows it."""
    even = rng.uniform(low, high, count // 2)
    sizes = np.exp(rng.uniform(np.log(1e-18), np.log(high), count - count // 2))
    return np.concatenate([even, sizes * np.where((rng.uniform(size=sizes.size) < 0.5) & (low < 0), -1, 1)])


CASES = {
    "log": (log, mp.log, lambda r, n: np.concatenate([r.uniform(0, 2, n // 2), np.exp(r.uniform(-700, 700, n // 2))])),
    "exp": (exp, mp.exp, lambda r, n: spread(r, n, -700, 700)),
    "expm1": (expm1, mp.expm1, lambda r, n: spread(r, n, -700, 700)),
    "sin": (sin, mp.sin, lambda r, n: spread(r, n, -1e5, 1e5)),
    "cos": (cos, mp.cos, lambda r, n: spread(r, n, -1e5, 1e5)),
}


def around_one(rng, count):
    """A quarter each: uniform, just below 1, log-uniform down to the smallest uniform number, log-uniform over the floats."""
    return np.concatenate([
        rng.uniform(0, 1, count // 4), 1 - rng.integers(1, 2**20, count // 4) * 2.0**-53,
        np.exp(rng.uniform(np.log(2.0**-53), 0, count // 4)), np.exp(rng.uniform(-700, 700, count // 4)),
    ])  # fmt: skip


CASES |= {
    "minus_log": (minus_log, lambda u: -mp.log(u), around_one),
    "sin_half_turns": (sin_half_turns, mp.sinpi, lambda r, n: spread(r, n, -0.5, 0.5)),
}  # fmt: skip


def test_directions_are_sqrt_2_on_the_circle_at_the_angle_of_the_word():
    words = np.random.default_rng(4).integers(0, 2**64, 4_000, dtype=np.uint64)
    x, y = np.empty(words.size), np.empty(words.size)
    directions(words, x, y)
    with mp.workdps(35):
        for word, a, b in zip(words, x, y, strict=True):
            top, cell = int(word) >> 62, (int(word) >> 10) % 2**52
            angle = mp.pi / 2 * (cell + mp.mpf(1) / 2) / 2**52
            signs = (-1 if top & 2 else 1, -1 if top & 1 else 1)
            assert abs(signs[0] * mp.sqrt(2) * mp.cos(angle) - mp.mpf(float(a))) < 6e-16
            assert abs(signs[1] * mp.sqrt(2) * mp.sin(angle) - mp.mpf(float(b))) < 6e-16


def ulps(got, x, oracle):
    """Errors in units in the last place of the true value."""
    with mp.workdps(35):
        exact = [oracle(mp.mpf(float(v))) for v in x]
        return np.array(
            [float(abs(mp.mpf(float(g)) - e)) / np.spacing(abs(float(e))) for g, e in zip(got, exact, strict=True)]
        )


def largest_error(name, count):
    function, oracle, points = CASES[name]
    x = points(np.random.default_rng(3), count)
    out = np.empty_like(x)
    function(x, out)
    return ulps(out, x, oracle).max()


@pytest.mark.parametrize("name", CASES)
def test_two_ulps(name):
    assert largest_error(name, 4_000) <= 2


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_two_ulps_on_1e5_points(name):
    assert largest_error(name, 100_000) <= 2


def largest_relative(function, oracle, x):
    out = np.empty_like(x)
    function(x, out)
    with mp.workdps(35):
        return max(float(abs(mp.mpf(float(g)) / oracle(mp.mpf(float(v))) - 1)) for g, v in zip(out, x, strict=True))


def largest_in_base_two(count):
    """Relative errors of logarithm and exponential; each logarithm beside that of a random number, for they share a division."""
    x = np.random.default_rng(5).permutation(around_one(np.random.default_rng(3), count))
    y = spread(np.random.default_rng(3), count, -1009, 1009)
    return (
        largest_relative(minus_log2, lambda u: -mp.log(u, 2), x),
        largest_relative(exp2, lambda v: mp.mpf(2) ** v, y),
    )


# s is rounded five times, its factor once, and so are product and sum, which makes 8 roundings; the polynomial, wrong by
# 6.7e-14 of s³ <= .0295 s, adds 6.2 to them
LOGARITHM = 14.3 * 2.0**-53
# 2^r >= .707, of whose r·(...), at most .42, product and factor are rounded, and the sum; the polynomial, wrong by 8.5e-16 of r
EXPONENTIAL = (2.2 + 5.4) * 2.0**-53


def test_base_two():
    logarithm, exponential = largest_in_base_two(4_000)
    assert 2.0**-53 < logarithm <= LOGARITHM < 2.0**-49  # below a rounding the measure would see nothing
    assert 2.0**-53 < exponential <= EXPONENTIAL < 2.0**-50


@pytest.mark.full
def test_base_two_on_1e5_points():
    logarithm, exponential = largest_in_base_two(100_000)
    assert logarithm <= LOGARITHM and exponential <= EXPONENTIAL


def test_the_measure_notices_three_ulps():
    x = np.linspace(0.5, 2, 50)
    worse = np.exp(x) * (1 + 3 * 2**-52)
    assert ulps(worse, x, mp.exp).max() > 2


def test_the_fused_product_rounds_once():
    @kernel(types.void(FLOATS, FLOATS))
    def residual(x, out):
        for i in range(x.size):
            product = x[i] * x[i]
            out[i] = elementary.fused(x[i], x[i], -product)

    x = np.random.default_rng(0).uniform(1, 2, 200)
    out = np.empty_like(x)
    residual(x, out)
    with mp.workdps(40):
        assert all(
            mp.mpf(float(r)) == mp.mpf(float(v)) ** 2 - mp.mpf(float(v * v)) for v, r in zip(x, out, strict=True)
        )
    assert np.any(out != 0)
