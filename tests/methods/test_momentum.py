"""Momentum with clipping: NumPy twins, what the methods become at the ends of their parameters, and bad input."""

import math

import numpy as np
import pytest
import twins

import clipbounds as cb
from clipbounds.clipping import CoordinateClip, NormClip
from clipbounds.methods import (
    ClippedMomentumSGD,
    ClippedSGD,
    ListSchedule,
    MixedClippedSGD,
    NormalizedMomentumSGD,
    NormalizedSGD,
    PiecewiseSchedule,
    PowerSchedule,
)

FALLING, GROWING = PowerSchedule(0.3, -0.5), PowerSchedule(0.4, 0.25)
METHODS = {
    "after": ClippedMomentumSGD(0.1, NormClip(0.8), 0.7),
    "after, heavy ball": ClippedMomentumSGD(0.1, NormClip(1.5), 0.7, 2, heavy_ball=True),
    "before": ClippedMomentumSGD(0.1, NormClip(0.8), 0.7, order="before"),
    "before, heavy ball": ClippedMomentumSGD(
        FALLING, NormClip(0.8), 0.7, 3, "before", heavy_ball=True, threshold=GROWING
    ),
    "mixed": MixedClippedSGD(0.1, NormClip(0.8), 0.9, 0.7),
    "mixed, schedules": MixedClippedSGD(FALLING, NormClip(0.8), 0.9, 0.3, 2, threshold=GROWING),
    "by coordinates": MixedClippedSGD(0.1, CoordinateClip(0.8), 0.9, 0.7),
    "normalised": NormalizedMomentumSGD(0.05, 0.9),
    "normalised, schedule": NormalizedMomentumSGD(FALLING, 0.5, 2),
}


def twin(problem, method, beta=None):
    """The points x_0, ..., x_T of the written-out iteration, (steps + 1, trajectories, dim)."""
    beta = method.momentum if beta is None else beta
    xi = twins.draws(problem.dim, batch=method.batch_size).mean(axis=1)
    t, threshold = np.arange(twins.STEPS), getattr(method, "threshold", None)
    eta = (
        method.step_size.at(t)
        if isinstance(method.step_size, PowerSchedule)
        else np.full(twins.STEPS, method.step_size)
    )
    x = twins.start(problem)
    m, path = np.zeros_like(x), [x]
    for step, noise in enumerate(xi):

        def clip(v, step=step):
            if isinstance(method, NormalizedMomentumSGD):
                return v / twins.norm(v)
            c = method.clip.threshold if threshold is None else threshold.at(step)
            return np.clip(v, -c, c) if isinstance(method.clip, CoordinateClip) else twins.clip(v, c)

        g = problem.gradient(x) + noise
        gain = 1.0 if getattr(method, "heavy_ball", False) else 1 - beta
        if getattr(method, "order", "after") == "before":
            m = beta * m + gain * clip(g)
            x = x - eta[step] * m
        else:
            m = beta * m + gain * g
            nu = method.nu
            x = x - eta[step] * (nu * clip(m) + (1 - nu) * clip(g))
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("problem", twins.PROBLEMS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("case", METHODS)
def test_matches_its_numpy_twin(case, problem):
    twins.check(twins.simulated(problem, METHODS[case]), problem, twin(problem, METHODS[case]))


@pytest.mark.parametrize("case", METHODS)
def test_the_twin_sees_another_beta(case):
    """Negative control: a momentum that differs by 1e-9 is no agreement."""
    problem, method = twins.PROBLEMS[0], METHODS[case]
    path = twin(problem, method, method.momentum - 1e-9)
    with pytest.raises(AssertionError):
        twins.check(twins.simulated(problem, method), problem, path)


def same(one, two, tolerance=1e-12):
    for problem in twins.PROBLEMS:
        runs = [twins.simulated(problem, method) for method in (one, two)]
        for name in ("gradient_norm", "gap", "distance"):
            first, second = (run[name].values for run in runs)
            np.testing.assert_allclose(first, second, rtol=0, atol=tolerance * max(1.0, first.max()))


def test_before_with_the_heavy_ball_is_the_momentum_of_clipped_sgd():
    same(
        ClippedMomentumSGD(0.1, NormClip(0.8), 0.7, 2, "before", heavy_ball=True),
        ClippedSGD(0.1, NormClip(0.8), 2, 0.7),
    )


def test_the_average_is_the_heavy_ball_with_another_step():
    same(
        ClippedMomentumSGD(0.1, NormClip(0.8), 0.7, order="before"), ClippedSGD(0.1 * (1 - 0.7), NormClip(0.8), 1, 0.7)
    )
    same(
        ClippedMomentumSGD(0.1, NormClip(0.8), 0.7),
        ClippedMomentumSGD(0.1 * (1 - 0.7), NormClip(0.8 / (1 - 0.7)), 0.7, heavy_ball=True),
    )


def test_the_ends_of_nu_and_beta():
    clip = NormClip(0.8)
    same(MixedClippedSGD(0.1, clip, 0.9, 1.0), ClippedMomentumSGD(0.1, clip, 0.9), 0.0)
    same(MixedClippedSGD(0.1, clip, 0.9, 0.0), ClippedSGD(0.1, clip))
    for method in (ClippedMomentumSGD(0.1, clip, 0.0), ClippedMomentumSGD(0.1, clip, 0.0, order="before")):
        same(method, ClippedSGD(0.1, clip))
    same(NormalizedMomentumSGD(0.05, 0.0), NormalizedSGD(0.05))
    with pytest.raises(AssertionError):  # negative control
        same(MixedClippedSGD(0.1, clip, 0.9, 1.0 - 1e-9), ClippedMomentumSGD(0.1, clip, 0.9))


@pytest.mark.parametrize("case", ["after", "before, heavy ball", "mixed, schedules", "normalised"])
def test_on_oracles_as_on_additive_noise(case):
    """Rows of a dataset, without noise where there is one row; and the oracle that adds a Gaussian phase runs at all."""
    method = METHODS[case].replace(batch_size=1)
    problem = cb.problems.Logistic([[1.0, 0.5, -0.3]], [1.0], [3.0, -2.0, 1.0], ridge=0.1)
    at = range(0, 41, 8)
    one, two = (
        cb.simulate(cb.Setting(problem, noise, method), 40, checkpoints=at)
        for noise in (cb.oracles.RowSampling(problem), cb.noise.NoNoise())
    )
    for name in ("gradient_norm", "gap", "mean_gradient_norm", "clipped_fraction"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-12)
    phase = cb.simulate(cb.Setting(problem, cb.oracles.GaussianPhase(problem, 1.0, 1.0), method), 40, 64)
    assert np.isfinite(phase.gap).all()


def test_shuffled_rows_are_refused():
    problem = cb.problems.Logistic(np.eye(4, 3), [1, -1, 1, -1], np.zeros(3))
    with pytest.raises(ValueError, match=r"independent batches, and Shuffled keeps .*; use RowSampling"):
        cb.Setting(problem, cb.oracles.Shuffled(problem), METHODS["after"])


@pytest.mark.parametrize("case", METHODS)
def test_no_step_is_longer_than_the_bound(case):
    method = METHODS[case]
    setting = cb.Setting(twins.PROBLEMS[0], cb.noise.Pareto(1.2, 5.0), method)
    run = cb.simulate(setting, 20, 64, checkpoints=range(21))
    assert np.abs(np.diff(run.distance, axis=0)).max() <= method.step_bound(3) * (1 + 1e-12)
    assert ((run.clipped_fraction >= 0) & (run.clipped_fraction <= 1)).all()
    assert cb.specs.Spec.from_json(method.to_json()) == method


def test_schedules_weigh_and_averages_are_taken():
    method = METHODS["mixed, schedules"].replace(averages=True)
    problem = twins.PROBLEMS[0]
    run = twins.simulated(problem, method)
    path = twin(problem, method)
    weights, norms = FALLING.at(np.arange(twins.STEPS)), run.gradient_norm.values
    wanted = np.cumsum(weights[:, np.newaxis] * norms[:-1], axis=0) / np.cumsum(weights)[:, np.newaxis]
    np.testing.assert_allclose(run.weighted_mean_gradient_norm[1:], wanted, rtol=1e-12)
    np.testing.assert_allclose(run.gap_of_average[-1], problem.gap(path[:-1].mean(axis=0)), rtol=1e-11)


def test_bounds_of_clipped_sgd_do_not_take_them():
    for method in METHODS.values():
        setting = cb.Setting(cb.problems.Quadratic(1.0, 1.0), cb.noise.Rademacher(0.5), method)
        assert {type(b).__name__ for b in cb.bounds.applicable(setting)} <= {"NormalizedMomentumMean"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClippedMomentumSGD(0.1, NormClip(1.0), 1.0), r"momentum must be a number in \[0, 1\) .*never forgets.*but 1.0"),
        (lambda: MixedClippedSGD(0.1, NormClip(1.0), 1.0, 0.5), r"momentum must be a number in \[0, 1\)"),
        (lambda: NormalizedMomentumSGD(0.1, 1.0), r"momentum must be a number in \[0, 1\)"),
        (lambda: NormalizedMomentumSGD(0.1, -0.1), r"momentum must be a number in \[0, 1\)"),
        (lambda: MixedClippedSGD(0.1, NormClip(1.0), 0.9, 1.1), r"mix must be a number in \[0, 1\] .*but 1.1"),
        (lambda: MixedClippedSGD(0.1, NormClip(1.0), 0.9, -0.1), r"mix must be a number in \[0, 1\]"),
        (lambda: ClippedMomentumSGD(0.1, NormClip(1.0), 0.9, order="during"), "order must be 'after' or 'before'.*'during'"),
        (lambda: ClippedMomentumSGD(0.1, 1.0, 0.9), "clip must be an operator"),
        (lambda: NormalizedMomentumSGD(PowerSchedule(0.0), 0.9), "is 0 at step 0"),
    ],
)  # fmt: skip
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message) as raised:
        make()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (NormalizedMomentumSGD(PiecewiseSchedule([1.0, 0.0], [5]), 0.9), "step_size must stay in .*is 0 at step 5"),
        (MixedClippedSGD(PiecewiseSchedule([1.0, -2.0], [5]), NormClip(1.0), 0.9, 0.5), "is -2 at step 5"),
        (ClippedMomentumSGD(0.1, NormClip(1.0), 0.9, threshold=ListSchedule([1.0] * 7 + [math.inf] * 5)), "is inf at step 7"),
        (NormalizedMomentumSGD(ListSchedule([0.1] * 7), 0.9), "list has 7 and 10 steps"),
    ],
)  # fmt: skip
def test_the_horizon_is_checked(method, message):
    setting = cb.Setting(cb.problems.Quadratic(1.0, 1.0), cb.noise.NoNoise(), method)
    with pytest.raises(ValueError, match=message):
        cb.simulate(setting, 10)
    cb.simulate(setting, 4)
