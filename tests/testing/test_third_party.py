"""The property suite on operators of other projects; each skips where the project is not installed.

What is asserted here is listed, with the smallest failing examples, in docs/third_party_clipping.md.
"""

import numpy as np
import pytest

from clipbounds.clipping import PROPERTIES, OptaxClip, TorchClip
from clipbounds.testing import failing_properties

# rowwise is left out: torch and clip_by_global_norm take one norm of all that they are given, and
# per_example_global_norm_clip gives the sum of the clipped rows, so each is called with one gradient at a time
ALL = frozenset(PROPERTIES) - {"scaling", "rowwise"}
ORDINARY = ALL - {"every_scale"}
EXAMPLES = 40


def torch_clip(threshold):
    torch = pytest.importorskip("torch")

    def clip(u):
        weight = torch.nn.Parameter(torch.zeros(u.size, dtype=torch.float64))
        weight.grad = torch.from_numpy(u)
        torch.nn.utils.clip_grad_norm_([weight], threshold)
        return weight.grad.numpy()

    return clip


def optax_clip(threshold):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    transform = optax.clip_by_global_norm(threshold)
    update = jax.jit(lambda g: transform.update(g, optax.EmptyState())[0])
    return lambda u: np.asarray(update(u))


def optax_per_example(threshold):
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    clipped = jax.jit(lambda g: optax.per_example_global_norm_clip([g], threshold)[0][0])
    return lambda u: np.asarray(clipped(u[None]))


def test_torch_never_returns_the_threshold_exactly():
    clip = torch_clip(1.0)
    for length in (1.0, 1.5, 10.0, 1e6):
        assert np.linalg.norm(clip(np.array([0.6, 0.8]) * length)) < 1.0
    failures = failing_properties(clip, ORDINARY, threshold=1.0, examples=EXAMPLES)
    assert set(failures) == {"full_length", "identity_inside", "idempotent", "tames_inf"}
    assert np.array_equal(failures["identity_inside"].example, [1.0])
    assert failures["identity_inside"].output == pytest.approx(1 / (1 + 1e-6), rel=1e-15)
    everywhere = failing_properties(clip, ALL, threshold=1.0, examples=EXAMPLES)
    assert set(everywhere) - set(failures) == {"every_scale"}  # an overflowing norm gives 0
    assert {"monotone", "cocoercive"} <= set(everywhere["every_scale"].there)


@pytest.mark.parametrize("make", [optax_clip, optax_per_example])
def test_optax_is_the_projection_where_squares_are_normal_numbers(make):
    clip = make(1.0)
    failures = failing_properties(clip, ORDINARY, threshold=1.0, examples=EXAMPLES)
    assert set(failures) == {"tames_inf"}
    everywhere = failing_properties(clip, ALL, threshold=1.0, examples=EXAMPLES)
    assert set(everywhere) == {"tames_inf", "every_scale"}
    assert {"full_length", "monotone", "cocoercive"} <= set(everywhere["every_scale"].there)


def test_one_norm_for_a_whole_batch_is_not_rowwise():
    failure = failing_properties(optax_clip(1.0), ["rowwise"], threshold=1.0, examples=EXAMPLES)["rowwise"]
    assert np.array_equal(failure.example, [[1.0], [1.0]])
    assert failure.output == pytest.approx(np.full((2, 1), 0.5**0.5), rel=1e-15)


def test_optax_gives_nan_at_norm_and_threshold_zero():
    assert np.isnan(optax_clip(0.0)(np.zeros(2))).all()
    assert np.array_equal(optax_per_example(0.0)(np.zeros(2)), np.zeros(2))


@pytest.mark.parametrize(("make", "ours"), [(torch_clip, TorchClip), (optax_clip, OptaxClip)])
def test_the_parity_versions_repeat_the_frameworks(make, ours):
    rng = np.random.default_rng(0)
    for threshold in (1.0, 0.37):
        theirs, clip = make(threshold), ours(threshold)
        for scale in (1e-200, 1e-3, 1.0, 1e3, 1e200):
            for u in rng.normal(size=(20, 3)) * scale:
                assert np.allclose(clip(u), theirs(u.copy()), rtol=1e-14, atol=0)
