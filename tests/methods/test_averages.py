"""Averages of the iterates: against sums written out, the same run with and without them, and what they cost in text."""

import numpy as np
import pytest
import twins

import clipbounds as cb
from clipbounds.clipping import GrowingClip, NormClip
from clipbounds.exact.line import why_not
from clipbounds.methods import (
    SGD,
    ClippedSGD,
    DistributedSGD,
    MicroBatchClippedSGD,
    NormalizedSGD,
    PerSampleClippedSGD,
    PowerSchedule,
)
from clipbounds.methods.averages import MEASURED, tail_start
from clipbounds.verdict.ranges import measured_range

METHODS = {
    "clipped": ClippedSGD(0.1, NormClip(0.8), averages=True),
    "clipped, schedule, momentum": ClippedSGD(PowerSchedule(0.3, -0.5), NormClip(0.8), 2, 0.5, averages=True),
    "plain": SGD(0.1, averages=True),
    "normalised": NormalizedSGD(0.05, averages=True),
    "each sample": PerSampleClippedSGD(0.1, GrowingClip(0.5, 1.5), 3, averages=True),
    "groups": MicroBatchClippedSGD(0.1, NormClip(0.8), 4, 2, averages=True),
}


def points_of(setting, steps, trajectories=3):
    """x_0, ..., x_steps, (steps + 1, trajectories, dim), from the state of the block itself."""
    from clipbounds.lanes.blocks import unpack
    from clipbounds.methods.blocks import new_block

    block, dim, found = new_block(setting, twins.SEED, 0), setting.problem.dim, []
    for t in range(steps + 1):
        block.run_to(t)
        found.append(unpack(block.iterate(dim)[np.newaxis].copy(), trajectories))
    return np.array(found)


def wanted(problem, path, t, first):
    mean = path[first:t].mean(axis=0) if t else path[0]
    return problem.gap(mean), problem.distance(mean)


@pytest.mark.parametrize("problem", twins.PROBLEMS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("case", METHODS)
def test_the_averages_are_those_of_the_iterates(case, problem):
    setting = cb.Setting(problem, twins.LAW, METHODS[case])
    path = points_of(setting.replace(method=setting.method.replace(averages=False)), 70)
    at = [0, 1, 2, 3, 4, 5, 8, 9, 33, 64, 65, 70]
    run = cb.simulate(setting, 70, 3, twins.SEED, checkpoints=at)
    scale = 1e-13 * max(1.0, np.abs(run.gap.values).max())
    for row, t in enumerate(at):
        gap, distance = wanted(problem, path, t, 0)
        np.testing.assert_allclose(run.gap_of_average[row], gap, rtol=0, atol=scale)
        np.testing.assert_allclose(run.distance_of_average[row], distance, rtol=1e-12, atol=1e-13)
        start = max((2**k for k in range(9) if 2 ** (k + 1) < t), default=0)
        gap, distance = wanted(problem, path, t, start)
        np.testing.assert_allclose(run.gap_of_tail_average[row], gap, rtol=0, atol=scale)
        np.testing.assert_allclose(run.distance_of_tail_average[row], distance, rtol=1e-12, atol=1e-13)
        assert tail_start(t) == start
        assert t <= 2 or t / 4 <= start < t / 2


def test_a_wrong_window_is_seen():
    """Negative control: the mean with x_t in it, or a tail that begins one step later, is another number."""
    setting = cb.Setting(twins.PROBLEMS[0], twins.LAW, METHODS["clipped"])
    path, run = points_of(setting, 70), cb.simulate(setting, 70, 3, twins.SEED, checkpoints=[70])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(run.gap_of_average[0], setting.problem.gap(path[:71].mean(axis=0)), rtol=1e-6)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(run.gap_of_tail_average[0], setting.problem.gap(path[33:70].mean(axis=0)), rtol=1e-6)


@pytest.mark.parametrize("case", METHODS)
def test_the_run_itself_is_the_same(case):
    """Bit for bit, on every kind of noise; on rows of a dataset with a norm at every step, which averages bring about."""
    method = METHODS[case]
    problem = cb.problems.Logistic(np.eye(4, 3) - 0.2, [1, -1, 1, -1], np.zeros(3), ridge=0.1)
    rows = cb.oracles.RowSampling(problem, tracked_every=1)
    shuffled = cb.oracles.Shuffled(problem, tracked_every=1)
    for noise in (twins.LAW, cb.noise.Gaussian(1.0), cb.oracles.GaussianPhase(problem, 1.0, 1.0), rows, shuffled):
        runs = [
            cb.simulate(cb.Setting(problem, noise, method.replace(averages=on)), 40, 3, checkpoints=[7, 40], threads=1)
            for on in (True, False)
        ]
        names = set(runs[1].data_vars)
        assert set(runs[0].data_vars) - names == set(MEASURED)
        for name in names:
            np.testing.assert_array_equal(runs[0][name], runs[1][name])


def test_any_method_has_them():
    """A method that knows nothing of averages: all clients alike, so that the mean of its points is that of gradient descent."""
    problem = cb.problems.ClientQuadratics([np.diag([1.0, 2.0])] * 2, [[0.0, 0.0]] * 2, [3.0, -1.0])
    method = DistributedSGD(0.1, averages=True)
    run = cb.simulate(cb.Setting(problem, cb.noise.NoNoise(), method), 20, checkpoints=[20])
    mean = np.mean([[3.0 * 0.9**t, -(0.8**t)] for t in range(20)], axis=0)
    np.testing.assert_allclose(run.distance_of_average[0], np.linalg.norm(mean), rtol=1e-13)
    assert run.attrs["setting"].count("averages") == 1


def test_the_law_of_the_iterate_does_not_give_them():
    """So the exact engine declines, and "auto" samples; without the switch it answers."""
    setting = cb.Setting(cb.problems.Quadratic(1.0, 1.0), twins.LAW, METHODS["clipped"])
    assert "averages" in why_not(setting)
    run = cb.simulate(setting, 5, 64, engine="auto")
    assert run.attrs["engine"] == "sample" and set(MEASURED) <= set(run.data_vars)
    assert why_not(setting.replace(method=setting.method.replace(averages=False))) is None


def test_off_it_leaves_no_trace():
    """Text, digest and JSON are those of the method without the switch; on, all of them tell."""
    off, on = ClippedSGD(0.1, NormClip(1.0)), ClippedSGD(0.1, NormClip(1.0), averages=True)
    assert "averages" not in repr(off) and "averages" not in off.to_json() and off == on.replace(averages=False)
    assert "averages=True" in repr(on) and on.digest != off.digest
    assert cb.specs.Spec.from_json(on.to_json()) == on
    assert on == ClippedSGD(0.1, NormClip(1.0), averages=np.True_)
    with pytest.raises(ValueError, match=r"averages must be True or False .*, but 'tail' was given"):
        SGD(0.1, averages="tail")


@pytest.mark.parametrize("quantity", MEASURED)
def test_they_stay_in_their_proved_range(quantity):
    """On the line and in the plane; half of it would be false."""
    for f, steps in ((cb.problems.Huber(1.0, 0.7, 2.0), 40), (cb.problems.Quadratic([1.0, 0.5], [0.0, 9.0]), 40)):
        setting = cb.Setting(f, twins.LAW, ClippedSGD(0.2, NormClip(0.8), averages=True))
        run = cb.simulate(setting, steps, 256, checkpoints=range(steps + 1))
        low, high = measured_range(setting, quantity, np.arange(steps + 1))
        value = run[quantity].values
        assert np.isfinite(high).all()
        assert (value >= low[:, np.newaxis] - 1e-12).all() and (value <= high[:, np.newaxis] + 1e-12).all()
        assert (value.max(axis=1) > 0.5 * high).any()
