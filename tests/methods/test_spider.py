"""SPIDER and its step rules against the algorithm written out in NumPy, and first passages against every iterate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clipbounds as cb
from clipbounds.first_passage import first_passage
from clipbounds.lanes import LANES
from clipbounds.lanes.random import NOISE
from clipbounds.methods import ClippedSGD, ClippedStep, ConstantStep, MiniBatch, RuleH, RuleN, RuleP, Spider
from clipbounds.oracles import Additive, EquispacedPhases, Exact, GaussianPhase
from clipbounds.problems import Quadratic, RampValley

RULES = [
    RuleH(0.03, 1.4, 1.1),
    RuleH(0.03, 1.4, 0.0),
    RuleP(0.03, 1.4, 1.1),
    RuleP(0.03, 1.4, 0.0),
    RuleN(0.03, 1.4, 1.1),
    ClippedStep(0.02, 0.05),
    ConstantStep(0.02),
]


def eta_of_the_page(rule, t):
    """The step rules as section 1 and 2 of the page write them."""
    if isinstance(rule, RuleH):
        return rule.step_scale / ((rule.L0 + rule.L1 * t) * t)
    if isinstance(rule, RuleP):
        terms = [1 / (2 * rule.L0), rule.step_scale / (rule.L0 * t)]
        return min(terms + ([rule.step_scale / (rule.L1 * t * t)] if rule.L1 > 0 else []))
    if isinstance(rule, RuleN):
        return rule.step_scale / (rule.L0 * t)
    if isinstance(rule, ClippedStep):
        return min(rule.step_size, rule.reach / t)
    return rule.step_size


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("size", [1e-3, 0.05, 0.7, 30.0])
def test_one_step_has_the_size_of_the_rule(rule, size):
    problem = Quadratic([1.0, 1.0], np.array([0.6, -0.8]) * size)
    setting = cb.Setting(problem, Exact(problem), MiniBatch(rule))
    run = cb.simulate(setting, 1, 1, checkpoints=[1])
    eta = eta_of_the_page(rule, size)
    assert float(run.gradient_norm[0, 0]) == pytest.approx(abs(size - eta * size), rel=1e-9, abs=1e-12)
    assert float(rule.eta(size)) == pytest.approx(eta, rel=1e-14)
    assert eta * size <= setting.method.step_bound(2) * (1 + 1e-12)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_step_where_the_estimate_is_zero(rule):
    problem = Quadratic([1.0, 1.0], [0.0, 0.0])
    run = cb.simulate(cb.Setting(problem, Exact(problem), MiniBatch(rule)), 3, 2, checkpoints=[3])
    assert np.all(run.gradient_norm == 0) and np.all(run.diverged_at == -1)
    assert rule.eta(0.0) == 0


def reference(setting, steps, seed):
    """SPIDER on one trajectory, from the page: iterates x_0..x_steps."""
    problem, oracle, method = setting.problem, setting.noise, setting.method
    x = [problem.x0]
    v = None
    for k in range(steps):
        if k % method.epoch == 0:
            v = oracle.gradients(x[k], 1, seed, method.large_batch, k)[0, 0]
        else:
            new, old = oracle.gradients([x[k], x[k - 1]], 1, seed, method.small_batch, k)[0]
            v = v + new - old
        size = np.linalg.norm(v)
        x.append(x[k] - (eta_of_the_page(method.rule, size) * v if size > 0 else 0 * v))
    return np.array(x)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("kind", [GaussianPhase, EquispacedPhases, Additive])
def test_spider_follows_the_algorithm(rule, kind):
    problem = RampValley(0.1, valley=2)
    oracle = kind(problem, 0.5, 7) if kind is EquispacedPhases else kind(problem, 0.5)
    setting = cb.Setting(problem, oracle, Spider(rule, 3, 6, 2))
    expected = np.linalg.norm(problem.gradient(reference(setting, 11, seed=4)), axis=1)
    run = cb.simulate(setting, 11, 1, seed=4, checkpoints=range(12))
    np.testing.assert_allclose(run.gradient_norm[:, 0], expected, rtol=1e-9)
    means = np.cumsum(rule.certify(expected)[:-1]) / np.arange(1, 12)
    np.testing.assert_allclose(run.mean_certified[1:, 0], means, rtol=1e-9)
    assert float(run.mean_certified[0, 0]) == pytest.approx(float(rule.certify(expected[0])))


def test_mini_batches_under_an_additive_law_are_those_of_sgd():
    problem = Quadratic([1.0, 0.3], [2.0, 1.0])
    noise = cb.noise.Gaussian(0.7)
    pairs = [
        (MiniBatch(ClippedStep(0.1, 0.05), 3), ClippedSGD(0.1, cb.clipping.NormClip(0.5), batch_size=3)),
        (MiniBatch(ConstantStep(0.1), 2), cb.methods.SGD(0.1, batch_size=2)),
    ]
    for ours, theirs in pairs:
        a, b = (cb.simulate(cb.Setting(problem, noise, m), 50, 8, seed=1) for m in (ours, theirs))
        np.testing.assert_allclose(a.gradient_norm, b.gradient_norm, rtol=1e-9)
        np.testing.assert_array_equal(a.evaluations, b.evaluations)


def test_spider_under_an_additive_law_keeps_the_error_of_its_fresh_batch():
    """The same additive noise at both points cancels, so between fresh batches v - grad F does not change."""
    problem = Quadratic([1.0, 0.3], [2.0, 1.0])
    noise = cb.noise.Gaussian(0.7)
    run = cb.simulate(
        cb.Setting(problem, noise, Spider(ConstantStep(0.1), 100, 5, 1)), 90, 1, seed=1, checkpoints=[1, 40, 90]
    )
    draws = np.empty(12 * LANES)
    noise.fill(draws, 0, 12, noise.parameters, np.uint64(1), NOISE, np.uint64(0))
    error = draws.reshape(6, 2, LANES)[:5, :, 0].mean(axis=0)
    start = problem.gradient(problem.x0)
    for k, norm in zip([1, 40, 90], run.gradient_norm.values[:, 0], strict=True):
        # g_{k+1} + e = (1 - eta lambda)(g_k + e)
        gradient = (1 - 0.1 * problem.eigenvalues) ** k * (start + error) - error
        assert norm == pytest.approx(np.linalg.norm(gradient), rel=1e-12)


@given(st.integers(1, 9), st.integers(1, 50), st.integers(1, 20), st.integers(0, 60))
def test_evaluations_count_every_gradient(epoch, large, small, steps):
    method = Spider(RuleH(0.1, 1.0), epoch, large, small)
    counted = sum(large if k % epoch == 0 else 2 * small for k in range(steps))
    assert method.evaluations(None, steps) == counted
    assert MiniBatch(RuleH(0.1, 1.0), large).evaluations(None, steps) == steps * large


def test_first_passages_are_those_of_the_whole_trajectory():
    problem = RampValley(0.1, valley=2)
    oracle = GaussianPhase(problem, 0.5, quiet=1)
    method = Spider(RuleH(0.03, 1.5, 1.1), 5, 40, 4)
    setting = cb.Setting(problem, oracle, method)
    fast = first_passage(setting, 0.1, 3000, trajectories=100, seed=2)
    run = cb.simulate(setting, 3000, 100, seed=2, checkpoints=range(3001))
    norms = run.gradient_norm.values[:-1]
    hit = (norms <= 0.1).argmax(axis=0)
    means = np.cumsum(method.rule.certify(norms), axis=0) / np.arange(1, 3001)[:, np.newaxis]
    mean = (means <= 0.1).argmax(axis=0)
    np.testing.assert_array_equal(fast.hit, hit)
    np.testing.assert_array_equal(fast.mean, mean)
    np.testing.assert_array_equal(fast.hit_evaluations, [method.evaluations(problem, int(k)) for k in hit])
    one = first_passage(setting, 0.1, 3000, trajectories=100, seed=2, threads=1)
    np.testing.assert_array_equal(one.certified, fast.certified)


def test_a_target_that_is_never_reached_is_not_a_number_and_another_event_is_seen():
    problem = RampValley(0.1, valley=2)
    setting = cb.Setting(problem, GaussianPhase(problem, 0.5, quiet=1), MiniBatch(RuleH(0.03, 1.5, 1.1), 4))
    run = first_passage(setting, 1e-12, 30, trajectories=3)
    assert np.isnan(run.hit).all() and np.isnan(run.mean_evaluations).all() and np.all(run.steps == 30)
    exact = cb.Setting(problem, Exact(problem), MiniBatch(RuleH(0.03, 1.5, 1.1)))
    half = problem.x0[0] / 2
    seen = first_passage(exact, 1e-12, 5000, 3, reached=lambda x: x[:, 0] < half, every=1)
    distance = cb.simulate(exact, 1000, 1, checkpoints=range(1001)).distance.values[:, 0]
    assert np.all(seen.hit == (distance < half).argmax())


def test_bad_input():
    problem = RampValley(0.1, valley=2)
    setting = cb.Setting(problem, Exact(problem), MiniBatch(RuleH(0.03, 1.5)))
    with pytest.raises(ValueError, match="Spider or MiniBatch"):
        first_passage(cb.Setting(problem, cb.noise.NoNoise(), cb.methods.SGD(0.1)), 0.1, 10)
    with pytest.raises(ValueError, match="target"):
        first_passage(setting, 0.0, 10)
    with pytest.raises(ValueError, match="until"):
        first_passage(setting, 0.1, 10, until="never")
    with pytest.raises(ValueError, match="step rule"):
        Spider(0.1, 1, 1, 1)
    with pytest.raises(ValueError, match="epoch"):
        Spider(RuleH(0.1, 1.0), 0, 1, 1)
    with pytest.raises(ValueError, match="step_scale"):
        RuleH(0.0, 1.0)
    assert math.isinf(RuleP(0.1, 1.0, 0.0).cap)
