"""Eleven operators that clip wrongly, each as somebody has written it; the suite finds each by the property one would name."""

import math

import numpy as np
import pytest

from clipbounds.clipping import CLIP, PROPERTIES, CoordinateClip, NormClip, OptaxClip
from clipbounds.lanes import LANES, kernel
from clipbounds.testing import check_clip_operator, failing_properties

EXAMPLES = 15
# what an ordinary implementation lacks: its squares overflow, and infinity times zero is nan
ORDINARY = {"every_scale", "tames_inf"}


def norm(g):
    return np.linalg.norm(g, axis=-1, keepdims=True)


def plain(g, c=1.0):
    """As one writes it."""
    return g * np.minimum(1.0, c / norm(g))


def closed(g, c=1.0):
    return np.where(norm(g) <= c, g, g / norm(g) * c)


def strict(g, c=1.0):
    return np.where(norm(g) < c, g, g / norm(g) * c)


def strict_comparison(g):
    return strict(g, 0.0)


def one_norm_for_the_batch(g):
    return g * np.minimum(1.0, 1.0 / np.linalg.norm(g))


def squared_norm(g):
    return g * np.minimum(1.0, 1.0 / norm(g) ** 2)


def always_normalised(g):
    return g / np.where(norm(g) > 0, norm(g), 1.0)


def l1_norm(g):
    return g * np.minimum(1.0, 1.0 / np.abs(g).sum(axis=-1, keepdims=True))


def single_precision(g):
    return plain(g.astype(np.float32))


def zero_at_infinity(g):
    return np.where(np.isinf(norm(g)), 0.0, plain(g))


def a_little_short(g):
    return plain(g, 1.0 - 1e-4)


def per_block(g):
    middle = (g.shape[-1] + 1) // 2
    return np.concatenate([plain(g[..., :middle]), plain(g[..., middle:])], axis=-1)


def regularised(g):
    return g / (norm(g) + 1.0)


def negative_threshold(g):
    return plain(g, -1.0)


UNIT = NormClip(1.0)
BROKEN = [
    (one_norm_for_the_batch, UNIT, "rowwise"),
    (squared_norm, UNIT, "full_length"),
    (always_normalised, UNIT, "identity_inside"),
    (l1_norm, UNIT, "rotation_equivariant"),
    (single_precision, UNIT, "identity_inside"),
    (zero_at_infinity, UNIT, "tames_inf"),
    (a_little_short, UNIT, "full_length"),
    (strict_comparison, OptaxClip(0.0), "identity_inside"),
    (per_block, UNIT, "bounded"),
    (regularised, UNIT, "full_length"),
    (negative_threshold, UNIT, "direction"),
]
SIZE = 4  # entries of an example that a person takes in at a glance


def parts(example):
    return example if isinstance(example, tuple) else (example,)


@pytest.mark.parametrize(("fn", "like", "name"), BROKEN, ids=[row[0].__name__ for row in BROKEN])
def test_each_is_found_by_its_property_with_a_small_example_of_ordinary_size(fn, like, name):
    found = failing_properties(fn, like=like, examples=EXAMPLES)
    example = found[name].example
    assert sum(np.size(part) for part in parts(example)) <= SIZE
    for failure in found.values():
        entries = np.abs(np.concatenate([np.ravel(part) for part in parts(failure.example)]))
        entries = entries[np.isfinite(entries) & (entries > 0)]
        ordinary = bool(np.all((entries > 1e-13) & (entries < 1e4)))
        assert ordinary == (failure.name != "every_scale")
    assert str(found[name]).startswith(f"{name} (") and repr(example)[:6] in str(found[name])


@pytest.mark.parametrize("fn", [plain, closed, strict], ids=lambda fn: fn.__name__)
def test_an_ordinary_implementation_lacks_the_extremes_only(fn):
    found = failing_properties(fn, like=UNIT, examples=EXAMPLES)
    assert set(found) == ORDINARY
    assert found["every_scale"].there == ("full_length", "monotone", "cocoercive")
    assert np.array_equal(found["every_scale"].example, [1e160])
    text = str(found["every_scale"])
    assert "namely full_length, monotone, cocoercive, fails at array([1.e+160])" in text
    check_clip_operator(fn, UNIT.properties - ORDINARY, like=UNIT, examples=EXAMPLES)


def test_a_strict_comparison_shows_at_the_thresholds_zero_and_infinity_only():
    """For 0 < c < inf the two formulas are one function: at ‖g‖ = c both branches give g, (g/c) c up to rounding."""
    rng = np.random.default_rng(0)
    ties = np.concatenate([np.eye(3), -np.eye(3)])
    away = rng.normal(size=(1000, 3)) * np.exp(rng.normal(size=(1000, 1)))
    assert np.all(norm(away) != 1.0) and np.all(norm(ties) == 1.0)
    for c in (1.0, 0.37, 3.0):
        assert np.array_equal(strict(c * away, c), closed(c * away, c))
        assert np.allclose(strict(c * ties, c), closed(c * ties, c), rtol=2**-52, atol=0)
    for c, properties in ((0.0, ["identity_inside"]), (math.inf, ["identity_inside", "every_scale"])):
        assert failing_properties(lambda g, c=c: closed(g, c), properties, threshold=c, examples=EXAMPLES) == {}
        (found,) = failing_properties(lambda g, c=c: strict(g, c), properties, threshold=c, examples=EXAMPLES).values()
        assert found.name == properties[-1] and np.isnan(found.output).all()


def test_like_gives_what_an_operator_of_the_package_knows():
    """A coordinate clip is found right with its own operator as the model, and wrong with another threshold's."""

    def cube(g):
        return np.clip(g, -0.7, 0.7)

    check_clip_operator(cube, like=CoordinateClip(0.7), examples=EXAMPLES)
    assert {"identity_inside", "scaling"} <= set(failing_properties(cube, like=CoordinateClip(0.8), examples=EXAMPLES))
    # what is given counts more than the model
    assert (
        failing_properties(cube, ["identity_inside"], like=CoordinateClip(0.8), threshold=0.7, examples=EXAMPLES) == {}
    )
    for wrong in (1.0, NormClip, plain):
        with pytest.raises(ValueError, match="like must be an operator such as"):
            check_clip_operator(plain, like=wrong)


def test_all_that_is_missing_is_asked_for_at_once():
    with pytest.raises(ValueError, match=r"threshold; .*need bound or threshold; scaling need scaled; .*like=") as told:
        check_clip_operator(plain, PROPERTIES)
    assert "\n" not in str(told.value)


def test_an_operator_on_single_gradients_lacks_rowwise_and_is_told_how_to_get_it():
    def single(u):
        return u * min(1.0, 1.0 / max(math.hypot(*u), 1e-300))

    (found,) = failing_properties(single, UNIT.properties - ORDINARY, like=UNIT, examples=EXAMPLES).values()
    assert found.name == "rowwise" and isinstance(found.output, TypeError)
    assert "np.apply_along_axis(fn, -1, batch)" in str(found)
    check_clip_operator(
        lambda g: np.apply_along_axis(single, -1, g) if g.size else g,
        UNIT.properties - ORDINARY,
        like=UNIT,
        examples=EXAMPLES,
    )


def spoilt_by_a_neighbour(g):
    return plain(g) if np.isfinite(g).all() else np.full(g.shape, np.nan)


def one_axis_only(g):
    return plain(g) if g.ndim < 3 else plain(g.reshape(-1, g.shape[-1])).reshape(g.shape)[::-1]


@pytest.mark.parametrize("fn", [spoilt_by_a_neighbour, one_axis_only], ids=lambda fn: fn.__name__)
def test_other_ways_not_to_be_rowwise(fn):
    assert set(failing_properties(fn, ["rowwise"], like=UNIT, examples=EXAMPLES)) == {"rowwise"}


class LaneZero(NormClip):
    """Divides every lane by the norm of the first: a kernel that mixes trajectories."""

    properties = frozenset({"bounded"})

    @kernel(CLIP)
    def kernel(v, lanes, dim, index, params):
        total = 0.0
        for k in range(dim):
            total += v[k * LANES] * v[k * LANES]
        for i in range(dim * LANES):
            v[i] = v[i] * min(1.0, params[0] / math.sqrt(total)) if total > 0.0 else v[i]


def test_a_kernel_that_mixes_trajectories_is_found_whatever_it_declares():
    assert "rowwise" in failing_properties(LaneZero(1.0), examples=EXAMPLES)


def test_a_change_of_shape_is_refused():
    with pytest.raises(ValueError, match=r"an operator keeps the shape, but for the shape \(1,\) \(\) was returned"):
        failing_properties(lambda g: None, ["odd"])
    with pytest.raises(ValueError, match=r"threshold must be a number >= 0, but -1\.0"):
        failing_properties(plain, ["odd"], threshold=-1.0)
    with pytest.raises(ValueError, match="every_scale says where other properties hold"):
        failing_properties(plain, ["every_scale"])
