"""Threefry against the published vectors, and streams against independence."""

import numpy as np
import pytest
from numba import types

from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.blocks import FLOATS, WORDS
from clipbounds.lanes.random import byte_reversed, threefry2x64, uniform

ONES = 2**64 - 1


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
        ((ONES, ONES), (ONES, ONES), (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
        (
            (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x243F6A8885A308D3, 0x13198A2E03707344),
            (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
        ),
    ],
)
def test_known_answers_of_random123(key, counter, words):
    got = threefry2x64(np.array(key, dtype=np.uint64), np.array(counter, dtype=np.uint64))
    assert got.dtype == np.uint64
    assert tuple(int(w) for w in got) == words


def test_broadcasts_and_refuses_other_shapes():
    counters = np.arange(10, dtype=np.uint64).reshape(5, 2)
    many = threefry2x64((7, 0), counters)
    for counter, words in zip(counters, many, strict=True):
        assert np.array_equal(threefry2x64((7, 0), counter), words)
    with pytest.raises(ValueError, match="pairs of words"):
        threefry2x64((1, 2, 3), (1, 2, 3))


@kernel(types.void(WORDS, FLOATS))
def uniforms(words, out):
    for i in range(words.size):
        out[i] = uniform(words[i])


def test_uniforms_are_midpoints_and_never_0_or_1():
    words = np.array([0, 2**12 - 1, 2**12, ONES, 2**63], dtype=np.uint64)
    out = np.empty(words.size)
    uniforms(words, out)
    cells = [int(w) >> 12 for w in words]
    assert all(float(u) == (2 * cell + 1) / 2**53 for u, cell in zip(out, cells, strict=True))
    assert out.min() > 0 and out.max() < 1


@kernel(types.void(WORDS, WORDS))
def reversals(words, out):
    for i in range(words.size):
        out[i] = byte_reversed(words[i])


def rank(rows):
    """Rank over GF(2) of rows given as integers."""
    pivots = {}
    for row in rows:
        while row and row.bit_length() in pivots:
            row ^= pivots[row.bit_length()]
        if row:
            pivots[row.bit_length()] = row
    return len(pivots)


def leading_bits(images, count):
    """Of a linear map of words, given by the images of 1, 2, 4, ...: the first `count` output bits as rows."""
    return [sum(((image >> (63 - k)) & 1) << j for j, image in enumerate(images)) for k in range(count)]


def short_boxes(images, largest):
    """Pairs (a, b) with a + b <= largest for which some box 2^-a × 2^-b has not exactly its share of the words."""
    own = [1 << j for j in range(64)]
    return [
        (a, b)
        for a in range(largest + 1)
        for b in range(largest + 1 - a)
        if rank(leading_bits(own, a) + leading_bits(images, b)) < a + b
    ]


def test_a_word_and_its_bytes_reversed_are_a_net():
    """Each box has its share of all 2^64 words exactly if the map to the first a and b bits has full rank."""
    units = np.uint64(1) << np.arange(64, dtype=np.uint64)
    out = np.empty_like(units)
    reversals(units, out)
    assert np.array_equal(out, units.byteswap())
    images = [int(word) for word in out]
    assert not short_boxes(images, 57)
    assert short_boxes(images, 58)  # the limit that the docstring states is sharp
    rotated = [(word << 32 | word >> 32) % 2**64 for word in (int(u) for u in units)]
    assert short_boxes(rotated, 57)  # halves exchanged: not good enough


FALSE_ALARM = 1e-6


def battery(u):
    """p-values of tests of independence for u of shape (trajectories, draws), uniform under the hypothesis."""
    from scipy import stats

    values = {}
    v = (u - 0.5) * np.sqrt(12.0)
    for axis in (0, 1):
        for lag in (1, 2, 3, 7, LANES):
            if lag < v.shape[axis]:
                first, second = (
                    np.take(v, range(lag, v.shape[axis]), axis),
                    np.take(v, range(v.shape[axis] - lag), axis),
                )
                z = np.sum(first * second) / np.sqrt(first.size)
                values[f"correlation axis {axis} lag {lag}"] = 2 * stats.norm.sf(abs(z))
        spectrum = np.abs(np.fft.rfft(v, axis=axis)) ** 2 / v.shape[axis]
        ordinates = np.delete(spectrum, [0, -1], axis=axis)  # those have another law
        # an ordinate is close to standard exponential, whatever the frequency
        values[f"spectral peak axis {axis}"] = min(1.0, ordinates.size * np.exp(-ordinates.max()))
        by_frequency = ordinates.sum(axis=1 - axis)
        p = stats.gamma.sf(by_frequency.max(), v.shape[1 - axis])
        values[f"spectral line axis {axis}"] = min(1.0, by_frequency.size * p)
    counts = np.bincount((u.ravel() * 256).astype(int), minlength=256)
    values["cells"] = stats.chi2.sf(np.sum((counts - u.size / 256) ** 2) / (u.size / 256), 255)
    pairs = np.bincount(
        ((u[:, :-1] * 16).astype(int) * 16 + (u[:, 1:] * 16).astype(int))[:, ::2].ravel(), minlength=256
    )
    values["pairs"] = stats.chi2.sf(np.sum((pairs - pairs.sum() / 256) ** 2) / (pairs.sum() / 256), 255)
    return values


def stream(seed=0, number=0, word=0, trajectories=10_000, draws=64):
    counters = np.stack(np.meshgrid(np.arange(draws), np.arange(trajectories)), axis=-1).astype(np.uint64)
    return threefry2x64((seed, number), counters)[..., word]


def as_uniform(words):
    return (words >> np.uint64(12)).astype(np.float64) * 2.0**-52 + 2.0**-53


def rejected(values):
    return {name: p for name, p in values.items() if p < FALSE_ALARM / len(values)}


@pytest.mark.parametrize("choice", [{}, {"seed": 1}, {"number": 1}, {"word": 1}, {"trajectories": 64, "draws": 10_000}])
def test_neighbouring_trajectories_and_steps_are_independent(choice):
    assert not rejected(battery(as_uniform(stream(**choice))))


def test_the_battery_rejects_a_weyl_sequence_and_shared_draws():
    step = np.arange(10_000)[:, None] * 0.618033988749895 + np.arange(64) * 0.7548776662466927
    assert rejected(battery(step % 1.0))
    shared = as_uniform(stream())
    shared[1::2] = shared[::2]
    assert rejected(battery(shared))


def test_streams_and_seeds_are_uncorrelated():
    base = as_uniform(stream()) - 0.5
    others = [{"seed": 1}, {"number": 1}, {"number": 2}, {"word": 1}]
    for choice in others:
        z = np.sum(base * (as_uniform(stream(**choice)) - 0.5)) * 12 / np.sqrt(base.size)
        assert abs(z) < 5.1, choice  # P(|z| > 5.1) = 3.4e-7, four tests


def test_every_bit_is_fair():
    words = stream().ravel()
    for bit in range(64):
        ones = int(np.count_nonzero((words >> np.uint64(bit)) & np.uint64(1)))
        # Hoeffding, total false alarm below 1e-6
        assert abs(ones - words.size / 2) < np.sqrt(words.size * np.log(2 * 64 / FALSE_ALARM) / 2)
