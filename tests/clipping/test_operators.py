"""Operators against their closed forms, at the edges of floating point, and lane by lane."""

import math

import mpmath as mp
import numpy as np
import pytest
from clip_rounding import rounding
from scipy.optimize import minimize_scalar

from clipbounds.clipping import (
    BlockClip,
    CoordinateClip,
    GrowingClip,
    Identity,
    JointSmoothClip,
    Normalize,
    NormClip,
    OptaxClip,
    SmoothClip,
    SmoothNormalize,
    TorchClip,
)
from clipbounds.lanes import LANES
from clipbounds.methods import ClippedSGD, Setting
from clipbounds.noise import NoNoise
from clipbounds.problems import Cosh
from clipbounds.worst_case import drift

INF, NAN = math.inf, math.nan
RNG = np.random.default_rng(8)


VECTORS = RNG.normal(size=(300, 3)) * np.exp(RNG.normal(size=(300, 1)) * 2)
NORMS = np.linalg.norm(VECTORS, axis=1, keepdims=True)


def two_blocks(part):
    """One block to the RMS norm 0.7."""
    return part * np.minimum(1, 0.7 / np.sqrt(np.mean(part**2, axis=1, keepdims=True)))


@pytest.mark.parametrize(
    ("clip", "formula"),
    [
        (NormClip(1.5), np.minimum(1, 1.5 / NORMS) * VECTORS),
        (CoordinateClip(0.7), np.clip(VECTORS, -0.7, 0.7)),
        (SmoothClip(2.0, 0.5), 2 * VECTORS / np.sqrt(VECTORS**2 + 0.25)),
        (JointSmoothClip(2.0, 0.5), 2 * VECTORS / np.sqrt(NORMS**2 + 0.25)),
        (GrowingClip(1.5, 2.0), np.minimum(1, 1.5 / NORMS) * VECTORS),
        (Normalize(), VECTORS / NORMS),
        (SmoothNormalize(0.5), VECTORS / (0.5 + NORMS)),
        (BlockClip([2, 1], 0.7), np.concatenate([two_blocks(VECTORS[:, :2]), two_blocks(VECTORS[:, 2:])], axis=1)),
        (Identity(), VECTORS),
        (TorchClip(1.5), np.minimum(1, 1.5 / (NORMS + 1e-6)) * VECTORS),
        (OptaxClip(1.5), np.where(NORMS < 1.5, VECTORS, VECTORS / NORMS * 1.5)),
    ],
    ids=lambda value: str(value) if hasattr(value, "kernel") else "",
)
def test_closed_forms(clip, formula):
    assert np.allclose(clip(VECTORS), formula, rtol=rounding(3), atol=0)
    assert clip(VECTORS.reshape(5, 60, 3)).shape == (5, 60, 3)
    assert clip(np.zeros((0, 3))).shape == (0, 3)
    assert np.array_equal(clip(np.zeros(3)), np.zeros(3))


def test_growing_thresholds_follow_the_index():
    clip = GrowingClip(0.5, 1.6)
    for index in (0, 1, 7, 99):
        threshold = 0.5 * (index + 1) ** (1 / 1.6)
        assert clip.threshold_at(index) == pytest.approx(threshold, rel=1e-15)
        assert np.allclose(clip([30.0, 40.0], index), [0.6 * threshold, 0.8 * threshold], rtol=rounding(3), atol=0)
    with pytest.raises(ValueError, match="index must be an integer >= 0"):
        clip.threshold_at(-1)


EXACT = [NormClip(1.0), GrowingClip(1.0, 2.0), Normalize()]
NOT_EXACT = [
    CoordinateClip(1.0), SmoothClip(1.0, 1.0), JointSmoothClip(1.0, 1.0), TorchClip(1.0), OptaxClip(1.0),
    SmoothNormalize(1.0), BlockClip([1, 2], 1.0),
]  # fmt: skip


@pytest.mark.parametrize("clip", EXACT, ids=str)
@pytest.mark.parametrize("scale", [1e200, 1e308, 1e155])
def test_overflowing_squares_do_not_matter(clip, scale):
    assert np.allclose(clip(np.array([3.0, -4.0]) / 5 * scale), [0.6, -0.8], rtol=rounding(3), atol=0)


def test_underflowing_squares_do_not_matter():
    tiny = np.array([3e-200, -4e-200])
    assert np.array_equal(NormClip(1.0)(tiny), tiny)
    assert np.allclose(NormClip(1e-200)(tiny), [0.6e-200, -0.8e-200], rtol=rounding(3), atol=0)
    assert np.allclose(Normalize()(tiny), [0.6, -0.8], rtol=rounding(3), atol=0)
    assert np.array_equal(Normalize()([5e-324]), [1.0])
    assert np.allclose(SmoothClip(1.0, 1.0)(tiny), tiny, rtol=rounding(3), atol=0)
    assert np.allclose(JointSmoothClip(1.0, 1e-200)(tiny), tiny / math.hypot(5e-200, 1e-200), rtol=rounding(3), atol=0)


@pytest.mark.parametrize("clip", [*EXACT, JointSmoothClip(1.0, 0.5)], ids=str)
def test_infinite_entries_and_nan(clip):
    assert np.array_equal(clip([INF, 5.0, 0.0]), [1, 0, 0])
    assert np.allclose(clip([INF, -INF, 1.0]), [2**-0.5, -(2**-0.5), 0], rtol=rounding(3), atol=0)
    assert np.isnan(clip([NAN, INF, 1.0])).all()


def test_coordinates_are_treated_one_by_one():
    for clip in (CoordinateClip(1.0), SmoothClip(1.0, 1.0)):
        out = clip([INF, -INF, NAN, 0.0])
        assert np.array_equal(out[[0, 1, 3]], [1, -1, 0]) and math.isnan(out[2])


@pytest.mark.parametrize(
    "clip",
    [*EXACT, *NOT_EXACT],
)
@pytest.mark.parametrize("broken", [NAN, INF, 1e300, 5e-324])
def test_a_broken_lane_does_not_touch_its_neighbours(clip, broken):
    vectors = np.resize(VECTORS, (LANES, 3)).copy()
    alone = np.stack([clip(v) for v in vectors])
    vectors[17, 1] = broken
    together = clip(vectors)
    others = np.arange(LANES) != 17
    assert np.array_equal(together[others], alone[others])
    if math.isnan(broken):
        assert np.isnan(together[17]).any()


@pytest.mark.parametrize(
    ("clip", "changed"),
    [
        (NormClip(1.0), NORMS[:LANES, 0] > 1),
        (CoordinateClip(1.0), np.abs(VECTORS[:LANES]).max(axis=1) > 1),
        (SmoothClip(1.0, 0.5), np.ones(LANES, dtype=bool)),
        (JointSmoothClip(1.0, 0.5), np.ones(LANES, dtype=bool)),
        (TorchClip(1.0), NORMS[:LANES, 0] > 1 - 1e-6),
        (OptaxClip(1.0), NORMS[:LANES, 0] >= 1),
        (SmoothNormalize(0.5), np.ones(LANES, dtype=bool)),
        (
            BlockClip([2, 1], 0.7),
            ((VECTORS[:LANES, :2] ** 2).mean(axis=1) > 0.7**2) | (np.abs(VECTORS[:LANES, 2]) > 0.7),
        ),
        (Identity(), np.zeros(LANES, dtype=bool)),
    ],
    ids=lambda value: str(value) if hasattr(value, "kernel") else "",
)
def test_kernels_count_the_lanes_that_they_change(clip, changed):
    block = np.ascontiguousarray(VECTORS[:LANES].T).ravel()
    lanes = np.zeros(2 * LANES)
    clip.kernel(block, lanes, 3, 0, clip.parameters)
    assert np.array_equal(lanes[:LANES], changed.astype(float))


# The smooth operator: theory page error-feedback, section 2.
PHI, EPS = 1.7, 0.36
SMOOTH = SmoothClip(PHI, math.sqrt(EPS))
GRID = np.concatenate([-np.geomspace(1e-8, 1e8, 4001)[::-1], [0.0], np.geomspace(1e-8, 1e8, 4001)])


def psi(y):
    return SMOOTH(np.asarray(y, dtype=float)[..., None])[..., 0]


def test_smooth_clip_is_odd_increasing_and_bounded():
    values = psi(GRID)
    assert np.array_equal(values, -values[::-1]) and np.all(np.diff(values) >= 0) and np.abs(values).max() <= PHI
    assert np.all(np.diff(psi(np.linspace(-5, 5, 2001))) > 0)
    assert psi(1e300) == PHI and psi(1e160) == PHI


def test_smooth_clip_lies_between_the_hard_clip_and_its_share():
    size, values = np.abs(GRID), np.abs(psi(GRID))
    hard = PHI * np.minimum(1, size / math.sqrt(EPS))
    slack = 1 + 1e-14
    assert np.all(hard / math.sqrt(2) <= values * slack) and np.all(values <= hard * slack)
    assert np.all(values**2 <= PHI**2 * size / (2 * math.sqrt(EPS)) * slack)
    kappa = PHI / math.sqrt(EPS)
    assert SMOOTH.lipschitz == pytest.approx(kappa)
    near = size < 10  # beyond it the difference of two equal numbers is compared with a huge one
    deviation = np.abs(values - kappa * size)
    assert np.all(deviation[near] <= PHI * size[near] ** 3 / (2 * EPS**1.5) * slack + 1e-15)
    assert hard.max() - values.max() < 1e-12
    gap = minimize_scalar(lambda y: float(psi(y)) - PHI * min(1, y / math.sqrt(EPS)), bounds=(0.1, 3), method="bounded")
    assert gap.x == pytest.approx(math.sqrt(EPS), abs=1e-4) and -gap.fun == pytest.approx((1 - 2**-0.5) * PHI, rel=1e-4)


def test_smooth_clips_second_derivative_and_inverse():
    def bend(y):
        return float(mp.diff(lambda t: PHI * t / mp.sqrt(t * t + EPS), y, 2))

    top = minimize_scalar(lambda y: -abs(bend(y)), bounds=(0.01, 3), method="bounded")
    assert top.x == pytest.approx(math.sqrt(EPS) / 2, abs=1e-4)
    assert -top.fun == pytest.approx(0.85865 * PHI / EPS, rel=1e-5)
    y = np.linspace(-3, 3, 31)
    w = psi(y)
    assert np.allclose(math.sqrt(EPS) * w / np.sqrt(PHI**2 - w**2), y, rtol=1e-12, atol=1e-15)
    for c in (0.1, 7.0):
        assert np.allclose(SmoothClip(PHI, c * math.sqrt(EPS))((c * y)[:, None])[:, 0], w, rtol=1e-14, atol=0)


def test_smooth_clip_is_monotone_up_to_the_stated_rounding():
    y = np.concatenate([RNG.uniform(1e6, 1e9, 4000), RNG.uniform(-10, 10, 4000)])
    z = y * (1 + RNG.choice([1e-15, 1e-9, 1e-3, 1.0], y.size))
    assert np.all((psi(y) - psi(z)) * (y - z) >= -1e-15 * PHI * np.abs(y - z))


def test_the_joint_forms_jacobian():
    clip, r = JointSmoothClip(PHI, math.sqrt(EPS)), 0.8
    y, step = np.array([0.0, r, 0.0]), 1e-6
    columns = [(clip(y + step * e) - clip(y - step * e)) / (2 * step) for e in np.eye(3)]
    values = np.sort(np.linalg.eigvalsh(np.stack(columns)))
    across, along = PHI / math.sqrt(r * r + EPS), PHI * EPS / (r * r + EPS) ** 1.5
    assert np.allclose(values, [along, across, across], rtol=1e-8)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NormClip(0.0), r"NormClip: threshold must be a number in \(0, inf\)"),
        (lambda: NormClip(NAN), r"threshold must be a number in \(0, inf\)"),
        (lambda: NormClip("one"), r"threshold must be a number in"),
        (lambda: SmoothClip(1.0, -1.0), r"width must be a number in \(0, inf\)"),
        (lambda: GrowingClip(1.0, INF), r"beta must be a number in \(0, inf\)"),
        (lambda: TorchClip(-1.0), r"threshold must be a number in \[0, inf\)"),
        (lambda: SmoothNormalize(0.0), r"regularizer must be a number in \(0, inf\)"),
        (lambda: BlockClip([2, 1], 0.0), r"threshold must be a number in \(0, inf\)"),
        (lambda: BlockClip([2, 0], 1.0), r"sizes must be a vector with entries in \[1, inf\)"),
        (lambda: BlockClip([2, 1.5], 1.0), r"sizes must be integers >= 1, but \[2.0, 1.5\] was given"),
        (
            lambda: BlockClip([2, 1], 1.0)(np.ones((5, 4))),
            r"gradients must have the dimension that the block sizes sum to, but the 2 sizes of the BlockClip sum to 3 and"
            r" the dimension is 4; give sizes that sum to 4",
        ),
        (
            lambda: Setting(Cosh(1.0, 1.0, [1.0, 1.0]), NoNoise(), ClippedSGD(0.1, BlockClip([2, 1], 1.0))),
            "Setting: the problem must have the dimension .* sum to 3 and the dimension is 2; give sizes that sum to 2",
        ),
        (lambda: NormClip(1.0)(3.0), r"gradients need the shape \(..., dim\)"),
    ],
)
def test_bad_input_names_the_domain(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Attached:
    """Like a tensor that takes part in a graph of gradients."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("call detach() first.")


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        (
            np.array([1 + 2j, 3.0]),
            r"but complex ones were given; np.asarray\(gradients\).view\(float\) has the same norm",
        ),
        ([1.0, 2j], "but complex ones were given"),
        ([np.ones(3), np.ones(2)], r"2 parts of the shapes \(3,\), \(2,\) were given; np.concatenate"),
        ((np.ones((2, 2)), np.ones(2)), r"2 parts of the shapes \(2, 2\), \(2,\) were given"),
        (np.array([np.ones(3), np.ones(2)], dtype=object), r"2 parts of the shapes \(3,\), \(2,\) were given"),
        ([[[1.0], [2.0, 3.0]], [1.0]], r"2 parts of the shapes uneven, \(1,\)"),
        ([np.ones(k) for k in range(9)], r"9 parts of the shapes \(0,\), \(1,\), \(2,\), \(3,\), ... were"),
        (np.array([1.0, 2.0], dtype=object), r"ndarray of dtype object was given; np.array\(gradients, dtype=float\)"),
        ({"weights": np.ones(2)}, "dict of dtype object was given"),
        (None, "NoneType of dtype object was given"),
        (["1.0"], "list of dtype <U3 was given"),
        (Attached(), r"but call detach\(\) first; "),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_array_of_reals_is_refused_in_one_sentence(gradients, words):
    for owner, use in (
        ("NormClip: gradients", NormClip(1.0)),
        ("gradient: points", Cosh(1.0, 1.0, x0=[1.0, 1.0]).gradient),
    ):
        name = owner.rpartition(" ")[2]
        with pytest.raises(ValueError, match=words.replace("gradients", name)) as told:
            use(gradients)
        assert str(told.value).startswith(f"{owner} must be one array of real numbers") and "\n" not in str(told.value)


def test_what_the_sentences_advise_works():
    z = np.array([3.0 + 4.0j, 0.0])
    assert np.allclose(NormClip(1.0)(np.asarray(z).view(float)).view(complex), z / 5, rtol=rounding(3), atol=0)
    parts = [np.full((2, 2), 1.0), np.full(5, 1.0)]
    joined = NormClip(1.0)(np.concatenate([np.ravel(part) for part in parts]))
    assert np.allclose(joined, np.full(9, 1 / 3), rtol=rounding(9), atol=0)
    numbers = np.array(np.array([3.0, 4.0], dtype=object), dtype=float)
    assert np.allclose(NormClip(1.0)(numbers), [0.6, 0.8], rtol=rounding(3), atol=0)
    for kind in (np.float32, np.int64):
        assert NormClip(1.0)(np.array([3, 4], dtype=kind)).dtype == np.float64


def test_complex_parameters_are_refused_too():
    for x0 in (1j, [1j], np.array([1 + 1j, 2.0])):
        with pytest.raises(ValueError, match="x0 must be a vector"):
            Cosh(1.0, 1.0, x0=x0)
    with pytest.raises(ValueError, match="threshold must be a number"):
        NormClip(np.complex128(1))
    with pytest.raises(ValueError, match="gradient_norm must be numbers"):
        drift(np.array([1j]), 1.0, 1.0)
