"""Noise in dimension d: independent, radial and along, as kernels see it; and draws that depend on their number only."""

import math

import numpy as np
import pytest
from numba import types
from scipy import stats

from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.blocks import FLOATS, INTS, WORDS, unpack
from clipbounds.lanes.random import NOISE
from clipbounds.noise import (
    Gaussian,
    LogTailed,
    NoNoise,
    Pareto,
    Rademacher,
    Stable,
    StudentT,
    SymmetricPareto,
    ThreePoint,
    TwoPoint,
)
from clipbounds.noise.window import add_sample, window_plan

FALSE_ALARM = 1e-6
LAWS = [
    NoNoise(), Gaussian(1.0), TwoPoint(1.0, 0.5), Rademacher(1.0), StudentT(3.0, 1.0), Pareto(1.5, 1.0),
    SymmetricPareto(1.5, 1.0), Stable(1.5, 1.0), Stable(1.5, 1.0, 0.5), LogTailed(1.0), ThreePoint(1.0, 0.5, 0.2),
]  # fmt: skip


@kernel(types.void(FLOATS, FLOATS, INTS, INTS, FLOATS, WORDS, types.int64))
def collect(out, buffer, plan, samples, params, words, address):
    size = out.size // samples.size
    for i in range(samples.size):
        add_sample(out[i * size : (i + 1) * size], buffer, plan, samples[i], params, words, address)


def draw(noise, dim, samples, trajectory=0, seed=5):
    """Noise vectors, shape (samples, LANES, dim)."""
    plan, size, params = window_plan(noise, dim)
    samples = np.asarray(samples, dtype=np.int64)
    out = np.zeros(samples.size * dim * LANES)
    words = np.array([seed, trajectory], dtype=np.uint64)
    collect(out, np.zeros(max(size, LANES)), plan, samples, params, words, noise.fill.address)
    blocks = out.reshape(samples.size, dim * LANES)
    return unpack(blocks, samples.size * LANES).reshape(samples.size, LANES, dim)


def far(values, cdf):
    """Whether the Kolmogorov-Smirnov distance exceeds the band of false alarm 1e-6."""
    x = np.sort(np.ravel(values))
    u, steps = cdf(x), np.arange(x.size + 1) / x.size
    return max(np.max(steps[1:] - u), np.max(u - steps[:-1])) > math.sqrt(math.log(2 / FALSE_ALARM) / (2 * x.size))


LAYOUTS = [{}, {"radial": True}, {"along": np.array([0.6, 0.0, 0.8])}]


@pytest.mark.parametrize("layout", LAYOUTS, ids=["independent", "radial", "along"])
@pytest.mark.parametrize("law", LAWS[1:], ids=str)
def test_a_sample_depends_on_its_number_and_trajectory_only(law, layout):
    noise = law.replace(**layout)
    forward = draw(noise, 3, range(20))
    assert np.array_equal(draw(noise, 3, [17, 4, 4, 0, 19]), forward[[17, 4, 4, 0, 19]])
    shifted = draw(noise, 3, range(20), trajectory=10)
    assert np.array_equal(shifted[:, :-10], forward[:, 10:])
    assert not np.array_equal(draw(noise, 3, range(20), seed=6), forward)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_fills_of_any_length_are_bit_identical(law):
    def fill(first, count):
        out = np.empty(count * LANES)
        law.fill(out, first, count, law.parameters, np.uint64(3), NOISE, np.uint64(128))
        return out

    whole = fill(0, 40)
    for length in (4, 8, 20):
        assert np.array_equal(np.concatenate([fill(k, length) for k in range(0, 40, length)]), whole)


def test_independent_components():
    vectors = draw(Gaussian(2.0), 3, range(4000)).reshape(-1, 3)
    for k in range(3):
        assert not far(vectors[:, k], stats.norm(scale=2.0).cdf)
    products = np.array([np.mean(vectors[:, a] * vectors[:, b]) for a, b in ((0, 1), (0, 2), (1, 2))]) / 4
    assert np.all(np.abs(products) < 5.2 / math.sqrt(len(vectors)))
    lagged = np.mean(vectors[:-LANES] * vectors[LANES:]) / 4
    assert abs(lagged) < 5.2 / math.sqrt(vectors.size)


def test_radial_directions_are_uniform_and_lengths_follow_the_law():
    law = Pareto(1.5, 2.0)
    vectors = draw(law.replace(radial=True), 3, range(4000)).reshape(-1, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    # the length is |xi|; below |x| <= mean - 1 both signs contribute
    assert not far(lengths, lambda x: law.cdf(x) - law.cdf(-x))
    for axis in np.eye(3):
        heights = vectors @ axis / lengths
        assert not far(heights, stats.uniform(-1, 2).cdf)  # Archimedes: uniform in dimension 3
        assert not far(heights[lengths > np.median(lengths)], stats.uniform(-1, 2).cdf)  # whatever the length
    assert far(vectors[:, 0] / lengths, stats.uniform(-1.05, 2.1).cdf)
    flat = draw(Rademacher(3.0, radial=True), 2, range(2000)).reshape(-1, 2)
    assert np.allclose(np.linalg.norm(flat, axis=1), 3.0, rtol=1e-14, atol=0)
    assert not far(np.arctan2(flat[:, 1], flat[:, 0]), stats.uniform(-math.pi, 2 * math.pi).cdf)


def test_noise_along_a_line():
    u = np.array([0.6, 0.0, -0.8])
    law = StudentT(3.0, 1.0)
    vectors = draw(law.replace(along=u), 3, range(2000)).reshape(-1, 3)
    amount = vectors @ u
    assert np.allclose(vectors, amount[:, None] * u, rtol=1e-14, atol=0)
    assert not far(amount, law.cdf)


@pytest.mark.parametrize("p", [1.2, 2.0, 3.0])
def test_vector_moments_are_exact_or_upper_bounds(p):
    """The norm of a Gaussian vector is a chi variable, whose moments are known."""
    dim, noise = 4, Gaussian(1.5)
    true = 1.5**p * 2 ** (p / 2) * math.gamma((dim + p) / 2) / math.gamma(dim / 2)
    moment = noise.vector_moment(p, dim)
    if p == 2:
        assert not moment.upper_bound and float(moment) == pytest.approx(true, rel=1e-14)
    else:
        assert moment.upper_bound and true <= float(moment) < 2 * true
    for layout in ({"radial": True}, {"along": [1.0, 0.0, 0.0, 0.0]}):
        other = noise.replace(**layout).vector_moment(p, dim)
        assert not other.upper_bound and float(other) == float(noise.moment(p))


def test_vector_moment_without_a_variance_is_the_sum_of_the_moments():
    noise = SymmetricPareto(1.5, 1.0)
    assert noise.vector_moment(1.2, 7) == pytest.approx(7 * float(noise.moment(1.2)))
    assert noise.vector_moment(1.7, 7) == math.inf
    sample = np.linalg.norm(draw(noise, 7, range(3000)).reshape(-1, 7), axis=1)
    low = SymmetricPareto(4.0, 1.0)
    bounded = np.linalg.norm(draw(low, 7, range(3000)).reshape(-1, 7), axis=1) ** 1.2
    error = 6 * bounded.std() / math.sqrt(bounded.size)  # its variance exists
    assert bounded.mean() < float(low.vector_moment(1.2, 7)) + error
    assert np.all(np.isfinite(sample))
