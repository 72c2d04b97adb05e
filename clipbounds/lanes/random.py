"""Threefry-2x64-20: a counter-based stream, so that any draw of any trajectory can be computed alone.

key = (seed, stream), counter = (draw, trajectory). J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, *Parallel
random numbers: as easy as 1, 2, 3*, SC 2011; the known-answer vectors of Random123 are a test.
"""

import numpy as np
from numba import types

from .blocks import WORDS
from .compile import kernel, scalar
from .elementary import float_of

PARITY = np.uint64(0x1BD11BDAA9FC1A22)
EXPONENT_ONE = np.uint64(0x3FF0000000000000)
SHIFT_12 = np.uint64(12)
LARGEST_BELOW_ONE = 1.0 - 2.0**-53

# Streams of one run. Laws draw from NOISE; the others serve what must be independent of it.
NOISE, DIRECTION, EXTRA = np.uint64(0), np.uint64(1), np.uint64(2)


@scalar
def _round(x, y, left):
    x = x + y
    y = (y << np.uint64(left)) | (y >> np.uint64(64 - left))
    return x, y ^ x


@scalar
def _four_even(x, y):
    x, y = _round(x, y, 16)
    x, y = _round(x, y, 42)
    x, y = _round(x, y, 12)
    return _round(x, y, 31)


@scalar
def _four_odd(x, y):
    x, y = _round(x, y, 16)
    x, y = _round(x, y, 32)
    x, y = _round(x, y, 24)
    return _round(x, y, 21)


@scalar
def threefry(key0, key1, x, y):
    """Two pseudorandom words for a key and a counter (x, y), all uint64."""
    key2 = PARITY ^ key0 ^ key1
    x, y = _four_even(x + key0, y + key1)
    x, y = _four_odd(x + key1, y + key2 + np.uint64(1))
    x, y = _four_even(x + key2, y + key0 + np.uint64(2))
    x, y = _four_odd(x + key0, y + key1 + np.uint64(3))
    x, y = _four_even(x + key1, y + key2 + np.uint64(4))
    return x + key2, y + key0 + np.uint64(5)


@scalar
def uniform(word):
    """A word as the midpoint of one of 2^52 equal cells of (0, 1): never 0 or 1."""
    return float_of((word >> SHIFT_12) | EXPONENT_ONE) - LARGEST_BELOW_ONE


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
