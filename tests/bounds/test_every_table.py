"""Every bound of the package against every problem of the catalogue: a table of hypotheses, never an exception."""

import dataclasses
import inspect

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import (
    Bound,
    HypothesesFail,
    Hypothesis,
    cutkosky2020,
    hypotheses_table,
    koloskova2023,
    nobile2026,
    reisizadeh2023,
    yu2023,
)
from clipbounds.methods import ClippedStep, MiniBatch, PowerSchedule, RuleH, RuleN, RuleP, Spider
from clipbounds.oracles import Additive

GIVEN = {"p": 1.5, "failure_probability": 0.1, "eps": 0.1, "steepness": 2.0, "accuracy": 0.1}
POINT, PLANE = [0.7], [0.7, -0.4]


def bounds():
    for paper in (koloskova2023, nobile2026, yu2023, reisizadeh2023, cutkosky2020):
        for name, found in vars(paper).items():
            if inspect.isclass(found) and issubclass(found, Bound):
                needed = [
                    f.name for f in dataclasses.fields(found) if f.default is f.default_factory is dataclasses.MISSING
                ]
                yield pytest.param(
                    found(**{field: GIVEN[field] for field in needed}), id=f"{paper.__name__[18:]}-{name}"
                )


def problems():
    p = cb.problems
    rows, labels = np.array([[1.0, 0.2], [-0.3, 1.0], [0.5, -1.0]]), np.array([1.0, -1.0, 1.0])
    yield from (p.Quadratic([1.0, 0.1], PLANE), p.Huber(1.0, 1.0, POINT), p.Cosh(1.0, 1.0, POINT), p.Softplus(POINT))
    yield from (p.Power(3.0, PLANE), p.Extremal(1.0, 1.0, POINT), p.DoubleWell(POINT), p.Sombrero(PLANE))
    yield from (p.CoshCosine(POINT), p.Exponential(POINT), p.GemanMcClure(POINT), p.LogSumExp(PLANE))
    yield from (p.PhaseRetrieval([1.0, 0.0], PLANE), p.Quartic(PLANE), p.ZeroChain(5), p.RampValley(0.1, 1.0))
    yield from (p.RampWall(0.1, steepness=2.0, rate=1.0), p.FixedStepRamp(0.1), p.FixedStepWall(2.0))
    yield from (p.NegativeLog(POINT), p.Reciprocal(POINT), p.ScalarFactorisation(PLANE), p.SineQuadratic(POINT))
    yield from (p.SquaredExponential(POINT), p.Logistic(rows, labels, [0.0, 0.0], ridge=0.1))
    yield from (p.LeastSquares(rows, labels, [0.0, 0.0]), p.RobustRegression(rows, labels, [0.0, 0.0]))
    yield p.ClientQuadratics(hessians=[[[1.0]], [[3.0]]], minimisers=[[0.0], [1.0]], x0=[2.0])
    yield p.Softmax([[1.0, 0.5], [0.2, -1.0], [-0.3, 1.0]], [0.0, 1.0, 2.0], 0.1, 0.1)
    yield p.ClientLogistic(features=rows, labels=labels, owners=[0, 1, 1], regularisation=0.1, x0=[0.0, 0.0])


def settings(problem):
    clip, noise = cb.clipping.NormClip(1.0), cb.noise
    pairs = [
        (noise.NoNoise(), cb.methods.ClippedSGD(0.01, clip)),
        (noise.Pareto(1.6, 1.0), cb.methods.ClippedSGD(0.01, clip, batch_size=3, momentum=0.5)),
        (noise.StudentT(3.0, 1.0, radial=True), cb.methods.SGD(0.01)),
        (noise.LogTailed(1.0), cb.methods.NormalizedSGD(0.01)),
        (noise.Gaussian(1.0), cb.methods.NormalizedMomentumSGD(0.01, 0.9)),
        (noise.Gaussian(1.0), cb.methods.PerSampleClippedSGD(0.01, cb.clipping.GrowingClip(1.0, 1.5), 4)),
        (noise.Gaussian(1.0), cb.methods.MicroBatchClippedSGD(0.01, clip, 4, 2)),
        *((Additive, Spider(rule(0.1, 1.0), 5, 8, 2)) for rule in (RuleH, RuleP, RuleN)),
        (Additive, MiniBatch(ClippedStep(0.01, 1.0))),
        (noise.Gaussian(1.0), cb.methods.SClipEF(0.1, 1.0, 1.0)),
        (noise.Stable(1.0, 1.0), cb.methods.DistributedSGD(PowerSchedule(0.1, 0.5))),
    ]
    for law, method in pairs:
        try:
            yield cb.Setting(problem, law(problem, 1.0) if law is Additive else law, method)
        except ValueError:  # this method does not run on this problem
            continue


EVERY = [setting for problem in problems() for setting in settings(problem)]


def test_the_table_of_settings_covers_the_catalogue():
    named = {name for name in cb.problems.__all__ if inspect.isclass(getattr(cb.problems, name))}
    shown = {type(setting.problem).__name__ for setting in EVERY}
    assert named - shown == {"Certification", "ClientProblem", "LinearModel", "Problem", "Profile"}
    assert len({type(setting.method).__name__ for setting in EVERY}) >= 9


@pytest.mark.parametrize("bound", list(bounds()))
def test_a_bound_answers_every_setting_with_its_table(bound):
    for setting in EVERY:
        rows = bound.hypotheses(setting)
        assert rows and all(isinstance(row, Hypothesis) for row in rows)
        assert hypotheses_table(rows)
        if all(row.holds for row in rows):
            assert not np.isnan(bound.value(setting, [5])).any(), setting  # a whole epoch of SPIDER
        else:
            with pytest.raises(HypothesesFail):
                bound.value(setting, [3])


def test_an_objective_without_smoothness_fails_by_that_row():
    setting = cb.Setting(
        cb.problems.NegativeLog([1.0]), cb.noise.Gaussian(1.0), cb.methods.ClippedSGD(0.1, cb.clipping.NormClip(1.0))
    )
    failed = [row for row in koloskova2023.S0().hypotheses(setting) if row.holds is False]
    assert any("NegativeLog is not (L0, L1)-smooth" in row.value for row in failed)


EXTREME = [
    cb.Setting(cb.problems.Quartic([1e-200, 0.4], reference_L1=1e160), cb.noise.Pareto(1.6, 1.0), cb.methods.SGD(0.01)),
    cb.Setting(cb.problems.Power(1e20, PLANE), cb.noise.Pareto(1.6, 1.0), cb.methods.SGD(0.01)),
    cb.Setting(cb.problems.DoubleWell(POINT, reference_L1=1e-300), cb.noise.Gaussian(1e300), cb.methods.SGD(0.01)),
    cb.Setting(
        cb.problems.Quadratic([1.0], POINT),
        Additive(cb.problems.Quadratic([1.0], POINT), 1e300),
        MiniBatch(ClippedStep(0.01, 1.0)),
    ),
]


@pytest.mark.parametrize("setting", EXTREME, ids=range(len(EXTREME)))
def test_constants_beyond_the_floats_leave_a_table_undecided(setting):
    """L0 = 16/L1² and its like overflow: no table may raise, and no bound may call itself applicable without a number."""
    undecided = 0
    for entry in bounds():
        (bound,) = entry.values
        rows = bound.hypotheses(setting)
        undecided += any(row.what == "the constants lie in the range of floats" and row.holds is None for row in rows)
        if all(row.holds for row in rows):
            assert not np.isnan(bound.value(setting, [5])).any()
    assert undecided


def test_bounds_for_fresh_samples_refuse_the_rest_of_an_epoch():
    """Rows of a shuffled epoch are not independent of the past: given it, their mean is not the gradient."""
    rows, labels = np.array([[1.0, 0.2], [-0.3, 1.0], [0.5, -1.0]]), np.array([1.0, -1.0, 1.0])
    problem, clip = cb.problems.Logistic(rows, labels, [0.0, 0.0], ridge=0.1), cb.clipping.NormClip(1.0)
    families = [cb.methods.ClippedSGD(0.01, clip), cb.methods.ClippedSGD(0.01, clip, 3), cb.methods.SGD(0.01),
                cb.methods.PerSampleClippedSGD(0.01, clip, 3), cb.methods.NormalizedSGD(0.01)]  # fmt: skip
    applies = {True: 0, False: 0}
    for method in families:
        for shuffled in (True, False):
            oracle = cb.oracles.Shuffled(problem) if shuffled else cb.oracles.RowSampling(problem)
            setting = cb.Setting(problem, oracle, method)
            for parameters in bounds():
                table = parameters.values[0].hypotheses(setting)
                assert hypotheses_table(table)
                asserted = parameters.values[0].asserted and parameters.values[0].kind in ("upper", "lower")
                applies[shuffled] += asserted and all(row.holds for row in table)
    assert applies[True] == 0 and applies[False] > 5
