"""Step sizes and thresholds that change: NumPy twins, constants as schedules, horizons, and bounds that refuse them."""

import math

import numpy as np
import pytest
import twins

import clipbounds as cb
from clipbounds.bounds import Bound, HypothesesFail, applicable
from clipbounds.clipping import CoordinateClip, GrowingClip, Identity, NormClip, SmoothClip
from clipbounds.exact.line import why_not
from clipbounds.methods import (
    SGD,
    ClippedSGD,
    CosineSchedule,
    ListSchedule,
    MicroBatchClippedSGD,
    NormalizedSGD,
    PerSampleClippedSGD,
    PiecewiseSchedule,
    PowerSchedule,
)

STEP_SIZES = {
    "power": PowerSchedule(0.3, -0.5),
    "piecewise": PiecewiseSchedule([0.2, 0.1, 0.3], [20, 90]),
    "cosine": CosineSchedule(0.3, 0.01, 150),
    "list": ListSchedule(0.3 / np.arange(1, twins.STEPS + 1) ** 0.7),
}
GROWING = PowerSchedule(0.4, 0.25)


def twin(problem, method, groups, together, normalise=False):
    """The points x_0, ..., x_T of the written-out iteration, (steps + 1, trajectories, dim)."""
    xi = twins.draws(problem.dim, batch=groups * together)
    x = twins.start(problem)
    memory, path, t = np.zeros_like(x), [x], np.arange(twins.STEPS)
    step_sizes = method.step_size.at(t)
    threshold = getattr(method, "threshold", None)
    clip = method.operator
    for step, noise in enumerate(xi):
        total = np.zeros_like(x)
        for k in range(groups):
            mean = problem.gradient(x) + noise[k * together : (k + 1) * together].mean(axis=0)
            if normalise:
                total += mean / twins.norm(mean)
            elif isinstance(clip, Identity):
                total += mean
            else:
                c = clip.threshold if threshold is None else threshold.at(step)
                total += twins.clip(mean, c * (k + 1) ** (1 / clip.beta) if isinstance(clip, GrowingClip) else c)
        memory = getattr(method, "momentum", 0.0) * memory + total / groups
        x = x - step_sizes[step] * memory
        path.append(x)
    return np.array(path)


CASES = {
    "clipped": (lambda eta: ClippedSGD(eta, NormClip(0.8)), 1, 1, False),
    "clipped, growing c": (lambda eta: ClippedSGD(eta, NormClip(0.8), threshold=GROWING), 1, 1, False),
    "clipped after the mean, momentum": (lambda eta: ClippedSGD(eta, NormClip(0.8), 2, 0.5, threshold=GROWING), 1, 2, False),
    "each sample": (lambda eta: PerSampleClippedSGD(eta, GrowingClip(0.5, 1.5), 3, threshold=GROWING), 3, 1, False),
    "groups": (lambda eta: MicroBatchClippedSGD(eta, NormClip(0.8), 4, 2, 0.3, threshold=GROWING), 2, 2, False),
    "plain": (lambda eta: SGD(eta, 2), 1, 2, False),
    "normalised": (lambda eta: NormalizedSGD(eta), 1, 1, True),
}  # fmt: skip


@pytest.mark.parametrize("problem", twins.PROBLEMS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize(("case", "shape"), list(zip(CASES, [*STEP_SIZES, *list(STEP_SIZES)[:3]], strict=True)))
def test_matches_its_numpy_twin(case, shape, problem):
    make, groups, together, normalise = CASES[case]
    method = make(STEP_SIZES[shape])
    twins.check(twins.simulated(problem, method), problem, twin(problem, method, groups, together, normalise))


def test_the_twin_sees_a_wrong_schedule():
    """Negative control: a power that differs by 1e-9 is no agreement."""
    problem = twins.PROBLEMS[0]
    path = twin(problem, ClippedSGD(PowerSchedule(0.3, -0.5 - 1e-9), NormClip(0.8)), 1, 1)
    with pytest.raises(AssertionError):
        twins.check(twins.simulated(problem, ClippedSGD(PowerSchedule(0.3, -0.5), NormClip(0.8))), problem, path)


@pytest.mark.parametrize("clip", [NormClip(0.8), CoordinateClip(0.8), SmoothClip(0.8, 0.5), GrowingClip(0.8, 1.5)])
def test_a_constant_as_a_schedule_gives_the_same_bits(clip):
    problem = twins.PROBLEMS[0]
    row_problem = cb.problems.Logistic(np.eye(4, 3) - 0.2, [1, -1, 1, -1], np.zeros(3), ridge=0.1)
    for f, noise in (
        (problem, twins.LAW), (problem, cb.noise.Pareto(1.5, 1.0)), (problem, cb.oracles.GaussianPhase(problem, 1.0, 1.0)),
        (row_problem, cb.oracles.RowSampling(row_problem)),
    ):  # fmt: skip
        one = ClippedSGD(0.1, clip, 2, 0.5, per_sample=True)
        two = one.replace(step_size=PowerSchedule(0.1), threshold=PowerSchedule(0.8))
        runs = [cb.simulate(cb.Setting(f, noise, m), 30, 3, checkpoints=[7, 30]) for m in (one, two)]
        assert all(
            np.array_equal(runs[0][name], runs[1][name]) for name in ("gradient_norm", "gap", "clipped_fraction")
        )


@pytest.mark.parametrize("schedule", STEP_SIZES.values(), ids=STEP_SIZES)
def test_kernel_and_array_form_agree(schedule):
    """A power t^p made as exp(p log t): two units for the exponential, and p log t < 6 times two units for the logarithm."""
    t = np.arange(twins.STEPS)
    for first in (0, 1, 77):  # the numbers of 64 steps are made together
        found = schedule.numbers(first, twins.STEPS)
        np.testing.assert_allclose(found, schedule.at(t[first:]), rtol=16 * np.finfo(float).eps, atol=0)
    assert schedule.at(t).max() <= schedule.supremum
    assert cb.specs.Spec.from_json(schedule.to_json()) == schedule


@pytest.mark.parametrize("power", (-400.0, -0.5, 0.0, 0.3, 90.0))
def test_powers_far_away(power):
    """Where the vectorised logarithm and exponential are not accurate the library's power is used."""
    schedule = PowerSchedule(2.0, power, 1e-310 if power == 0.3 else 0.5)
    found, wanted = schedule.numbers(0, 128), schedule.at(np.arange(128))
    size = 1 + np.abs(power * np.log(np.arange(128) + schedule.shift))
    assert np.all(np.abs(found - wanted) <= 4 * size * np.finfo(float).eps * wanted)


def test_a_cosine_at_its_ends_and_in_the_middle():
    schedule = CosineSchedule(1.0, 0.5, 10)
    np.testing.assert_allclose(schedule.at([0, 5, 10, 99]), [1.0, 0.75, 0.5, 0.5], rtol=1e-15)


def first_by_search(schedule, steps):
    values = schedule.at(np.arange(steps))
    wrong = np.flatnonzero(~((values > 0) & (values < math.inf)))
    return int(wrong[0]) if wrong.size else None


@pytest.mark.parametrize(
    "schedule",
    [
        PowerSchedule(1.0, -150.0), PowerSchedule(1e300, 4.0), PowerSchedule(1.0, -0.5), PowerSchedule(0.0),
        PiecewiseSchedule([1.0, -1.0, 2.0], [3, 7]), CosineSchedule(1.0, 0.0, 9), ListSchedule([1.0, 2.0, math.inf] * 300),
        ListSchedule(np.r_[np.ones(40), 0.0, np.ones(900)]),
    ],
)  # fmt: skip
def test_the_first_wrong_step(schedule):
    wanted = first_by_search(schedule, 900)
    found = schedule.first_outside(cb.specs.POSITIVE, 900)
    assert found == wanted
    if wanted:
        assert schedule.first_outside(cb.specs.POSITIVE, wanted) is None


QUADRATIC = cb.problems.Quadratic(1.0, 1.0)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (ClippedSGD(PiecewiseSchedule([1.0, 0.0], [5]), NormClip(1.0)), "step_size must stay in .0, inf.*is 0 at step 5; .*at most 5"),
        (SGD(PiecewiseSchedule([1.0, -2.0], [5])), "is -2 at step 5"),
        (NormalizedSGD(ListSchedule([1.0] * 7 + [math.inf] * 5)), "is inf at step 7"),
        (SGD(ListSchedule([0.1] * 7)), "list has 7 and 10 steps"),
        (ClippedSGD(0.1, NormClip(1.0), threshold=CosineSchedule(1.0, 0.0, 4)), "threshold must stay in .*is 0 at step 4"),
    ],
)  # fmt: skip
def test_the_horizon_is_checked(method, message):
    setting = cb.Setting(QUADRATIC, cb.noise.NoNoise(), method)
    with pytest.raises(ValueError, match=message):
        cb.simulate(setting, 10)
    cb.simulate(setting, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(PowerSchedule(0.0)), "is 0 at step 0; change it"),
        (lambda: SGD("fast"), r"a number in \(0, inf\) or a Schedule, but 'fast'"),
        (lambda: ClippedSGD(0.1, NormClip(1.0), threshold=2.0), "threshold must be a schedule .* but 2.0"),
        (lambda: ClippedSGD(0.1, Identity(), threshold=PowerSchedule(1.0)), "Identity has no threshold"),
        (lambda: PiecewiseSchedule([1.0, 2.0], [1, 2]), "one entry less"),
        (lambda: PiecewiseSchedule([1.0, 2.0, 3.0], [2, 2]), "increasing integers"),
        (lambda: ListSchedule([]), "values"),
        (lambda: cb.methods.SClipEF(ListSchedule(np.ones(50))), "at most 4 parameters"),
    ],
)  # fmt: skip
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_no_step_is_longer_than_the_bound():
    problem = twins.PROBLEMS[0]
    for method in (
        ClippedSGD(PowerSchedule(0.3, -0.5), NormClip(0.8)),
        ClippedSGD(0.1, NormClip(0.8), threshold=PiecewiseSchedule([1.0, 3.0], [4])),
        PerSampleClippedSGD(CosineSchedule(0.3, 0.1, 9), GrowingClip(0.5, 1.5), 3),
    ):
        setting = cb.Setting(problem, cb.noise.Pareto(1.2, 5.0), method)
        run = cb.simulate(setting, 20, 64, checkpoints=range(21))
        assert np.abs(np.diff(run.distance, axis=0)).max() <= method.step_bound(3) * (1 + 1e-12)
    assert ClippedSGD(0.1, NormClip(0.8), threshold=GROWING).step_bound(3) == math.inf


def _bounds(kind=Bound):
    for child in kind.__subclasses__():
        yield child
        yield from _bounds(child)


@pytest.mark.parametrize("change", [{"step_size": PowerSchedule(0.01)}, {"threshold": PowerSchedule(1.0)}], ids=str)
def test_bounds_for_constants_refuse_schedules(change):
    """The constants as numbers are accepted by some of them: it is the schedule that is refused."""
    one = cb.Setting(QUADRATIC, cb.noise.NoNoise(), ClippedSGD(0.01, NormClip(1.0)))
    two = one.replace(method=one.method.replace(**change))
    accepted = applicable(one)
    assert len(accepted) > 3
    for bound in accepted:
        if bound.takes_schedules:
            continue
        rows = bound.hypotheses(two)
        assert [row.holds for row in rows][-1] is False and "Schedule" in rows[-1].value
        with pytest.raises(HypothesesFail, match="constants"):
            bound.value(two, 10)
    assert all(bound.takes_schedules for bound in applicable(two))


class Far(Bound):
    """A value that no run reaches."""

    quantity = "distance"
    takes_schedules = True

    def evaluate(self, setting, steps):
        return 1e3 + 0 * steps


def test_what_rests_on_constants_does_not_apply():
    """Ranges, roundings and the exact law take a schedule for what it is, or leave it."""
    method = ClippedSGD(PowerSchedule(0.1, -0.5), NormClip(1.0))
    setting = cb.Setting(QUADRATIC, cb.noise.TwoPoint(1.0, 0.5), method)
    assert "schedule" in why_not(setting)
    comparison = cb.compare(cb.simulate(setting, 50, 128), [Far()])
    assert comparison.verdicts[0].verdict == "holds"


def test_the_weighted_mean_of_gradient_norms():
    """Against the sum written out; a step drawn with the probability eta_t/sum eta has this mean, so both are one statement."""
    method = ClippedSGD(PowerSchedule(0.3, -0.5), NormClip(0.8))
    problem = twins.PROBLEMS[0]
    run = twins.simulated(problem, method)
    weights, norms = method.step_size.at(np.arange(twins.STEPS)), run.gradient_norm.values
    wanted = np.cumsum(weights[:, np.newaxis] * norms[:-1], axis=0) / np.cumsum(weights)[:, np.newaxis]
    np.testing.assert_allclose(run.weighted_mean_gradient_norm[1:], wanted, rtol=1e-12)
    np.testing.assert_allclose(run.weighted_mean_gradient_norm[0], norms[0], rtol=1e-14)
    constant = twins.simulated(problem, method.replace(step_size=PowerSchedule(0.1)))
    np.testing.assert_allclose(constant.weighted_mean_gradient_norm, constant.mean_gradient_norm, rtol=1e-12)
    assert "weighted_mean_gradient_norm" not in twins.simulated(problem, method.replace(step_size=0.1))


def test_the_weighted_mean_where_norms_are_taken_at_some_steps():
    """Rows of a dataset: with a norm at every step the sum itself, in pieces the same mean, within the noise of the drawn steps."""
    problem = cb.problems.Logistic(np.eye(4, 3) - 0.2, [1, -1, 1, -1], [3.0, 0, 0], ridge=0.1)
    method = SGD(PowerSchedule(0.5, -0.5))
    every, one = (
        cb.simulate(cb.Setting(problem, cb.oracles.RowSampling(problem, tracked_every=k), method), 64, 512, 3, checkpoints=at)
        for k, at in ((1, range(65)), (64, [64]))
    )  # fmt: skip
    weights = method.step_size.at(np.arange(64))
    wanted = weights @ every.gradient_norm.values[:-1] / weights.sum()
    np.testing.assert_allclose(every.weighted_mean_gradient_norm[-1], wanted, rtol=1e-12)
    spread = one.weighted_mean_gradient_norm.values[-1] - wanted
    assert abs(spread.mean()) < 5 * spread.std() / np.sqrt(512)
