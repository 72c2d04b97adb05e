"""The suite for operators: every declared property holds, and every wrong operator is caught."""

import math

import numpy as np
import pytest
from hypothesis import find, given

from clipbounds import clipping, testing
from clipbounds.clipping import (
    PROPERTIES,
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
from clipbounds.testing.strategies import OPERATORS

BUILT_IN = [
    NormClip(2.0), CoordinateClip(0.7), SmoothClip(2.0, 0.5), JointSmoothClip(0.3, 4.0), GrowingClip(1.5, 2.0),
    Normalize(), Identity(), TorchClip(1.3), OptaxClip(0.9),
    SmoothNormalize(0.4), BlockClip([1, 2], 0.7), BlockClip([2, 1, 3], 1.1), BlockClip([2], 3.0),
]  # fmt: skip
EXAMPLES = 15


@pytest.mark.parametrize("clip", BUILT_IN, ids=str)
def test_built_in_operators_have_the_properties_they_declare(clip):
    assert clip.properties <= set(PROPERTIES)
    testing.check_clip_operator(clip, examples=EXAMPLES)


@pytest.mark.full
@pytest.mark.parametrize("clip", BUILT_IN, ids=str)
def test_built_in_operators_on_many_examples(clip):
    testing.check_clip_operator(clip, examples=2000)


LACKING = {
    CoordinateClip(1.0): {"direction", "rotation_equivariant"},
    SmoothClip(1.0, 0.5): {"direction", "idempotent", "nonexpansive", "rotation_equivariant"},
    JointSmoothClip(1.0, 0.5): {"idempotent", "nonexpansive"},
    Normalize(): {"nonexpansive", "cocoercive"},
    SmoothNormalize(0.5): {"nonexpansive", "idempotent"},
    BlockClip([2, 1], 1.0): {"direction", "full_length", "permutation_equivariant", "rotation_equivariant"},
    Identity(): {"bounded", "tames_inf"},
    TorchClip(1.0): {"full_length", "identity_inside", "idempotent", "tames_inf"},
    OptaxClip(1.0): {"tames_inf"},
}


@pytest.mark.parametrize(
    ("clip", "lacking"), LACKING.items(), ids=lambda x: str(sorted(x)) if isinstance(x, (set, frozenset)) else str(x)
)
def test_the_suite_finds_the_properties_that_an_operator_lacks(clip, lacking):
    assert not lacking & clip.properties
    found = testing.failing_properties(clip, lacking, lipschitz=1.0, bound=lambda dim: 1.0, examples=EXAMPLES)
    assert set(found) == lacking


def exact(u):
    """Clipping to the unit ball, written plainly."""
    return u * min(1.0, 1 / max(np.linalg.norm(u), 1e-300))


WRONG = {
    "bounded": lambda u: 1.001 * exact(u),
    "full_length": lambda u: 0.999 * exact(u),
    "direction": lambda u: np.roll(exact(u), 1) if u.size > 1 else -exact(u),
    "identity_inside": lambda u: exact(0.99 * u),
    "idempotent": lambda u: 0.9 * exact(u),
    "nonexpansive": lambda u: exact(1.01 * u),
    "monotone": lambda u: -exact(u),
    "cocoercive": lambda u: exact(1.01 * u),
    "odd": lambda u: exact(u) + (1e-9 if u.any() else 0.0),
    "permutation_equivariant": lambda u: exact(u * np.linspace(1, 1.1, u.size)),
    "rotation_equivariant": lambda u: np.clip(u, -0.5, 0.5),
    "keeps_nan": lambda u: np.nan_to_num(u),
    "tames_inf": lambda u: u,
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_property_rejects_a_wrong_operator_and_shows_where(name):
    with pytest.raises(AssertionError, match=name) as caught:
        testing.check_clip_operator(WRONG[name], [name], threshold=1.0, examples=EXAMPLES)
    assert "array" in str(caught.value)
    if name not in ("keeps_nan", "tames_inf"):
        testing.check_clip_operator(exact, [name], threshold=1.0, examples=EXAMPLES)


def test_scaling_needs_the_scaled_operator():
    wrong = lambda factor: NormClip(1.001 * factor)  # noqa: E731
    assert set(testing.failing_properties(NormClip(1.0), ["scaling"], scaled=wrong, examples=EXAMPLES)) == {"scaling"}
    with pytest.raises(ValueError, match="need scaled"):
        testing.failing_properties(lambda u: u, ["scaling"])


def test_torch_changes_a_vector_of_the_threshold_and_optax_gives_nan_at_zero():
    failures = testing.failing_properties(TorchClip(1.0), ["identity_inside"], examples=EXAMPLES)
    assert np.array_equal(failures["identity_inside"].example, [1.0])
    failures = testing.failing_properties(OptaxClip(0.0), ["bounded"], examples=EXAMPLES)
    assert np.array_equal(failures["bounded"].example, [0.0]) and np.isnan(failures["bounded"].output).all()


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="must be among"):
        testing.check_clip_operator(NormClip(1.0), ["contractive"])
    with pytest.raises(ValueError, match="need threshold"):
        testing.check_clip_operator(lambda u: u, ["full_length"])
    with pytest.raises(ValueError, match="need bound or threshold"):
        testing.check_clip_operator(lambda u: u, ["bounded"])


@pytest.mark.parametrize(
    "wanted",
    [
        lambda u: not u.any(),
        lambda u: 0 < math.hypot(*u) < 1e-300,
        lambda u: math.hypot(*u) >= 1e200,
        lambda u: u.size > 1 and math.hypot(*u) == 1.0,
    ],
)
def test_gradients_include_zero_subnormals_overflow_and_ties(wanted):
    find(testing.gradients(), wanted)


@pytest.mark.parametrize("wanted", [np.isposinf, np.isneginf, np.isnan])
def test_gradients_that_are_not_finite(wanted):
    find(testing.gradients(finite=False), lambda u: bool(wanted(u).any()))


@given(testing.clip_operators(3), testing.gradients(3))
def test_operators_of_the_strategy_are_bounded(clip, gradient):
    bound = clip.threshold_at(0) if isinstance(clip, GrowingClip) else clip.bound(gradient.size)
    assert math.hypot(*clip(gradient)) <= bound * (1 + 1e-12)


def test_the_strategy_covers_every_operator():
    public = [getattr(clipping, name) for name in clipping.__all__]
    assert set(OPERATORS) == {kind for kind in public if isinstance(kind, type)} - {clipping.Clip, BlockClip}
    find(testing.clip_operators(3), lambda clip: isinstance(clip, BlockClip) and clip.sizes.size == 2)
    assert all(clip.dimension is None for clip in map(find_one, OPERATORS.values()))


def find_one(strategy):
    return find(strategy, lambda clip: True)


def test_an_operator_of_one_dimension_is_tried_on_vectors_of_it():
    seen = set()

    def block(u):
        seen.add(u.shape[-1])
        return BlockClip([1, 2], 0.7)(u)

    testing.check_clip_operator(block, like=BlockClip([1, 2], 0.7), examples=EXAMPLES)
    assert seen == {3}
    wrong = testing.failing_properties(BlockClip([1, 2], 0.7), like=BlockClip([1, 2], 0.6), examples=EXAMPLES)
    assert set(wrong) == {"bounded", "scaling", "tames_inf"}
