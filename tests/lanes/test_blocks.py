"""Blocks and the norms of lanes."""

import math

import numpy as np
import pytest

from clipbounds.lanes.blocks import LANES, pack, unpack
from clipbounds.lanes.norms import block_norms


@pytest.mark.parametrize(("count", "dim"), [(1, 1), (64, 3), (65, 2), (200, 7)])
def test_pack_puts_coordinate_k_of_lane_l_at_k_lanes_plus_l(count, dim):
    rows = np.arange(count * dim, dtype=float).reshape(count, dim)
    blocks = pack(rows)
    assert blocks.shape == (-(-count // LANES), dim * LANES)
    for row in range(0, count, 17):
        for k in range(dim):
            assert blocks[row // LANES, k * LANES + row % LANES] == rows[row, k]
    assert np.array_equal(unpack(blocks, count), rows)


def norms(rows):
    out = np.empty(LANES)
    block_norms(pack(rows)[0], out, rows.shape[1])
    return out[: len(rows)]


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200, 1e308, 1e-308, 5e-324])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_norms_are_exact_to_rounding_at_every_scale(scale, dim):
    rows = np.random.default_rng(1).uniform(-0.4, 0.4, (40, dim)) * scale
    expected = np.array([math.hypot(*row) for row in rows])
    # in units 2^-53: squares and sums dim, halved by the root, which is 1; the largest entry, by which it is divided and
    # multiplied, 2; what hypot and denormal numbers are off, 2
    assert np.allclose(norms(rows), expected, rtol=(dim / 2 + 5) * 2.0**-53, atol=5e-324)


def test_norms_of_mixed_lanes_keep_inf_and_nan_apart():
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [math.inf, 1.0], [math.nan, math.inf], [1e200, 1e200], [-math.inf, 0.0]])
    got = norms(rows)
    assert got[0] == 5 and got[1] == 0 and got[2] == math.inf and math.isnan(got[3]) and got[5] == math.inf
    assert got[4] == pytest.approx(math.sqrt(2) * 1e200, rel=1e-15)
