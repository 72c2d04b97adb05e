"""Bounds for step sizes and thresholds that change: against constants, sums written out, simulations, and 0.9 of them."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.bounds.koloskova2023.scheduled import cells_of
from clipbounds.bounds.koloskova2023.scheduled_deterministic import largest_root
from clipbounds.methods import ClippedSGD, CosineSchedule, ListSchedule, PiecewiseSchedule, PowerSchedule
from clipbounds.verdict import bands

HALF = PowerSchedule(0.3, -0.5)


def setting_at(step_size, c=1.0, threshold=None, x0=0.3, noise=None, problem=None):
    problem = problem or cb.problems.Quadratic(1.0, x0)
    method = ClippedSGD(step_size, cb.clipping.NormClip(c), threshold=threshold)
    return cb.Setting(problem, noise or cb.noise.TwoPoint(1.0, 0.5), method)


@pytest.mark.parametrize(("eta", "c"), [(0.1, 0.5), (0.3, 1.0), (0.03, 4.0)])
def test_constants_as_schedules_give_s0_star(eta, c):
    """Both round up, by 2e-4 each, and the grid of lam costs up to 4e-4."""
    steps = [30, 1000]
    found = theory.WeightedS0Star().value(setting_at(PowerSchedule(eta), c), steps)
    np.testing.assert_allclose(found, theory.S0Star().value(setting_at(eta, c), steps), rtol=1e-3)


@pytest.mark.parametrize(
    ("p", "step_size", "threshold"),
    [
        (2.0, HALF, None), (2.0, PowerSchedule(0.2), PowerSchedule(0.5, 0.3)),
        pytest.param(2.0, CosineSchedule(0.3, 0.02, 20), PowerSchedule(1.0, -0.2), marks=pytest.mark.full), pytest.param(1.5, PiecewiseSchedule([0.3, 0.1], [6]), None, marks=pytest.mark.full),  # a third of a minute
    ],
)  # fmt: skip
def test_the_sum_written_out(p, step_size, threshold):
    """Every step by itself, Psi* from the primal side on a dense grid of norms: never above the bound, and not far below."""
    steps = 12
    setting = setting_at(step_size, 0.8, threshold, noise=cb.noise.TwoPoint(1.0, 0.5))
    sigma = float(setting.moment(p)) ** (1 / p)
    eta, c = step_size.at(np.arange(steps)), (threshold or PowerSchedule(0.8)).at(np.arange(steps))
    u = np.concatenate([[1e-9], np.geomspace(1e-2, 30, 80)])
    psi = np.array(
        [[cb.worst_case.one_step_law(x, b, sigma, a / 2, p).value for x in u] for a, b in zip(eta, c, strict=True)]
    )
    lam = np.geomspace(1e-2, 1, 300) * c.min()
    highest = np.array([np.max(s * u - psi, axis=1) @ eta for s in lam])
    wanted = np.min((setting.problem.initial_gap + highest) / (lam * eta.sum()))
    found = float(theory.WeightedS0Star(p).value(setting, steps))
    assert wanted <= found * (1 + 1e-6)
    assert found <= wanted * (1.01 if threshold is None else 1.05)


def test_the_scaling_of_thresholds():
    """h(lam; r a) <= r h(lam; a) + (r² - r) h(0; a), what a cell of thresholds rests on, at its own supremum over a grid."""
    u = np.concatenate([[0.0], np.geomspace(1e-2, 50, 400)])
    for a, ratio, kappa, lam in ((0.5, 1.3, 0.1, 0.2), (1.0, 1.05, 0.02, 0.5), (3.0, 2.0, 0.3, 0.1)):
        low, high = (cb.worst_case.one_step(u, c, 1.0, kappa) for c in (a, ratio * a))
        left = np.max(lam * u - high)
        assert left <= ratio * np.max(lam * u - low) + (ratio**2 - ratio) * np.max(-low) + 1e-9


def test_cells_hold_all_steps_once():
    eta, c = HALF.at(np.arange(500)), PowerSchedule(1.0, 0.25).at(np.arange(500))
    horizons = np.array([1, 30, 500])
    cells = cells_of(eta, c, horizons)
    total = sum(cell.at_low + cell.at_high for cell in cells)
    assert np.all(total >= np.cumsum(eta)[horizons - 1] * (1 - 1e-12))  # the stretch is at least 1
    for cell in cells:
        assert cell.low <= cell.high and 1 <= cell.stretch <= 500 ** (0.25 / 24) * (1 + 1e-9)
        assert np.all(np.diff(cell.at_low + cell.at_high) >= 0)


def band(setting, steps, trajectories, seed):
    """Mean and guarded normal band of the weighted mean, at the confidence .999: a trajectory of clipped steps is bounded."""
    values = cb.simulate(setting, steps, trajectories, seed, checkpoints=[steps]).weighted_mean_gradient_norm.values[-1]
    return values.mean(), *bands.guarded_normal(values, 0.999)


@pytest.mark.full  # half a minute each; the test below is of the same bound, and of nine tenths of it
@pytest.mark.parametrize("c", (0.5, 1.0, 3.0))
def test_weighted_s0_star_holds_under_decreasing_steps(c):
    """Three laws, three thresholds, eta/sqrt(t+1); the tightness is printed (-s shows it)."""
    problem = cb.problems.Quadratic(1.0, float(cb.worst_case.floor(c, 1.0)))
    for law in (cb.worst_case.floor_noise(c, 1.0), cb.noise.Gaussian(1.0), cb.noise.Pareto(3.0, 0.5)):
        setting = setting_at(HALF, c, noise=law, problem=problem)
        for steps in (100, 4000):
            value = float(theory.WeightedS0Star().value(setting, steps))
            mean, _, high = band(setting, steps, 1024, 11)
            print(f"c = {c:g}, {type(law).__name__}, T = {steps}: measured/bound {mean / value:.3f}")
            assert high < value


@pytest.mark.parametrize("c", (0.25, 0.5))
def test_nine_tenths_of_it_are_violated_by_the_adaptive_noise(c):
    problem = cb.problems.Quadratic(1.0, float(cb.worst_case.floor(c, 1.0)))
    setting = setting_at(HALF, c, noise=cb.oracles.WorstDrift(problem, c, 1.0), problem=problem)
    value = float(theory.WeightedS0Star().value(setting, 4000))
    mean, low, high = band(setting, 4000, 1024, 12)
    print(f"c = {c:g}, WorstDrift: measured/bound {mean / value:.3f}")
    assert 0.9 * value < low and high < value


DETERMINISTIC = (theory.ScheduledD1Min(), theory.ScheduledD1Mean(), theory.ScheduledD2())


@pytest.mark.parametrize("bound", DETERMINISTIC, ids=lambda b: b.name)
@pytest.mark.parametrize(
    ("step_size", "threshold"),
    [
        (PowerSchedule(0.9, -0.5), None), (PiecewiseSchedule([0.1, 0.9], [40]), PowerSchedule(0.2, 0.2)),
        (CosineSchedule(0.8, 0.1, 100), PowerSchedule(2.0, -0.3)), (PowerSchedule(0.5), CosineSchedule(0.2, 3.0, 200)),
    ],
)  # fmt: skip
def test_deterministic_bounds_hold(bound, step_size, threshold):
    problems = [cb.problems.Huber(1.0, 0.3, 9.0), cb.problems.Quadratic([1.0, 0.1], [3.0, 5.0])]
    if bound.name != "ScheduledD2":
        problems.append(cb.problems.Cosh(0.5, 1.0, [2.0, 1.0]))
    for problem in problems:
        setting = setting_at(step_size, 0.5, threshold, problem=problem, noise=cb.noise.NoNoise())
        if problem.lipschitz is None and not all(row.holds for row in bound.hypotheses(setting)):
            continue
        run = cb.simulate(setting, 300)
        verdict = cb.compare(run, [bound]).verdicts[0]
        assert verdict.verdict == "holds", (problem, verdict.reason)


def test_deterministic_bounds_reduce_to_those_for_constants():
    problem, steps = cb.problems.Quadratic([1.0, 0.2], [8.0, 1.0]), [1, 10, 200, 4000]
    one = setting_at(0.2, 0.5, problem=problem, noise=cb.noise.NoNoise())
    two = setting_at(PowerSchedule(0.2), 0.5, problem=problem, noise=cb.noise.NoNoise())
    pairs = ((theory.D1Min(), theory.ScheduledD1Min()), (theory.D1Mean(), theory.ScheduledD1Mean()))
    for constant, scheduled in pairs:
        np.testing.assert_allclose(scheduled.value(two, steps), constant.value(one, steps), rtol=1e-10)
    B = float(problem.distance(problem.x0)) ** 2 / (0.4 * np.array(steps))
    np.testing.assert_allclose(theory.ScheduledD2().value(two, steps), np.maximum(B, 2 * (B / 0.5) ** 2), rtol=1e-10)


def test_nine_tenths_of_d1_are_violated_where_it_is_tight():
    """Huber started so far out that the slope never falls: F0 = sum eta_t phi_t(G) + G²/(2L), tight as eta_t L -> 0."""
    step_size, c, G = PowerSchedule(0.1, -0.5), 0.5, 0.2
    way = float(np.sum(step_size.at(np.arange(1000))) * min(G, c))
    problem = cb.problems.Huber(1.0, G, G + way)
    setting = setting_at(step_size, c, problem=problem, noise=cb.noise.NoNoise())
    run = cb.simulate(setting, 1000, checkpoints=[1000])
    assert problem.initial_gap == pytest.approx(way * G + G**2 / 2)
    for bound in (theory.ScheduledD1Min(), theory.ScheduledD1Mean()):
        verdicts = cb.compare(run, [bound, Scaled(bound, 0.9)]).verdicts
        assert [v.verdict for v in verdicts] == ["holds", "violated"]


def test_largest_root():
    assert largest_root(lambda m: m * m, 4.0) == pytest.approx(2.0, rel=1e-11)
    assert largest_root(lambda m: m * m, 4.0) >= 2.0 and largest_root(lambda m: m, 0.0) == 0.0
    assert largest_root(lambda m: m, 1e-250) >= 1e-250


def test_what_the_tables_refuse():
    growing = PowerSchedule(1.0, 0.6)
    bound = theory.WeightedS0Star()
    local = cb.problems.Cosh(1.0, 1.0, 1.0)
    for setting, wrong in (
        (setting_at(0.1), "step size or threshold is a schedule"),
        (setting_at(HALF, threshold=growing, problem=local), "radius"),
        (setting_at(HALF, noise=cb.noise.Pareto(1.5, 1.0)), "E‖g - grad f"),
    ):
        with pytest.raises(HypothesesFail, match=wrong):
            bound.value(setting, 10)
    with pytest.raises(HypothesesFail, match="list has 5"):
        bound.value(setting_at(ListSchedule([0.1] * 5)), 10)
    fast = setting_at(PowerSchedule(3.0, -0.5), noise=cb.noise.NoNoise())
    for deterministic, wrong in zip(DETERMINISTIC, ("theta_t", "theta_t", "eta_t L <= 1"), strict=True):
        with pytest.raises(HypothesesFail, match=wrong):
            deterministic.value(fast, 10)
    assert np.isfinite(bound.value(setting_at(HALF, threshold=PowerSchedule(1.0, 0.2)), 10))
