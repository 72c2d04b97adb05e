"""The compiled loop of (clipped) SGD against a plain NumPy loop that recomputes the noise from its counters."""

import numpy as np
import pytest
from twins import uniforms

import clipbounds as cb
from clipbounds.lanes import LANES


def reference(problem, xi, step_size, threshold, batch, per_sample, momentum):
    """Gradient norms at x_0, ..., x_T; xi has the shape (steps, batch, trajectories, dim)."""

    def clip(v):
        norm = np.linalg.norm(v, axis=-1, keepdims=True)
        return v * np.minimum(1.0, threshold / np.where(norm > 0, norm, 1.0))

    x = np.repeat(problem.x0[np.newaxis], xi.shape[2], axis=0)
    memory = np.zeros_like(x)
    norms = []
    for noise in xi:
        gradient = problem.eigenvalues * x
        norms.append(np.linalg.norm(gradient, axis=-1))
        samples = gradient + noise
        estimate = np.mean([clip(s) for s in samples], axis=0) if per_sample else clip(samples.mean(axis=0))
        memory = momentum * memory + estimate
        x = x - step_size * memory
    norms.append(np.linalg.norm(problem.eigenvalues * x, axis=-1))
    return np.array(norms)


@pytest.mark.parametrize("dim", [1, 2, 3, 10, 13, 33])
@pytest.mark.parametrize(
    ("batch", "per_sample", "momentum"), [(1, False, 0.0), (3, False, 0.0), (3, True, 0.5), (1, True, 0.9)]
)
def test_matches_a_numpy_loop(dim, batch, per_sample, momentum):
    steps, trajectories, seed = 37, 70, 5
    problem = cb.problems.Quadratic(np.linspace(0.5, 2, dim), np.linspace(3, 1, dim))
    method = cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(0.8), batch, momentum, per_sample=per_sample)
    noise = cb.noise.TwoPoint(1.3, 0.6)
    stride = {1: 1, 2: 2, 3: 3, 10: 10, 13: 14, 33: 36}[dim]  # how many draws a sample owns
    u = uniforms(seed, steps * batch * stride, trajectories).reshape(steps, batch, stride, trajectories)
    xi = np.where(u < 0.36 / 1.36, 1.3 / 0.6, -1.3 * 0.6)[:, :, :dim].transpose(0, 1, 3, 2)
    expected = reference(problem, xi, 0.1, 0.8, batch, per_sample, momentum)
    run = cb.simulate(cb.Setting(problem, noise, method), steps, trajectories, seed, checkpoints=range(steps + 1))
    np.testing.assert_allclose(run.gradient_norm, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(run.min_gradient_norm, np.minimum.accumulate(expected), rtol=1e-11, atol=1e-12)
    means = np.cumsum(expected, axis=0)[:-1] / np.arange(1, steps + 1)[:, np.newaxis]
    np.testing.assert_allclose(run.mean_gradient_norm[1:], means, rtol=1e-11)
    squares = np.cumsum(expected**2, axis=0)[:-1] / np.arange(1, steps + 1)[:, np.newaxis]
    np.testing.assert_allclose(run.mean_squared_gradient_norm[1:], squares, rtol=2e-11)


def test_clipped_fraction_counts_engaged_samples():
    problem = cb.problems.Quadratic(1.0, 100.0)
    for threshold, expected in ((1e-3, 1.0), (1e6, 0.0)):
        method = cb.methods.ClippedSGD(1e-6, cb.clipping.NormClip(threshold), batch_size=4, per_sample=True)
        run = cb.simulate(cb.Setting(problem, cb.noise.Gaussian(1.0), method), 20, 5)
        assert (run.clipped_fraction[-1] == expected).all()


def test_sgd_without_noise_is_gradient_descent():
    problem = cb.problems.Quadratic([1.0, 3.0], [2.0, -1.0])
    run = cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), cb.methods.SGD(0.1)), 12, checkpoints=range(13))
    t = np.arange(13)
    expected = np.hypot(2 * 0.9**t, 3 * 0.7**t)
    np.testing.assert_allclose(run.gradient_norm[:, 0], expected, rtol=1e-13)


def test_same_noise_for_every_threshold():
    """Common random numbers: unclipped steps do not depend on a threshold that never engages."""
    problem = cb.problems.Quadratic(np.ones(3), np.ones(3))
    runs = [
        cb.simulate(
            cb.Setting(problem, cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(c))), 50, 64
        )
        for c in (1e3, 1e6)
    ]
    np.testing.assert_array_equal(runs[0].gradient_norm, runs[1].gradient_norm)


@pytest.mark.parametrize("layout", [{}, {"radial": True}, {"along": [0.6, 0.8]}])
def test_layouts_have_the_stated_second_moment_and_shape(layout):
    """One step from 0 with threshold inf-like: x_1 = -eta xi, so moments of the gradient norm are those of the noise."""
    noise = cb.noise.Rademacher(2.0, **layout)
    setting = cb.Setting(cb.problems.Quadratic([1.0, 1.0], [0.0, 0.0]), noise, cb.methods.SGD(1.0))
    norms = cb.simulate(setting, 1, 10 * LANES, checkpoints=[1]).gradient_norm[0]
    # Rademacher lengths: sqrt(2)·2 for independent components, 2 on a line or a sphere
    np.testing.assert_allclose(norms**2, noise.vector_moment(2.0, 2), rtol=1e-12)
