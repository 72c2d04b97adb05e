"""Oracles against their definitions: component gradients written out here, exact identities, chi-square laws."""

import math

import numpy as np
import pytest
from scipy import stats

import clipbounds as cb
from clipbounds.oracles import (
    Additive,
    EquispacedPhases,
    Exact,
    GaussianPhase,
    RademacherNoise,
    ScaledComponents,
    ShiftedCosh,
    ZeroChainOracle,
    constants_of_mean,
)
from clipbounds.problems import Cosh, Quadratic, RampValley, RampWall, ZeroChain

FALSE_ALARM = 1e-6
DIRECTION = np.array([0.6, 0.0, 0.8])


def finite_sums():
    wall = RampWall(0.05, steepness=20.0, valley=2)
    weights = np.array([0.2, 0.5, 1.0, 2.3])
    shifts = np.array([-1.2, -0.4, 0.4, 1.2])
    return [
        EquispacedPhases(wall, 0.7, 5, 1.3, DIRECTION),
        ScaledComponents(wall, weights),
        ShiftedCosh.of(shifts, [2.0]),
    ]


def component_gradients(oracle, x):
    """grad f_i(x) for all i, shape (n, dim), straight from the docstrings."""
    exact = oracle.problem.gradient(x)
    if isinstance(oracle, EquispacedPhases):
        phases = 2 * np.pi * np.arange(1, oracle.size + 1) / oracle.size
        wave = math.sqrt(2) * oracle.sigma * np.cos(oracle.frequency * (DIRECTION @ x) + phases)
        return exact + wave[:, np.newaxis] * DIRECTION
    if isinstance(oracle, ScaledComponents):
        return oracle.weights[:, np.newaxis] * exact
    return np.sinh(x - oracle.shifts[:, np.newaxis])


@pytest.mark.parametrize("oracle", finite_sums(), ids=lambda o: type(o).__name__)
def test_finite_sums_average_to_the_gradient_and_sample_their_components(oracle):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(2, oracle.problem.dim)) * 2
    parts = np.stack([component_gradients(oracle, x) for x in points], axis=1)  # (n, 2, dim)
    exact = oracle.problem.gradient(points)
    np.testing.assert_allclose(parts.mean(axis=0), exact, rtol=1e-12, atol=1e-12)
    full = oracle.gradients(points, 1, seed=3, batch=oracle.components)[0]
    np.testing.assert_allclose(full, exact, rtol=1e-12, atol=1e-12)
    drawn = oracle.gradients(points, 640, seed=3)
    distance = np.abs(drawn[:, np.newaxis] - parts).max(axis=(2, 3))  # the same component at both points
    assert distance.min(axis=1).max() < 1e-11
    counts = np.bincount(distance.argmin(axis=1), minlength=len(parts))
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize("oracle", finite_sums(), ids=lambda o: type(o).__name__)
def test_averaged_smoothness_of_finite_sums_holds_and_is_not_slack(oracle):
    """E over components is a finite mean, so the inequality is checked exactly; the best pair shows that it is not vacuous."""
    rng = np.random.default_rng(2)
    radius = 0.05
    pair = oracle.averaged_smoothness(radius)
    worst = 0.0
    for _ in range(400):
        x = rng.normal(size=oracle.problem.dim) * rng.choice([0.01, 1.0, 3.0])
        if isinstance(oracle.problem, RampWall):
            x[0] = oracle.problem.ramp_end + rng.uniform(-1, 3)
        direction = rng.choice([-1, 1]) * (np.eye(1, x.size)[0] if rng.random() < 0.7 else DIRECTION[: x.size])
        y = x + radius * rng.uniform(0.2, 1) * direction / np.linalg.norm(direction)
        difference = component_gradients(oracle, x) - component_gradients(oracle, y)
        left = math.sqrt(np.mean(np.sum(difference**2, axis=1)))
        right = (pair.L0 + pair.L1 * np.linalg.norm(oracle.problem.gradient(x))) * np.linalg.norm(x - y)
        worst = max(worst, left / right)
    assert 0.8 < worst <= 1 + 1e-9


def test_gaussian_phase_noise_has_its_variance_and_its_differences():
    problem = RampValley(0.1, valley=4)
    oracle = GaussianPhase(problem, 0.8, 1.7, quiet=1)
    points = np.array([[0.3, 0, 0, 0, 0], [1.1, 0.2, 0, -1, 0]], dtype=float)
    exact = problem.gradient(points)
    for batch in (1, 10**9):
        noise = oracle.gradients(points, 4000, seed=5, batch=batch) - exact
        assert np.all(noise[:, :, 0] == 0)
        scale = 0.8**2 / 4 / batch
        # each coordinate is exactly normal, so the sum of squares over its variance is chi-square
        total = np.sum(noise[:, 0] ** 2) / scale
        law = stats.chi2(4 * 4000)
        assert FALSE_ALARM < law.cdf(total) < 1 - FALSE_ALARM
        spread = 2 * scale * (1 - math.cos(1.7 * (0.3 - 1.1)))
        total = np.sum((noise[:, 0] - noise[:, 1]) ** 2) / spread
        assert FALSE_ALARM < law.cdf(total) < 1 - FALSE_ALARM
        # negative control: a variance 10 % off is noticed
        assert not FALSE_ALARM < law.cdf(1.1 * total) < 1 - FALSE_ALARM


def test_gaussian_phase_constants():
    """2 sigma² (1 - cos wt) <= (sigma w t)², and the squares of F's and the noise's constants add."""
    problem = RampWall(0.1, steepness=5.0)
    oracle = GaussianPhase(problem, 0.8, 1.7, quiet=1)
    pair = oracle.averaged_smoothness(0.2)
    a = math.expm1(0.2) / 0.2
    assert pytest.approx(math.hypot(a, 0.8 * 1.7)) == pair.L0
    assert pytest.approx(a) == pair.L1
    assert GaussianPhase(problem, 0.5).frequency == 2.0  # H0/sigma
    assert oracle.vector_moment(2, 9) == pytest.approx(0.64)


def test_additive_noise_cancels_in_differences():
    problem = Quadratic([1.0, 2.0], [1.0, 1.0])
    points = np.array([[0.3, 0.1], [-2.0, 5.0]])
    for oracle in (Additive(problem, 0.5), RademacherNoise(problem, 0.5)):
        noise = oracle.gradients(points, 500, seed=1) - problem.gradient(points)
        np.testing.assert_allclose(noise[:, 0], noise[:, 1], atol=1e-14)
        assert oracle.averaged_smoothness(1.0).L0 == 2.0
    assert np.all(Exact(problem).gradients(points, 3, seed=1) == problem.gradient(points))


def test_rademacher_noise_lies_on_its_sphere_and_its_batches_are_binomial():
    problem = RampValley(0.1, valley=70)  # more than one word of signs
    oracle = RademacherNoise(problem, 0.5, quiet=1)
    point = np.zeros((1, 71))
    noise = oracle.gradients(point, 256, seed=9)[:, 0]
    np.testing.assert_allclose(np.linalg.norm(noise, axis=1), 0.5, rtol=1e-12)
    assert np.all(noise[:, 0] == 0)
    ups = np.count_nonzero(noise[:, 1:] > 0, axis=0)
    assert stats.chisquare([ups.sum(), 256 * 70 - ups.sum()]).pvalue > FALSE_ALARM
    # two coordinates of the same lane, one in each word, agree half of the time
    agree = np.count_nonzero(noise[:, 1:7] * noise[:, 65:71] > 0)
    assert stats.binomtest(agree, 256 * 6).pvalue > FALSE_ALARM
    levels = oracle.gradients(point, 256, seed=9, batch=4)[:, 0, 1:] * math.sqrt(70) / 0.5
    values, counts = np.unique(np.round(levels, 9), return_counts=True)
    np.testing.assert_allclose(values, [-1, -0.5, 0, 0.5, 1])
    assert stats.chisquare(counts, 256 * 70 * np.array([1, 4, 6, 4, 1]) / 16).pvalue > FALSE_ALARM


def test_the_zero_chain_oracle_hides_what_is_not_reached():
    problem = ZeroChain(5)
    oracle = ZeroChainOracle(problem, 0.25)
    x = np.array([[1.0, 0.9, 0.2, 0.0, 0.0]])
    exact = problem.gradient(x)[0]
    drawn = oracle.gradients(x, 4096, seed=2)[:, 0]
    np.testing.assert_array_equal(drawn[:, :2], np.tile(exact[:2], (4096, 1)))
    shown = drawn[:, 2] != 0
    np.testing.assert_allclose(drawn[shown, 2:], np.tile(exact[2:] / 0.25, (shown.sum(), 1)))
    assert np.all(drawn[~shown, 2:] == 0)
    assert stats.binomtest(int(shown.sum()), 4096, 0.25).pvalue > FALSE_ALARM
    # probability 1: nothing is hidden
    np.testing.assert_array_equal(ZeroChainOracle(problem, 1.0).gradients(x, 1, seed=0)[0, 0], exact)


def test_constants_of_a_step_solve_their_fixed_point():
    problem = RampWall(0.1, steepness=5.0, rate=2.0)
    for oracle in (GaussianPhase(problem, 1.0), Additive(problem, 1.0), ScaledComponents(problem, [0.5, 1.5])):
        for delta in (1e-4, 0.1, 0.4):
            pair = oracle.averaged_at_step(delta)
            assert pair.radius == pytest.approx(delta / pair.L0, rel=1e-12)
            again = oracle.averaged_smoothness(pair.radius)
            assert pytest.approx((pair.L0, pair.L1), rel=1e-12) == (again.L0, again.L1)
    pair = constants_of_mean(Cosh(1.0, 1.0, [1.0]), 0.3)
    assert pytest.approx(math.expm1(pair.radius) / pair.radius) == pair.L0


def test_bad_input():
    problem = RampValley(0.1, valley=2)
    with pytest.raises(ValueError, match="quiet"):
        GaussianPhase(problem, 1.0, quiet=3)
    with pytest.raises(ValueError, match="unit vector"):
        GaussianPhase(problem, 1.0, direction=[1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="size"):
        EquispacedPhases(problem, 1.0, 2)
    with pytest.raises(ValueError, match="mean 1"):
        ScaledComponents(problem, [1.0, 2.0])
    with pytest.raises(ValueError, match="symmetric"):
        ShiftedCosh.of([0.1, 0.5], [1.0])
    with pytest.raises(ValueError, match=r"ShiftedCosh\.of"):
        ShiftedCosh(Cosh(1.0, 1.0, [1.0]), [-1.0, 1.0])
    with pytest.raises(ValueError, match="radius"):
        Additive(problem, 1.0).averaged_smoothness(-1.0)
    with pytest.raises(ValueError, match="oracle"):
        clients = cb.problems.divergence_example(0.5)
        cb.Setting(clients, Additive(clients, 1.0), cb.methods.DistributedSGD(0.1))
    with pytest.raises(ValueError, match="build the oracle for this problem"):
        cb.Setting(RampValley(0.2), Additive(problem, 1.0), cb.methods.MiniBatch(cb.methods.ConstantStep(0.1)))
    with pytest.raises(ValueError, match="no one-dimensional law"):
        Additive(problem, 1.0).moment(2)


def test_an_oracle_survives_json():
    problem = RampValley(0.1, valley=2)
    method = cb.methods.Spider(cb.methods.RuleH(0.01, 1.5, 1.0), 4, 10, 4)
    for oracle in (GaussianPhase(problem, 1.0, quiet=1), EquispacedPhases(problem, 1.0, 4), Exact(problem)):
        setting = cb.Setting(problem, oracle, method)
        assert cb.Setting.from_json(setting.to_json()) == setting
