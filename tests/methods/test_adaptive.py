"""AdaGrad-norm, Adam and quantile clipping against NumPy twins on the draws of the public stream."""

import math

import numpy as np
import pytest
import twins

import clipbounds as cb
from clipbounds.clipping import BlockClip, Identity, NormClip, SmoothNormalize
from clipbounds.methods import AdaGradNorm, Adam, QuantileClippedSGD


def estimate(problem, x, noise, clip):
    return clip(problem.gradient(x) + noise.mean(axis=0))


def adagrad_norm(problem, method, xi):
    x, b = twins.start(problem), np.full((twins.TRAJECTORIES, 1), method.start)
    path = [x]
    for noise in xi:
        e = estimate(problem, x, noise, method.clip)
        b = np.hypot(b, twins.norm(e))
        x = x - method.step_size / b * e
        path.append(x)
    return np.array(path)


def adam(problem, method, xi):
    x = twins.start(problem)
    m, s = np.zeros_like(x), np.zeros_like(x)
    path = [x]
    for t, noise in enumerate(xi, 1):
        e = estimate(problem, x, noise, method.clip)
        m = method.beta1 * m + (1 - method.beta1) * e
        s = method.beta2 * s + (1 - method.beta2) * e * e
        x = x - method.step_size * m / (1 - method.beta1**t) / (np.sqrt(s / (1 - method.beta2**t)) + method.epsilon)
        path.append(x)
    return np.array(path)


def quantile(problem, method, xi):
    x, c = twins.start(problem), np.full((twins.TRAJECTORIES, 1), method.threshold)
    path, thresholds = [x], [c]
    for noise in xi:
        samples = problem.gradient(x) + noise
        kept = np.mean(twins.norm(samples) <= c, axis=0)
        x = x - method.step_size * np.mean([twins.clip(v, c) for v in samples], axis=0)
        c = c * np.exp(-method.rate * (kept - method.quantile))
        path.append(x)
        thresholds.append(c)
    return np.array(path), np.array(thresholds)[..., 0]


CLIPS = [Identity(), NormClip(0.8), SmoothNormalize(0.5)]


@pytest.mark.parametrize("problem", twins.PROBLEMS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("clip", CLIPS, ids=str)
@pytest.mark.parametrize("batch", [1, 3])
def test_adagrad_and_adam_visit_the_points_of_their_twins(problem, clip, batch):
    xi = twins.draws(problem.dim, batch=batch)
    for method, twin in (
        (AdaGradNorm(0.7, clip, batch, start=0.3), adagrad_norm),
        (Adam(0.05, clip, batch, beta1=0.8, beta2=0.95, epsilon=1e-3), adam),
    ):
        run, path = twins.simulated(problem, method), twin(problem, method, xi)
        twins.check(run, problem, path)
        steps = np.linalg.norm(np.diff(path, axis=0), axis=-1)
        assert steps.max() <= method.step_bound(problem.dim) * (1 + 1e-12)
        wrong = twin(problem, method.replace(step_size=1.001 * method.step_size), xi)
        with pytest.raises(AssertionError):
            twins.check(run, problem, wrong)


@pytest.mark.parametrize("problem", twins.PROBLEMS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("batch", [1, 3])
def test_quantile_clipping_visits_the_points_of_its_twin(problem, batch):
    method = QuantileClippedSGD(0.05, 0.4, quantile=0.7, rate=0.3, batch_size=batch)
    run, (path, thresholds) = (
        twins.simulated(problem, method),
        quantile(problem, method, twins.draws(problem.dim, batch=batch)),
    )
    twins.check(run, problem, path)
    np.testing.assert_allclose(run.threshold, thresholds, rtol=1e-12)


def test_adam_with_blocks_is_adam_of_the_blocks():
    """Component-wise methods act on the blocks by themselves: clipping a block of one coordinate is its own clipping."""
    problem = twins.PROBLEMS[0]
    method = Adam(0.05, BlockClip([2, 1], 0.5))
    twins.check(twins.simulated(problem, method), problem, adam(problem, method, twins.draws(3)))


def test_the_threshold_finds_the_quantile():
    """Far from anything that changes it: constant gradient 0, norms |xi| of a Gaussian, whose median is .6745 sigma.

    log C moves by rate (1 - quantile) or rate quantile; its mean at rest lies within O(rate) of the quantile: 5 % here.
    """
    problem = cb.problems.Quadratic(1.0, 0.0)
    setting = cb.Setting(problem, cb.noise.Gaussian(2.0), QuantileClippedSGD(1e-9, 50.0, 0.5, 0.02, 4))
    run = cb.simulate(setting, 2000, 256, seed=3, checkpoints=[0, 2000])
    assert (run.threshold[0] == 50.0).all()
    assert float(np.log(run.threshold[-1] / (2.0 * 0.6744897502)).mean()) == pytest.approx(0.0, abs=0.05)
    wrong = float(np.log(run.threshold[-1] / (2.0 * 1.1503493804)).mean())  # the quantile .75
    assert abs(wrong) > 0.05


def test_thresholds_of_a_run_without_noise_stay_positive():
    problem = cb.problems.Quadratic([1.0, 2.0], [1.0, 1.0])
    setting = cb.Setting(problem, cb.noise.NoNoise(), QuantileClippedSGD(0.1, 1.0, 0.0, 5.0))
    run = cb.simulate(setting, 400, 1)
    assert np.isfinite(run.gradient_norm).all() and float(run.threshold[-1, 0]) > 0


def test_effective_step_sizes_fall():
    problem = twins.PROBLEMS[1]
    run = twins.simulated(problem, AdaGradNorm(0.7, start=0.3))
    assert (run.effective_step_size[0] == 0.7 / 0.3).all() and (run.effective_step_size.diff("checkpoint") <= 0).all()


def test_adagrad_keeps_its_size_where_squares_overflow():
    problem = cb.problems.Quadratic([1.0, 1.0], [3e200, 4e200])
    run = cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), AdaGradNorm(1e200, start=1.0)), 1, 1)
    assert float(run.gradient_norm[-1, 0]) == pytest.approx(4e200, rel=1e-14)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Adam(0.1, beta1=1.0), r"Adam: beta1 must be a number in \[0, 1\) \(at 1 the mean never learns\)"),
        (lambda: Adam(0.1, beta2=1.0), r"Adam: beta2 must be a number in \[0, 1\) \(at 1 the second moment"),
        (lambda: Adam(0.1, epsilon=0.0), r"epsilon must be a number in \(0, inf\)"),
        (lambda: Adam(0.1, 0.5), r"Adam: clip must be an operator such as NormClip\(threshold\), but 0.5"),
        (lambda: AdaGradNorm(0.1, start=0.0), r"AdaGradNorm: start must be a number in \(0, inf\)"),
        (lambda: AdaGradNorm(-0.1), r"step_size must be a number in \(0, inf\)"),
        (lambda: QuantileClippedSGD(0.1, 1.0, 1.5), r"quantile must be a number in \[0, 1\]"),
        (lambda: QuantileClippedSGD(0.1, 1.0, rate=0.0), r"rate must be a number in \(0, inf\)"),
        (lambda: QuantileClippedSGD(0.1, 0.0), r"threshold must be a number in \(0, inf\)"),
        (
            lambda: cb.Setting(twins.PROBLEMS[1], twins.LAW, Adam(0.1, BlockClip([2, 2], 1.0))),
            "the dimension is 2; give sizes that sum to 2",
        ),
    ],
)
def test_bad_input_is_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_bound_of_adams_steps_is_infinite_where_the_mean_outlives_the_second_moment():
    assert math.isinf(Adam(0.1, beta1=0.9, beta2=0.5).step_bound(2))
