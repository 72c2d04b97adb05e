"""The hard instances: gradients against derivatives of their values, certified constants on grids, starts."""

import math

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.problems import FixedStepRamp, FixedStepWall, RampValley, RampWall, ZeroChain

PROBLEMS = [
    RampValley(0.05, gap_at_start=1.5, curvature=0.7, rate=0.0, valley=3),
    RampWall(0.05, gap_at_start=1.5, curvature=0.7, rate=1.3, valley=3, steepness=40.0),
    FixedStepWall(30.0, 0.8, 1.7),
    FixedStepRamp(0.05, 2.0),
    ZeroChain(6),
]


def cloud(problem, rng, count=300):
    x = rng.normal(size=(count, problem.dim)) * 1.3
    x[:, 0] *= max(1.0, abs(problem.x0[0]) / 1.3)
    return x


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: type(p).__name__)
def test_gradient_is_the_derivative_of_the_value(problem):
    x, h = cloud(problem, np.random.default_rng(0)), 1e-5
    steps = h * np.eye(problem.dim)
    numeric = np.stack([(problem.value(x + e) - problem.value(x - e)) / (2 * h) for e in steps], axis=-1)
    scale = 1 + np.abs(problem.gradient(x)).max(axis=1, keepdims=True)
    # error of the central difference: h² f'''/6 plus rounding/h
    assert np.max(np.abs(numeric - problem.gradient(x)) / scale) < 1e-7


@pytest.mark.parametrize("problem", PROBLEMS[:4], ids=lambda p: type(p).__name__)
def test_the_hessian_is_within_its_constants(problem):
    """Difference quotients of the gradient are means of the Hessian over a segment on which ‖grad‖ hardly changes."""
    x, h = cloud(problem, np.random.default_rng(1), 2000), 1e-6
    x[:500, 0] *= 1e-3
    shifted = x.copy()
    shifted[:, 0] += h
    g = problem.gradient(x)
    quotient = np.linalg.norm(problem.gradient(shifted) - g, axis=1) / h
    pair = problem.smoothness
    bound = pair.L0 + pair.L1 * np.linalg.norm(g, axis=1)
    assert np.all(quotient <= bound * (1 + 1e-5))
    assert np.max(quotient / bound) > 0.95  # attained


def test_the_wall_attains_its_constants_everywhere():
    problem = PROBLEMS[1]
    x = np.zeros((50, 4))
    x[:, 0] = np.linspace(problem.ramp_end + 0.01, problem.x0[0], 50)
    h = 1e-6
    y = x.copy()
    y[:, 0] += h
    g = np.abs(problem.gradient(x)[:, 0])
    quotient = (np.abs(problem.gradient(y)[:, 0]) - g) / h
    np.testing.assert_allclose(quotient, 0.7 + 1.3 * g, rtol=1e-5)


def test_starts_have_the_gap_and_the_slope_that_define_them():
    ramp, wall, steep, flat, chain = PROBLEMS
    assert ramp.initial_gap == pytest.approx(1.5, rel=1e-14)
    np.testing.assert_allclose(ramp.gradient(ramp.x0), [0.1, 0, 0, 0], rtol=1e-14)
    assert np.linalg.norm(wall.gradient(wall.x0)) == pytest.approx(40, rel=1e-12)
    # the page: Delta + (s + H0/H1)(e^{H1 z}-1)/H1 - H0 z/H1
    z = math.log((40 + 0.7 / 1.3) / (0.1 + 0.7 / 1.3)) / 1.3
    assert wall.initial_gap == pytest.approx(
        1.5 + (0.1 + 0.7 / 1.3) * math.expm1(1.3 * z) / 1.3 - 0.7 * z / 1.3, rel=1e-12
    )
    assert steep.gradient(steep.x0)[0] == pytest.approx(30, rel=1e-13)
    assert flat.initial_gap == pytest.approx(2.0, rel=1e-14)
    assert flat.gradient(flat.x0)[0] == pytest.approx(0.1, rel=1e-14)
    assert chain.initial_gap <= 12 * 6  # the paper's bound; the certified lower bound is better than it
    for problem in PROBLEMS[:4]:
        assert problem.value(problem.minimiser) == problem.f_star == 0


def test_the_chain_has_a_gradient_above_one_until_its_end_and_reveals_one_coordinate():
    problem = ZeroChain(6)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(5000, 6)) * rng.choice([0.3, 1, 3], size=(5000, 1))
    x = x[np.abs(x).min(axis=1) < 1]
    assert np.all(np.linalg.norm(problem.gradient(x), axis=1) > 1)
    assert np.all(problem.value(x) >= problem.f_star)
    reached = np.array([[1.5, 1.2, 0.0, 0.0, 0.0, 0.0]])
    assert np.flatnonzero(problem.gradient(reached)[0]).tolist() == [0, 1, 2]
    # far beyond its end the chain is flat
    assert np.linalg.norm(problem.gradient(np.full(6, 20.0))) < 1e-2


def test_bad_input():
    with pytest.raises(ValueError, match="gap_at_start"):
        RampValley(1.0, gap_at_start=1.0)
    with pytest.raises(ValueError, match="steepness"):
        RampWall(0.5, steepness=0.5)
    with pytest.raises(ValueError, match="rate"):
        RampWall(0.05, rate=0.0, steepness=1.0)
    with pytest.raises(ValueError, match="steepness"):
        FixedStepWall(0.5)
    with pytest.raises(ValueError, match="gap_at_start"):
        FixedStepRamp(0.5, 0.1)


def test_overflow_on_the_wall_is_flagged_in_its_lane():
    """A step that throws the iterate beyond exp's range: the lane is flagged with the step, nothing is silently finite."""
    problem = RampWall(0.05, steepness=1e3, valley=1)
    far = np.array([[problem.ramp_end + 1e4, 0.0], [-problem.ramp_end - 1e4, 0.0], [problem.ramp_end, 0.0]])
    np.testing.assert_array_equal(problem.gradient(far)[:, 0], [math.inf, -math.inf, 0.1])
    oracle = cb.oracles.Exact(problem)
    wild = cb.Setting(problem, oracle, cb.methods.MiniBatch(cb.methods.ConstantStep(100.0)))
    run = cb.simulate(wild, 20, 64, checkpoints=[1, 20])
    assert np.all((run.diverged_at >= 1) & (run.diverged_at <= 3))
    calm = cb.Setting(problem, oracle, cb.methods.MiniBatch(cb.methods.RuleH(0.1, 1.1, 1.1)))
    assert np.all(cb.simulate(calm, 20, 64, checkpoints=[20]).diverged_at == -1)
