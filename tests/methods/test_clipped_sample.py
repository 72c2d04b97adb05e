"""The loop's own projection on a ball and the operator's kernel give the same bits, at every scale of the vectors."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.clipping import CLIP, Clip, GrowingClip, NormClip
from clipbounds.clipping.kernels import clip_to_norm
from clipbounds.clipping.norm import ball
from clipbounds.lanes import kernel
from clipbounds.specs import POSITIVE, parameter

M = cb.methods


@kernel(CLIP)
def same_norm_clip(v, lanes, dim, index, params):
    clip_to_norm(v, lanes, dim, params[0])


@kernel(CLIP)
def same_growing_clip(v, lanes, dim, index, params):
    clip_to_norm(v, lanes, dim, params[0] * (index + 1.0) ** (1.0 / params[1]))


class OwnNormClip(Clip):
    threshold: float = parameter(POSITIVE)
    kernel = same_norm_clip


class OwnGrowingClip(Clip):
    alpha: float = parameter(POSITIVE)
    beta: float = parameter(POSITIVE)
    kernel = same_growing_clip


PAIRS = [(NormClip(0.8), OwnNormClip(0.8)), (GrowingClip(0.5, 1.4), OwnGrowingClip(0.5, 1.4))]
NOISES = [
    cb.noise.NoNoise(), cb.noise.Gaussian(1.0), cb.noise.Stable(0.3, 1e-3), cb.noise.StudentT(1.5, 1.0, radial=True),
    cb.noise.Pareto(1.5, 1.0),
]  # fmt: skip


def numbers(run):
    """The run without what names its setting."""
    return run.drop_attrs().drop_vars("origin")


def test_only_the_projections_of_the_package_have_a_ball():
    assert ball(NormClip(0.8)) == (0.8, 0.0) and ball(GrowingClip(0.5, 2.0)) == (0.5, 0.5)
    for clip in (OwnNormClip(0.8), cb.clipping.Normalize(), cb.clipping.Identity(), cb.clipping.CoordinateClip(1.0)):
        assert ball(clip) == (0.0, 0.0)


def methods(clip):
    return [
        M.ClippedSGD(0.1, clip), M.ClippedSGD(0.1, clip, 3), M.ClippedSGD(0.1, clip, 2, 0.5),
        M.PerSampleClippedSGD(0.1, clip, 5), M.PerSampleClippedSGD(0.1, clip, 4, 0.9),
        M.MicroBatchClippedSGD(0.1, clip, 6, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("dim", [1, 2, 3, 10])
@pytest.mark.parametrize("noise", NOISES, ids=str)
@pytest.mark.parametrize("pair", PAIRS, ids=["constant", "growing"])
def test_both_ways_give_the_same_bits(pair, noise, dim):
    problem = cb.problems.Quadratic(np.linspace(0.5, 2, dim), np.linspace(3, 1, dim))
    for fast, slow in zip(*map(methods, pair), strict=True):
        runs = [
            cb.simulate(cb.Setting(problem, noise, method), 40, 70, seed=3, checkpoints=[1, 7, 40])
            for method in (fast, slow)
        ]
        assert numbers(runs[0]).identical(numbers(runs[1])), fast


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e150, 1e200])
def test_both_ways_give_the_same_bits_at_the_edge_of_the_floats(scale):
    """Squares of these leave the range of floats on some lanes or on all: the loop hands over to the operator."""
    problem = cb.problems.Quadratic(np.array([0.5, 2.0, 1.0]), scale * np.array([3.0, 1.0, 2.0]))
    noise = cb.noise.Stable(0.2, scale)
    runs = [
        cb.simulate(
            cb.Setting(problem, noise, M.ClippedSGD(0.1, clip(0.8 * scale))), 60, 128, seed=4, checkpoints=[1, 9, 60]
        )
        for clip in (NormClip, OwnNormClip)
    ]
    assert numbers(runs[0]).identical(numbers(runs[1]))
    assert 0 < runs[0].clipped_fraction[-1].mean() <= 1


def test_a_lane_that_breaks_is_flagged_alike_and_leaves_the_others_finite():
    problem = cb.problems.Cosh(1.0, 1.0, np.array([1.0, 1.0]))
    noise = cb.noise.Stable(0.5, 1.0)
    runs = [
        cb.simulate(cb.Setting(problem, noise, M.ClippedSGD(1.0, clip(2000.0))), 5, 64, seed=1, checkpoints=[1, 3, 5])
        for clip in (NormClip, OwnNormClip)
    ]
    assert numbers(runs[0]).identical(numbers(runs[1]))
    broken = runs[0].diverged_at.values >= 0
    assert 0 < broken.sum() < 64
    assert np.all(np.isfinite(runs[0].gradient_norm.values[-1][~broken]))
