"""Per-sample, micro-batch and normalised SGD against a plain NumPy loop, and against each other."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.lanes.random import NOISE, threefry2x64

M = cb.methods
NORM = cb.clipping.NormClip(0.8)
GROWING = cb.clipping.GrowingClip(0.5, 1.4)


def two_point_draws(seed, steps, batch, dim, trajectories, sigma=1.3, skew=0.6):
    """The noise of TwoPoint(sigma, skew) from the public generator alone: (steps, batch, trajectories, dim)."""
    draws = steps * batch * dim  # a sample owns `dim` draws for dim <= 8
    pairs = -(-draws // 2)
    counters = np.stack(np.meshgrid(np.arange(pairs), np.arange(trajectories), indexing="ij"), axis=-1)
    words = threefry2x64(np.array([seed, NOISE], np.uint64), counters.astype(np.uint64))
    u = np.moveaxis(((words >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52, 2, 1)
    u = u.reshape(2 * pairs, trajectories)[:draws].reshape(steps, batch, dim, trajectories)
    q2 = skew**2
    return np.where(u < q2 / (1 + q2), sigma / skew, -sigma * skew).transpose(0, 1, 3, 2)


def clipped(v, threshold):
    norm = np.linalg.norm(v, axis=-1, keepdims=True)
    return v * np.minimum(1.0, threshold / np.where(norm > 0, norm, 1.0))


def reference(problem, xi, step_size, thresholds, momentum):
    """Gradient norms at x_0, ..., x_T and the share of clipped units; thresholds one a group."""
    x = np.repeat(problem.x0[np.newaxis], xi.shape[2], axis=0)
    memory, norms, engaged = np.zeros_like(x), [], 0
    for noise in xi:
        gradient = problem.eigenvalues * x
        norms.append(np.linalg.norm(gradient, axis=-1))
        units = (gradient + noise).reshape(len(thresholds), -1, *x.shape).mean(axis=1)
        engaged = engaged + np.sum(np.linalg.norm(units, axis=-1) > np.asarray(thresholds)[:, None], axis=0)
        estimate = np.mean([clipped(u, t) for u, t in zip(units, thresholds, strict=True)], axis=0)
        memory = momentum * memory + estimate
        x = x - step_size * memory
    norms.append(np.linalg.norm(problem.eigenvalues * x, axis=-1))
    return np.array(norms), engaged / (len(xi) * len(thresholds))


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("clip", [NORM, GROWING], ids=["constant", "growing"])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_matches_a_numpy_loop(dim, groups, clip, momentum):
    steps, batch, trajectories, seed = 23, 6, 66, 11
    problem = cb.problems.Quadratic(np.linspace(0.5, 2, dim), np.linspace(3, 1, dim))
    noise = cb.noise.TwoPoint(1.3, 0.6)
    thresholds = [0.8] * groups if clip is NORM else [0.5 * k ** (1 / 1.4) for k in range(1, groups + 1)]
    xi = two_point_draws(seed, steps, batch, dim, trajectories)
    norms, share = reference(problem, xi, 0.1, thresholds, momentum)
    methods = [M.MicroBatchClippedSGD(0.1, clip, batch, groups, momentum)]
    if groups == batch:
        methods.append(M.PerSampleClippedSGD(0.1, clip, batch, momentum))
    for method in methods:
        run = cb.simulate(cb.Setting(problem, noise, method), steps, trajectories, seed, checkpoints=range(steps + 1))
        np.testing.assert_allclose(run.gradient_norm, norms, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(run.clipped_fraction[-1], share, rtol=1e-12)


def test_normalised_steps_match_a_numpy_loop():
    steps, batch, trajectories, seed = 19, 4, 70, 2
    problem = cb.problems.Quadratic([0.5, 2.0, 1.0], [3.0, 1.0, 2.0])
    xi = two_point_draws(seed, steps, batch, 3, trajectories)
    x = np.repeat(problem.x0[np.newaxis], trajectories, axis=0)
    for noise in xi:
        estimate = (problem.eigenvalues * x + noise).mean(axis=0)
        x = x - 0.05 * estimate / np.linalg.norm(estimate, axis=-1, keepdims=True)
    setting = cb.Setting(problem, cb.noise.TwoPoint(1.3, 0.6), M.NormalizedSGD(0.05, batch))
    run = cb.simulate(setting, steps, trajectories, seed, checkpoints=[steps])
    np.testing.assert_allclose(run.gradient_norm[-1], np.linalg.norm(problem.eigenvalues * x, axis=-1), rtol=1e-11)


def test_one_estimate_on_a_quadratic_is_the_error_of_the_estimator():
    """eta = 1/L on an isotropic quadratic: grad f(x_1) = L (x_0 - eta ghat) = g - ghat; experiments rely on it."""
    problem = cb.problems.Quadratic(np.full(3, 2.0), [1.0, 0.5, -1.0])
    setting = cb.Setting(problem, cb.noise.TwoPoint(1.3, 0.6), M.PerSampleClippedSGD(0.5, GROWING, 8))
    run = cb.simulate(setting, 1, 64, seed=4, checkpoints=[1])
    xi = two_point_draws(4, 1, 8, 3, 64)[0]
    g = 2.0 * problem.x0
    estimate = np.mean([clipped(g + xi[k], 0.5 * (k + 1) ** (1 / 1.4)) for k in range(8)], axis=0)
    np.testing.assert_allclose(run.gradient_norm[-1], np.linalg.norm(estimate - g, axis=-1), rtol=1e-11)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_results_do_not_depend_on_threads_or_chunks(groups):
    problem = cb.problems.Quadratic(np.ones(5), np.ones(5))
    noise = cb.noise.StudentT(1.5, 0.3, radial=True)
    setting = cb.Setting(problem, noise, M.MicroBatchClippedSGD(0.1, GROWING, 16, groups))
    runs = [
        cb.simulate(setting, 20, 200, seed=7, threads=threads, chunk=chunk)
        for threads, chunk in ((1, 1), (2, 1), (2, 3))
    ]
    for other in runs[1:]:
        assert runs[0].identical(other)


def test_micro_batches_of_one_sample_are_per_sample_clipping_bit_for_bit():
    problem = cb.problems.Quadratic(np.ones(4), np.ones(4))
    noise = cb.noise.Pareto(1.6, 1.0)
    runs = [
        cb.simulate(cb.Setting(problem, noise, method), 30, 64, seed=3)
        for method in (M.PerSampleClippedSGD(0.1, GROWING, 8), M.MicroBatchClippedSGD(0.1, GROWING, 8, 8))
    ]
    np.testing.assert_array_equal(runs[0].gap, runs[1].gap)


def test_no_step_is_longer_than_the_step_bound():
    """Thresholds that grow are averaged: sum of 0.5 k^{1/1.4}. A spike of size 1e6 makes every clip engage."""
    problem = cb.problems.Quadratic([1.0, 1.0], [1e6, 0.0])
    for method in (M.PerSampleClippedSGD(0.1, GROWING, 5), M.MicroBatchClippedSGD(0.1, GROWING, 10, 5)):
        setting = cb.Setting(problem, cb.noise.Gaussian(1e-3), method)
        run = cb.simulate(setting, 1, 64, checkpoints=[0, 1])
        length = (run.distance[0] - run.distance[1]).values
        expected = 0.1 * np.mean([0.5 * k ** (1 / 1.4) for k in range(1, 6)])
        assert method.step_bound(2) == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(length, expected, rtol=1e-5)


@pytest.mark.parametrize("method", [M.PerSampleClippedSGD(0.1, GROWING, 8, 0.5), M.NormalizedSGD(0.1, 4)])
def test_json_round_trip(method):
    assert type(method).from_json(method.to_json()) == method


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: M.MicroBatchClippedSGD(0.1, NORM, 64, 5), "groups must divide batch_size, but 5 groups"),
        (lambda: M.MicroBatchClippedSGD(0.1, NORM, 64, 0), "groups must be an integer >= 1"),
        (lambda: M.MicroBatchClippedSGD(0.1, 3.0, 64, 4), "clip must be an operator"),
        (lambda: M.PerSampleClippedSGD(0.1, 3.0, 64), "clip must be an operator"),
        (lambda: M.PerSampleClippedSGD(0.0, NORM, 64), "step_size must be a number in"),
        (lambda: M.NormalizedSGD(-1.0), "step_size must be a number in"),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build()
