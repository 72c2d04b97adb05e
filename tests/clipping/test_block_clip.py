"""Clipping of blocks, and smooth normalisation: what they have in common with the other operators, and their own edges."""

import math

import mpmath as mp
import numpy as np
import pytest
from clip_rounding import rounding

from clipbounds.clipping import BlockClip, CoordinateClip, NormClip, SmoothNormalize

INF, NAN = math.inf, math.nan
VECTORS = np.random.default_rng(8).normal(size=(300, 3)) * 3


def test_one_block_is_the_norm_and_blocks_of_one_are_the_cube():
    ball = NormClip(0.7 * math.sqrt(3))
    assert np.array_equal(BlockClip([3], 0.7)(VECTORS), ball(VECTORS))
    assert np.array_equal(BlockClip([1, 1, 1], 0.7)(VECTORS), CoordinateClip(0.7)(VECTORS))
    assert not np.array_equal(BlockClip([2, 1], 0.7)(VECTORS), ball(VECTORS))


def test_blocks_keep_what_is_broken_to_themselves():
    clip = BlockClip([2, 1], 1.0)
    assert np.allclose(clip([INF, -1.0, 0.5]), [math.sqrt(2), 0, 0.5], rtol=rounding(2), atol=0)
    out = clip([NAN, 1.0, 7.0])
    assert np.isnan(out[:2]).all() and out[2] == 1.0


def test_smooth_normalisation_is_the_gradient_of_its_potential():
    r = 0.8

    def potential(s):
        return s - r * mp.log(1 + s / r)

    with mp.workdps(50):
        for size in (mp.mpf("1e-9"), mp.mpf("0.3"), mp.mpf(50)):
            slope = float(mp.diff(potential, size))
            length = SmoothNormalize(r)(float(size) * np.array([0.6, 0.8]))
            assert np.allclose(length, slope * np.array([0.6, 0.8]), rtol=rounding(2), atol=0)
            curvatures = float(mp.diff(potential, size, 2)), slope / float(size)
            assert max(curvatures) <= SmoothNormalize(r).lipschitz * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_smooth_normalisation_at_the_edge_of_the_floats(scale):
    for regularizer in (1e-3 * scale, scale, 1e3 * scale):
        out = SmoothNormalize(regularizer)(scale * np.array([3.0, -4.0]))
        expected = np.array([3.0, -4.0]) / (regularizer / scale + 5)
        assert np.allclose(out, expected, rtol=rounding(3), atol=0)
        assert np.allclose(SmoothNormalize(1.0)([3 * scale, 0.0]), [3 * scale / (1 + 3 * scale), 0], rtol=rounding(2))
