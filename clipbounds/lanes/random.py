"""Threefry-2x64-20: a counter-based stream, so that any draw of any trajectory can be computed alone.

key = (seed, stream), counter = (draw, trajectory). J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, *Parallel
random numbers: as easy as 1, 2, 3*, SC 2011; the known-answer vectors of Random123 are a test.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from .blocks import LANES, WORDS
from .compile import device, kernel, scalar
from .elementary import EXPONENT_ONE, SHIFT_12, float_of

PARITY = np.uint64(0x1BD11BDAA9FC1A22)
QUARTER = LANES // 4
LARGEST_BELOW_ONE = 1.0 - 2.0**-53

# Streams of one run. Laws draw from NOISE; the others serve what must be independent of it.
NOISE, DIRECTION, EXTRA, TRACKING = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)


@scalar
def _turned(word, left):
    return (word << np.uint64(left)) | (word >> np.uint64(64 - left))


@scalar
def _round(a, b, c, d, e, f, g, h, left):
    a += b
    c += d
    e += f
    g += h
    return a, _turned(b, left) ^ a, c, _turned(d, left) ^ c, e, _turned(f, left) ^ e, g, _turned(h, left) ^ g


@scalar
def _four_even(a, b, c, d, e, f, g, h):
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 16)
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 42)
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 12)
    return _round(a, b, c, d, e, f, g, h, 31)


@scalar
def _four_odd(a, b, c, d, e, f, g, h):
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 16)
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 32)
    a, b, c, d, e, f, g, h = _round(a, b, c, d, e, f, g, h, 24)
    return _round(a, b, c, d, e, f, g, h, 21)


@scalar
def _with_key(a, b, c, d, e, f, g, h, first, second):
    return a + first, b + second, c + first, d + second, e + first, f + second, g + first, h + second


@scalar
def threefry_four(key0, key1, x, y, apart):
    """The pairs of words of the counters (x, y), (x, y + apart), (x, y + 2 apart), (x, y + 3 apart).

    One counter is a chain of some 60 dependent instructions; four of them, round by round, keep the ports busy
    (1.2 instead of 1.9 ns a word).
    """
    key2 = PARITY ^ key0 ^ key1
    a, b = x + key0, y + key1
    d = b + apart
    f = d + apart
    a, b, c, d, e, f, g, h = _four_even(a, b, a, d, a, f, a, f + apart)
    a, b, c, d, e, f, g, h = _with_key(a, b, c, d, e, f, g, h, key1, key2 + np.uint64(1))
    a, b, c, d, e, f, g, h = _four_odd(a, b, c, d, e, f, g, h)
    a, b, c, d, e, f, g, h = _with_key(a, b, c, d, e, f, g, h, key2, key0 + np.uint64(2))
    a, b, c, d, e, f, g, h = _four_even(a, b, c, d, e, f, g, h)
    a, b, c, d, e, f, g, h = _with_key(a, b, c, d, e, f, g, h, key0, key1 + np.uint64(3))
    a, b, c, d, e, f, g, h = _four_odd(a, b, c, d, e, f, g, h)
    a, b, c, d, e, f, g, h = _with_key(a, b, c, d, e, f, g, h, key1, key2 + np.uint64(4))
    a, b, c, d, e, f, g, h = _four_even(a, b, c, d, e, f, g, h)
    return _with_key(a, b, c, d, e, f, g, h, key2, key0 + np.uint64(5))


@scalar
def threefry(key0, key1, x, y):
    """Two pseudorandom words for a key and a counter (x, y), all uint64."""
    words = threefry_four(key0, key1, x, y, np.uint64(0))
    return words[0], words[1]


@device
def fill_words(first, second, seed, stream, draw, trajectory):
    """The words of one draw of 64 trajectories into two views of LANES numbers, as the bits of floats."""
    for l in range(QUARTER):
        a, b, c, d, e, f, g, h = threefry_four(seed, stream, draw, trajectory + np.uint64(l), np.uint64(QUARTER))
        first[l], second[l] = float_of(a), float_of(b)
        first[QUARTER + l], second[QUARTER + l] = float_of(c), float_of(d)
        first[2 * QUARTER + l], second[2 * QUARTER + l] = float_of(e), float_of(f)
        first[3 * QUARTER + l], second[3 * QUARTER + l] = float_of(g), float_of(h)


@scalar
def uniform(word):
    """A word as the midpoint of one of 2^52 equal cells of (0, 1): never 0 or 1."""
    return float_of((word >> SHIFT_12) | EXPONENT_ONE) - LARGEST_BELOW_ONE


@intrinsic
def byte_reversed(typing_context, word):
    """The bytes of a word in the opposite order: with the word itself, two uniform numbers from one word.

    Each of the two takes every value equally often. Jointly they are a digital net: of the 2^64 words, every dyadic
    box 2^-a × 2^-b of the unit square with a + b <= 57 gets exactly its share 2^(64-a-b), because the first a bits
    of one and the first b of the other are different bits (tests/lanes/test_random.py). So their joint law
    is exact to 2^-57 in area. Finer than that it is not the law of two words: among some 2^32 = 4e9 pairs two are equal,
    where two words would need 2^52. A search for coincidences sees that, an average over trajectories does not.
    """

    def codegen(context, builder, signature, arguments):
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), codegen


@kernel(types.void(WORDS, WORDS, WORDS, WORDS, WORDS))
def threefry_words(out, key0, key1, counter0, counter1):
    """Pairs of words, interleaved in `out`, for arrays of keys and counters."""
    for i in range(counter0.size):
        out[2 * i], out[2 * i + 1] = threefry(key0[i], key1[i], counter0[i], counter1[i])


def threefry2x64(key, counter):
    """Threefry-2x64-20.

    Parameters
    ----------
    key, counter : array_like of uint64, shape (..., 2), broadcast against each other

    Returns
    -------
    ndarray of uint64, shape (..., 2)
    """
    key, counter = np.broadcast_arrays(np.asarray(key, np.uint64), np.asarray(counter, np.uint64))
    if counter.shape[-1:] != (2,):
        raise ValueError(f"key and counter are pairs of words in the last axis, but the shape given is {counter.shape}")
    out = np.empty(counter.size, np.uint64)
    columns = [np.ascontiguousarray(a[..., k]).ravel() for a in (key, counter) for k in (0, 1)]
    threefry_words(out, *columns)
    return out.reshape(counter.shape)
