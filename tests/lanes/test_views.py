"""Views are slices that share memory; norms in one dimension."""

import numpy as np
from numba import types

from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.blocks import FLOATS
from clipbounds.lanes.norms import block_norms
from clipbounds.lanes.views import row, rows, view


@kernel(types.void(FLOATS, FLOATS, types.int64))
def marks(block, sizes, k):
    for i, part in enumerate((view(block, 3, 5), row(block, k), rows(block, k + 1, 2))):
        sizes[i] = part.size
        for j in range(part.size):
            part[j] += 10.0**i


def test_views_are_slices_that_share_memory():
    block, sizes = np.zeros(5 * LANES), np.zeros(3)
    marks(block, sizes, 2)
    expected = np.zeros(5 * LANES)
    expected[3:8] += 1
    expected[2 * LANES : 3 * LANES] += 10
    expected[3 * LANES : 5 * LANES] += 100
    assert np.array_equal(block, expected)
    assert np.array_equal(sizes, [5, LANES, 2 * LANES])


def test_the_norm_in_one_dimension_is_the_absolute_value_at_every_scale():
    v = np.resize([0.0, -0.0, 3.0, -3.0, 1e300, -1e-310, 5e-324, np.inf, -np.inf, np.nan], LANES)
    out = np.empty(LANES)
    block_norms(v, out, 1)
    assert np.array_equal(out, np.abs(v), equal_nan=True)
