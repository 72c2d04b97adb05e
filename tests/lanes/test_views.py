"""Views are slices that share memory; norms in one dimension."""

import numpy as np
from numba import types

from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.blocks import FLOATS, aligned, aligned_zeros
from clipbounds.lanes.compile import device
from clipbounds.lanes.norms import block_norms
from clipbounds.lanes.views import row, rows, scratch


@kernel(types.void(FLOATS, FLOATS, types.int64))
def marks(block, sizes, k):
    for i, part in enumerate((row(block, k), rows(block, k + 1, 2))):
        sizes[i] = part.size
        for j in range(part.size):
            part[j] += 10.0**i


def test_views_are_slices_that_share_memory():
    block, sizes = np.zeros(5 * LANES), np.zeros(2)
    marks(block, sizes, 2)
    expected = np.zeros(5 * LANES)
    expected[2 * LANES : 3 * LANES] += 1
    expected[3 * LANES : 5 * LANES] += 10
    assert np.array_equal(block, expected)
    assert np.array_equal(sizes, [LANES, 2 * LANES])


@device
def doubled(source, target):
    own = scratch()
    for l in range(LANES):
        own[l] = 2.0 * source[l]
    for l in range(LANES):
        target[l] = own[l]


@kernel(types.void(FLOATS, FLOATS))
def with_scratch(source, target):
    first, second = scratch(), scratch()
    for l in range(LANES):
        first[l], second[l] = source[l], -source[l]
    doubled(second, target)
    for l in range(LANES):
        target[l] += first[l]


def test_every_scratch_row_is_memory_of_its_own():
    source, target = np.arange(1.0, 1 + LANES), np.zeros(LANES)
    with_scratch(source, target)
    assert np.array_equal(target, -source)


def test_aligned_vectors_begin_at_a_cache_line():
    for size in (1, 7, 640, 100_000):
        zeros = aligned_zeros(size)
        assert zeros.shape == (size,) and not zeros.any() and zeros.ctypes.data % 64 == 0
        for shift in range(8):
            values = np.arange(float(size + 8))[shift : shift + size]
            copy = aligned(values)
            assert np.array_equal(copy, values) and copy.ctypes.data % 64 == 0
            assert copy.flags.c_contiguous and copy.flags.writeable


def test_the_norm_in_one_dimension_is_the_absolute_value_at_every_scale():
    v = np.resize([0.0, -0.0, 3.0, -3.0, 1e300, -1e-310, 5e-324, np.inf, -np.inf, np.nan], LANES)
    out = np.empty(LANES)
    block_norms(v, out, 1)
    assert np.array_equal(out, np.abs(v), equal_nan=True)
