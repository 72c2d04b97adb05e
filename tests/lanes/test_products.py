"""Inner products of contiguous vectors: one at a time or four, the same bits, and right to rounding."""

import math

import numpy as np
import pytest
from numba import types

from clipbounds.lanes.blocks import FLOATS
from clipbounds.lanes.compile import kernel
from clipbounds.lanes.products import dot, four_dots
from clipbounds.lanes.views import piece


@kernel(types.void(FLOATS, FLOATS, FLOATS, types.int64))
def products(vectors, point, out, size):
    """out: four inner products one by one, then the same at a time."""
    for k in range(4):
        out[k] = dot(piece(vectors, k * size, size), point, size)
    a, b = piece(vectors, 0, size), piece(vectors, size, size)
    c, d = piece(vectors, 2 * size, size), piece(vectors, 3 * size, size)
    out[4], out[5], out[6], out[7] = four_dots(a, b, c, d, point, size)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 64, 301])
def test_four_at_a_time_are_four_times_one(size):
    rng = np.random.default_rng(size)
    vectors, point, out = rng.normal(size=(4, size)), rng.normal(size=size), np.empty(8)
    products(vectors.ravel(), point, out, size)
    assert np.array_equal(out[:4], out[4:])
    for a, found in zip(vectors, out, strict=False):
        terms = a * point
        assert abs(found - math.fsum(terms)) <= size * np.finfo(float).eps * np.abs(terms).sum()
