"""Every Gaussian draw is the Box-Muller transform of the words of its own counter, recomputed in NumPy."""

import numpy as np

from clipbounds.lanes import LANES
from clipbounds.lanes.random import threefry2x64
from clipbounds.noise.kernels import gaussian

SEED, STREAM, FIRST, COUNT, TRAJECTORY, SCALE = 5, 1, 12, 8, 128, 2.0


def recomputed(trajectory=TRAJECTORY):
    draws, lanes = np.meshgrid(
        np.arange(FIRST // 4, (FIRST + COUNT) // 4), trajectory + np.arange(LANES), indexing="ij"
    )
    words = threefry2x64((SEED, STREAM), np.stack([draws, lanes], axis=-1).astype(np.uint64))
    words = words.transpose(0, 2, 1)  # each of the two words of a counter makes two draws
    other = words.byteswap()  # read from its other end
    u, v = (np.array((w >> np.uint64(12)).astype(float) * 2.0**-52 + 2.0**-53) for w in (words, other << np.uint64(2)))
    length, angle = SCALE * np.sqrt(-2 * np.log(u)), np.pi / 2 * v  # in a quadrant that the first two bits choose
    x = np.where(other >> np.uint64(63), -1, 1) * length * np.cos(angle)
    y = np.where((other >> np.uint64(62)) & np.uint64(1), -1, 1) * length * np.sin(angle)
    return np.stack([x, y], axis=2).ravel()


def test_draws_are_the_transform_of_their_own_words():
    out = np.empty(COUNT * LANES)
    gaussian(out, FIRST, COUNT, np.array([SCALE]), np.uint64(SEED), np.uint64(STREAM), np.uint64(TRAJECTORY))
    # SCALE times the length, at most 8.6, times 4e-16, and rounding here
    assert np.abs(out - recomputed()).max() < 2e-14
    assert np.abs(out - recomputed(TRAJECTORY + 1)).max() > 0.1
