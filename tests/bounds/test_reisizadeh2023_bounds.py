"""Plans and bounds of reisizadeh2023 against the table of the theory page, and slopes against their exponents."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import reisizadeh2023 as paper
from clipbounds.bounds.reisizadeh2023.plans import normalised_design
from clipbounds.first_passage import first_passage
from clipbounds.methods import ClippedStep, ConstantStep, MiniBatch, RuleH, RuleN, RuleP, Spider
from clipbounds.oracles import EquispacedPhases, Exact, GaussianPhase, RademacherNoise, ZeroChainOracle
from clipbounds.problems import FixedStepRamp, FixedStepWall, RampValley, ZeroChain

BOUND = {
    "H": paper.SpiderH(),
    "P": paper.SpiderP(),
    "N": paper.SpiderN(),
    "M": paper.MiniBatchClipping(),
    "C": paper.ClippedSGD(),
    "GD": paper.GradientDescent(),
}


def instance(eps, name="H", rate=1.0):
    """Ramp-valley with the oracle that the page runs the method on."""
    problem = RampValley(eps, rate=rate)
    if name == "C":
        return problem, RademacherNoise(problem, 1.0, 1)
    if name == "GD":
        return problem, Exact(problem)
    return problem, GaussianPhase(problem, 1.0, quiet=1)


def planned(eps, name, rate=1.0):
    problem, oracle = instance(eps, name, rate)
    plan = paper.plan(eps, problem, oracle, name)
    return plan, cb.Setting(problem, oracle, plan.method)


@pytest.mark.parametrize("name", BOUND)
@pytest.mark.parametrize("eps", [0.2, 0.05, 0.02])
def test_the_planned_number_of_steps_is_the_least_that_reaches_eps(name, eps):
    plan, setting = planned(eps, name)
    before = plan.steps - plan.q
    assert BOUND[name].value(setting, plan.steps) <= eps * (1 + 1e-9)
    assert BOUND[name].value(setting, before) > eps * (1 - 1e-9)
    assert plan.evaluations == setting.method.evaluations(setting.problem, plan.steps)


# the page's table, at tau -> 0: cost·eps^power/(Delta L0 sigma^..), to the digits printed there
@pytest.mark.parametrize(
    ("name", "power", "constant"), [("H", 3, 175), ("P", 3, 391), ("M", 4, 128), ("C", 4, 4), ("GD", 2, 2)]
)
def test_total_cost_tends_to_the_constants_of_the_page(name, power, constant):
    plan, _ = planned(5e-4, name)
    assert plan.evaluations * plan.eps**power / plan.L0 == pytest.approx(constant, rel=4e-3)


@pytest.mark.parametrize(("r", "constant"), [(0.0, 280), (math.sqrt(0.5), 412), (1.0, 450)])
def test_cost_of_the_normalised_design(r, constant):
    assert normalised_design(r)[3] == pytest.approx(constant, rel=2e-3)


def test_the_normalised_plan_tends_to_its_design():
    plan, _ = planned(5e-4, "N")
    assert plan.evaluations * plan.eps**3 / plan.L0 == pytest.approx(412, rel=4e-3)
    assert plan.steps % plan.q == 0


def test_finite_sum_plan_costs_22_roots_of_n():
    n, eps = 10000, 0.001
    problem = RampValley(eps, valley=3)
    plan = paper.plan(eps, problem, EquispacedPhases(problem, 1.0, n), "H")
    assert (plan.S1, plan.S2, plan.q) == (n, 100, 100)
    # q = sqrt n finite: sum_{j<q} sqrt(j/q)/q is below 2/3 by about 1/(2q), so K is a little smaller
    assert (plan.evaluations - n) * eps**2 / (plan.L0 * math.sqrt(n)) == pytest.approx(22, rel=2e-2)


def test_clipped_sgd_stays_below_8_up_to_the_end_of_its_range():
    """L1 eps/L0 from 0 to 1.6 costs 4 to 8; at eps = .05 by steeper walls, so that the other hypotheses hold."""
    for rate in (0.0, 0.5, 1.0):
        plan, _ = planned(0.05, "C", rate)
        assert 4 * plan.L0 / 0.05**4 <= plan.evaluations <= 8 * plan.L0 / 0.05**4


@given(
    st.floats(0.02, 0.2), st.sampled_from(["H", "P", "N"]), st.floats(0, 1.5),
)  # fmt: skip
def test_plans_pass_the_hypotheses_of_their_bounds(eps, name, rate):
    plan, setting = planned(eps, name, rate)
    assert all(row.holds for row in BOUND[name].hypotheses(setting))
    # constants that are too small are noticed
    rule = plan.method.rule.replace(L0=0.999 * plan.L0)
    weaker = cb.Setting(setting.problem, setting.noise, plan.method.replace(rule=rule))
    with pytest.raises(HypothesesFail, match="averaged"):
        BOUND[name].value(weaker, plan.steps)


def test_error_recursion_without_tau_is_a_closed_form():
    """a_j = a_0 + j (reach delta)²/S2, so its mean root is a sum; with tau > 0 it is larger."""
    j = np.arange(50)
    for reach in (1, 2):
        wanted = np.mean(np.sqrt(0.3 + j * (reach * 0.2) ** 2 / 7))
        assert paper.mean_error(0.3, 0.2, 0.0, reach, 7, 50) == pytest.approx(wanted, rel=1e-14)
        assert paper.mean_error(0.3, 0.2, 0.5, reach, 7, 50) > wanted


# ---- hypotheses and bad input


def test_bad_input_is_refused_with_a_reason():
    plan, setting = planned(0.1, "N")
    with pytest.raises(ValueError, match=f"multiple of the epoch q = {plan.q}"):
        BOUND["N"].value(setting, plan.q + 1)
    problem, oracle = instance(0.1)
    with pytest.raises(HypothesesFail, match="tau"):
        long = cb.Setting(problem, oracle, Spider(RuleP(0.9, 1.5, 1.5), 5, 10, 5))
        BOUND["P"].value(long, 10)
    steep = RampValley(0.5, gap_at_start=5.0, rate=8.0)
    with pytest.raises(ValueError, match="tau"):
        paper.plan(3.0, steep, GaussianPhase(steep, 30.0, quiet=1), "H")
    with pytest.raises(ValueError, match="large_batch"):
        Spider(RuleH(0.1, 1.0), 5, 0, 5)
    with pytest.raises(ValueError, match="small_batch"):
        Spider(RuleH(0.1, 1.0), 5, 5, 0)
    with pytest.raises(ValueError, match="batch_size"):
        MiniBatch(RuleH(0.1, 1.0), 0)
    with pytest.raises(ValueError, match="RademacherNoise"):
        paper.plan(0.1, problem, oracle, "C")
    with pytest.raises(ValueError, match="full gradients"):
        paper.plan(0.1, problem, oracle, "GD")
    with pytest.raises(ValueError, match="lower eps"):
        paper.plan(0.5, RampValley(0.5), RademacherNoise(RampValley(0.5), 1.0, 1), "C")


def test_a_plan_in_which_rounding_dominates_warns():
    problem = RampValley(0.1)
    with pytest.warns(UserWarning, match="rounding"):
        paper.plan(0.1, problem, GaussianPhase(problem, 0.05, quiet=1), "H")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paper.plan(0.1, problem, GaussianPhase(problem, 0.5, quiet=1), "H")


def test_a_bound_refuses_another_method():
    problem, oracle = instance(0.1)
    setting = cb.Setting(problem, oracle, Spider(RuleN(0.01, 1.5, 1.1), 5, 10, 5))
    with pytest.raises(HypothesesFail, match="RuleH"):
        BOUND["H"].value(setting, 10)
    with pytest.raises(HypothesesFail, match="ClippedStep"):
        BOUND["C"].value(cb.Setting(problem, oracle, MiniBatch(ConstantStep(0.1))), 10)
    with pytest.raises(HypothesesFail, match="‖noise‖"):
        BOUND["C"].value(cb.Setting(problem, oracle, MiniBatch(ClippedStep(0.01, 0.05))), 10)


# ---- measured hits and slopes


def costs(name, window):
    rows = []
    for eps in window:
        plan, setting = planned(eps, name)
        run = first_passage(setting, eps, 2 * plan.steps, threads=1)
        assert not np.isnan(run.mean_evaluations).any()
        rows.append((eps, run.hit_evaluations.mean(), run.mean_evaluations.mean(), plan.evaluations))
    return np.array(rows)


def slopes(table):
    logs = np.log(table)
    return np.array([np.polyfit(logs[:, 0], logs[:, k], 1)[0] for k in (1, 2, 3)])


def test_spider_costs_eps_to_minus_three_and_not_minus_two_and_a_half():
    table = costs("H", [0.2, 0.1, 0.05, 0.02, 0.01])
    measured = slopes(table)
    assert np.all(np.abs(measured - [-2.94, -3.01, -3.00]) < 0.05)
    # negative control: the same check refuses a bound of the order eps^-2.5
    assert np.all(np.abs(measured + 2.5) > 0.05)
    # the hit at eps = .01, whose closed form the page prints with delta rounded to .2268 eps
    assert table[-1, 1] == pytest.approx(4.183e7, rel=0.01)
    assert np.all(table[:, 1] < table[:, 2]) and np.all(table[:, 2] < table[:, 3])


def test_predicted_hits():
    plan, _ = planned(0.01, "H")
    assert plan.hit_evaluations == pytest.approx(4.183e7, rel=1e-3)
    clipped, setting = planned(0.05, "C")
    run = first_passage(setting, 0.05, 2 * clipped.steps, threads=1, until="hit")
    assert run.hit_evaluations.mean() == pytest.approx(clipped.hit_evaluations, rel=0.02)


def test_mini_batch_clipping_costs_eps_to_minus_four():
    measured = slopes(costs("M", [0.2, 0.1, 0.05, 0.02]))
    assert np.all(np.abs(measured + 4) < 0.15)


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "window", "table"),
    [
        ("H", [0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002], [-2.94, -3.01, -3.00]),
        ("P", [0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002], [-2.99, -3.00, -3.00]),
        ("N", [0.2, 0.1, 0.05, 0.02, 0.01, 0.005], [-3.00, -3.00, -2.98]),
        ("M", [0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002], [-3.91, -4.00, -3.98]),
        ("C", [0.2, 0.1, 0.07, 0.05, 0.04, 0.03], [-3.95, -3.96, -3.98]),
    ],
)
def test_slopes_of_the_page(name, window, table):
    assert np.all(np.abs(slopes(costs(name, window)) - table) < 0.05)


# ---- lower bounds


@pytest.mark.parametrize(
    ("steepness", "iterations", "floor"),
    [(10, 760, 748), (100, 4478, 4404), (1e3, 31742, 31219), (1e4, 245837, 241789)],
)
def test_fixed_step_gradient_descent_takes_what_the_page_says(steepness, iterations, floor):
    eps = 0.05
    wall = FixedStepWall(steepness)
    problem = FixedStepRamp(eps, gap_at_start=5.0)
    setting = cb.Setting(problem, Exact(problem), MiniBatch(ConstantStep(wall.largest_step)))
    bound = paper.FixedStepFloor(steepness)
    assert float(bound.value(setting, 1)) == pytest.approx(floor, abs=0.6)
    run = first_passage(setting, eps, 3 * floor, trajectories=1, until="hit", threads=1)
    assert run.hit[0] == iterations
    assert bound.value(setting, 1) <= run.hit_evaluations[0] <= 1.02 * bound.value(setting, 1)
    # a step 2 % larger makes f_A diverge, one 2 % smaller does not
    for factor, diverges in ((1.02, True), (0.98, False)):
        steep = cb.Setting(wall, Exact(wall), MiniBatch(ConstantStep(factor * wall.largest_step)))
        run = first_passage(steep, 1e-300, 2000, trajectories=1, threads=1)
        assert (run.diverged_at[0] >= 0) == diverges
    with pytest.raises(HypothesesFail, match="h <= 2"):
        bound.value(cb.Setting(problem, Exact(problem), MiniBatch(ConstantStep(1.1 * wall.largest_step))), 1)


def chain_queries(length, step_size, trajectories=64):
    problem = ZeroChain(length)
    probability = 1 / (2 * length)
    setting = cb.Setting(problem, ZeroChainOracle(problem, probability), MiniBatch(ConstantStep(step_size)))
    every = max(1, length // 8)
    run = first_passage(
        setting, 1e-300, int(40 * length / probability), trajectories, threads=1,
        reached=lambda x: np.abs(x[:, -1]) >= 1, every=every,
    )  # fmt: skip
    return setting, run.hit_evaluations


def test_the_zero_chain_takes_at_least_its_floor_and_at_most_two_and_a_half_times():
    bound = paper.ZeroChainFloor()
    medians = []
    for step_size in (0.1, 0.2):
        setting, queries = chain_queries(16, step_size, trajectories=128)
        medians.append(np.median(np.where(np.isnan(queries), np.inf, queries)))
    floor = float(bound.value(setting, 1))
    assert floor == pytest.approx(240)
    assert floor <= min(medians) <= 2.5 * floor
    # the negative-binomial mean T/p = 512 cannot be beaten by a wrong floor of twice its size
    assert min(medians) < 2.5 * 240 < 2 * 512


# ---- verdicts on runs


@pytest.mark.parametrize("name", ["H", "P", "N", "M", "C"])
def test_runs_can_be_compared_with_their_bounds(name):
    plan, setting = planned(0.2, name)
    run = cb.simulate(setting, plan.steps, 256, seed=3, checkpoints=[5 * plan.q, plan.steps])
    (verdict,) = cb.compare(run, [BOUND[name]], 0.999).verdicts
    assert verdict.verdict == "holds"
    assert 0.3 < verdict.tightness <= 1


@pytest.mark.parametrize("name", ["H", "P", "N", "M", "C"])
def test_certified_means_stay_in_their_proved_range(name):
    from clipbounds.verdict.ranges import measured_range

    plan, setting = planned(0.2, name)
    steps = np.array([0, 1, 10, 40])
    run = cb.simulate(setting, 40, 64, seed=5, checkpoints=steps)
    low, high = measured_range(setting, "mean_certified", steps)
    values = run.mean_certified.values
    assert np.all(low[:, np.newaxis] <= values) and np.all(values <= high[:, np.newaxis])
    assert np.all(np.isfinite(high))
    # at the start the range is a point
    assert high[0] == pytest.approx(values[0, 0])
    # psi(inf) = L0/L1, the cap of P; the identity for the others
    top = {"H": plan.L0 / plan.L1, "P": plan.L0 / plan.L1, "M": plan.L0 / plan.L1}.get(name, math.inf)
    assert float(plan.method.rule.certify(math.inf)) == pytest.approx(top)


def test_a_comparison_with_a_smaller_bound_is_violated():
    class Smaller(paper.SpiderH):
        """Half of H."""

        def evaluate(self, setting, steps):
            return 0.5 * super().evaluate(setting, steps)

    plan, setting = planned(0.2, "H")
    run = cb.simulate(setting, plan.steps, 256, seed=3, checkpoints=[plan.steps // 4])
    assert cb.compare(run, [Smaller()], 0.999).verdicts[0].verdict == "violated"


def test_floors_of_a_cost_are_not_mistaken_for_a_variable_of_a_run():
    problem = ZeroChain(4)
    setting = cb.Setting(problem, ZeroChainOracle(problem, 0.1), MiniBatch(ConstantStep(0.1)))
    run = cb.simulate(setting, 20, 8)
    assert cb.compare(run, [paper.ZeroChainFloor()]).verdicts[0].verdict == "not measured"


def test_shapes_of_the_literature_are_drawn_and_not_asserted():
    _, setting = planned(0.1, "H")
    for shape, power in ((paper.VarianceLower(0.1), 4), (paper.VarianceReducedLower(0.1), 3)):
        finer = shape.replace(eps=1e-4)
        rate = math.log(float(finer.value(setting, 1)) / float(shape.value(setting, 1))) / math.log(1e3)
        assert rate == pytest.approx(power, abs=0.02)
        assert not shape.asserted
    many = paper.FiniteSumLower(0.01, n=10**4)
    assert many.order(1.0) == pytest.approx(10**4 + 100 / 0.01**2)


def test_clipped_sgd_is_one_method_under_two_names():
    """ClippedSGD(eta, NormClip(c)) and MiniBatch(ClippedStep(eta, eta c)): the same bound, and the same iterates on rows."""
    problem = cb.problems.Quadratic([1.0, 0.5], [2.0, -1.0])
    noise = cb.noise.Rademacher(0.5, along=[1.0, 0.0])
    eta, c = 0.01, 2.5
    named = cb.Setting(problem, noise, cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c)))
    ruled = cb.Setting(problem, noise, cb.methods.MiniBatch(cb.methods.ClippedStep(eta, eta * c)))
    bound = cb.bounds.reisizadeh2023.ClippedSGD()
    assert np.array_equal(bound.value(named, [10, 10**5]), bound.value(ruled, [10, 10**5]))
    assert np.isfinite(bound.value(named, 10**5))
    runs = [cb.simulate(setting, 200, 64).gradient_norm.values for setting in (named, ruled)]
    assert np.allclose(*runs, rtol=1e-9)
    with pytest.raises(ValueError, match="MiniBatch"):
        bound.value(named.replace(method=named.method.replace(momentum=0.5)), 10)
