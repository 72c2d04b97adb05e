"""The chain of an adversary's policy: its variance against enumeration, covariances and the simulator, its interval, and verdicts."""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as theory
from clipbounds.oracles import landing_chain
from clipbounds.oracles.landing_chain import chain_of, mean_variance
from clipbounds.verdict.ranges import measured_range
from clipbounds.verdict.spread import spread_of
from clipbounds.worst_case import adversary

EPS = np.finfo(float).eps


def quadratic(x0):
    return cb.problems.Quadratic(1.0, x0)


def setting_of(policy):
    method = cb.methods.ClippedSGD(policy.step_size, cb.clipping.NormClip(policy.threshold))
    return cb.Setting(policy.problem, cb.noise.Adaptive(policy), method)


def stage_at(policy, step):
    """Atoms and weights of all points for one step of the run."""
    tables = policy.tables
    stage = int(np.searchsorted(tables.begins, policy.steps - 1 - step, side="right")) - 1
    rows = tables.stages[stage].reshape(tables.count, -1)
    return policy.threshold * rows[:, :4], rows[:, 4:8]


def moments(policy, steps, x=None, step=0):
    """(E S, E S²) of the sum of |f'| by all paths of atoms, positions computed as the method does."""
    x = float(policy.problem.x0[0]) if x is None else x
    slope = float(policy.problem.gradient(np.array([x]))[0])
    if step == steps:
        return 0.0, 0.0
    place = round((x - policy.tables.first) / policy.tables.spacing)
    if 0 <= place < policy.tables.count:
        atoms, weights = (part[place] for part in stage_at(policy, step))
    else:
        atoms, weights = np.array([slope]), np.ones(1)
    first = second = 0.0
    for g, w in zip(atoms, weights, strict=True):
        if w > 0:
            then = x - policy.step_size * np.clip(g, -policy.threshold, policy.threshold)
            m1, m2 = moments(policy, steps, then, step + 1)
            first, second = first + w * m1, second + w * m2
    return abs(slope) + first, slope**2 + 2 * abs(slope) * first + second


@pytest.mark.parametrize("problem", [quadratic(0.4), cb.problems.DoubleWell(0.3), cb.problems.Huber(1.0, 0.3, 0.5)])
@pytest.mark.parametrize("p", (1.5, 2.0))
def test_variance_by_all_paths(problem, p):
    policy = adversary(problem, 0.3, 0.8, 1.0, 6, p, landing=3).policy
    steps = np.array([1, 3, 6])
    found = mean_variance(policy, steps)
    reached = policy.tables.first + policy.tables.spacing * chain_of(policy).points
    largest = 6 * np.abs(problem.gradient(reached[:, np.newaxis])).max()  # no sum is larger
    for t, value in zip(steps, found, strict=True):
        mean, square = moments(policy, int(t))
        exact = max(square - mean**2, 0.0) / t**2
        assert exact - 8 * EPS * square <= value <= exact + 64 * EPS * largest**2  # rounded up, by little
    assert found[2] > 1e-5  # it is a variance of something


def covariances(policy):
    """Var of the mean from E f(x_s) f(x_r) for all pairs of steps, with matrices of one policy for all steps."""
    tables = policy.tables
    rows = tables.stages[0].reshape(tables.count, -1)
    matrix = np.zeros((tables.count, tables.count))
    for k in range(4):
        target = np.arange(tables.count) - rows[:, 8 + k].astype(int)
        used = (target >= 0) & (target < tables.count)
        np.add.at(matrix, (np.flatnonzero(used), target[used]), rows[used, 4 + k])
    x = tables.first + tables.spacing * np.arange(tables.count)
    f = np.abs(policy.problem.gradient(x[:, np.newaxis])[:, 0])
    ahead = [np.zeros(tables.count)]  # sums of P^j f, j >= 1
    power = f
    for _ in range(policy.steps - 1):
        power = matrix @ power
        ahead.append(ahead[-1] + power)
    law = np.zeros(tables.count)
    law[tables.start] = 1.0
    mean = square = 0.0
    for s in range(policy.steps):
        mean += law @ f
        square += law @ (f * (f + 2 * ahead[policy.steps - 1 - s]))
        law = law @ matrix
    return (square - mean**2) / policy.steps**2


@pytest.mark.parametrize(("c", "eta", "x0"), [(1.0, 0.1, 0.25), (4.0, 0.3, 0.1)])
def test_variance_of_one_policy_by_covariances(monkeypatch, c, eta, x0):
    monkeypatch.setattr("clipbounds.oracles.landing.DYNAMIC", 0)
    monkeypatch.setattr(landing_chain, "AT_ONCE", 37)  # the sum goes on where a piece ends
    policy = adversary(quadratic(x0), eta, c, 1.0, 300, landing=8).policy
    assert chain_of(policy).known and not chain_of(policy).exits
    assert float(mean_variance(policy, 300)) == pytest.approx(covariances(policy), rel=1e-6)


@pytest.mark.parametrize(("c", "exits"), [(0.25, True), (1.0, False)])
def test_the_simulator_has_this_variance_and_stays_in_the_interval(c, exits):
    """Sample variances of 8192 runs: limits of a chi-square at 1e-6, widened by a tenth as the runs are not normal."""
    start = cb.worst_case.floor(c, 1.0)
    found = adversary(quadratic(start), 0.1, c, 1.0, 2000, landing=8)
    policy, steps = found.policy, np.array([1, 2, 700, 2000])
    chain, setting = chain_of(policy), setting_of(policy)
    assert bool(chain.exits) == exits
    run = cb.simulate(setting, 2000, 8192, seed=2, checkpoints=steps)
    proved = mean_variance(policy, steps)
    measured = run.mean_gradient_norm.values.var(axis=1, ddof=1)
    low, high = chi2.ppf([1e-6, 1 - 1e-6], 8191) / 8191
    assert np.all(measured[2:] <= 1.1 * high * proved[2:]) and np.all(measured[2:] >= 0.9 * low * proved[2:])
    assert proved[0] <= 1e-12  # the first gradient is that of x0
    assert not np.all(measured[2:] <= 1.1 * high * 0.75 * proved[2:])  # negative control: three quarters of it
    for quantity in ("gradient_norm", "mean_gradient_norm", "gap", "distance"):
        under, over = measured_range(setting, quantity, steps)
        assert np.all(run[quantity].values >= under[:, np.newaxis]) and np.all(
            run[quantity].values <= over[:, np.newaxis]
        )
    reach = np.abs(measured_range(setting, "gradient_norm", steps)[1][-1])
    assert reach <= max(abs(chain.low), abs(chain.high)) * (1 + 1e-8) < 3


def test_beyond_the_horizon_nothing_is_known():
    policy = adversary(quadratic(0.25), 0.1, 1.0, 1.0, 50, landing=4).policy
    assert np.array_equal(np.isfinite(mean_variance(policy, [0, 1, 50, 51])), [False, True, True, False])
    setting = setting_of(policy)
    assert spread_of(setting, "mean_gradient_norm", [50, 51]) is None
    assert spread_of(setting, "gradient_norm", [50]) is None
    near, far = measured_range(setting, "gradient_norm", [50, 10_000])[1]
    assert near < 10 < far


def test_a_path_that_returns_makes_no_claim():
    """From beyond the right end f' leads back; a policy that went there would have more steps than the chain follows."""
    policy = adversary(quadratic(0.25), 0.1, 1.0, 1.0, 50, landing=4).policy
    tables = policy.tables
    beyond = tables.first + tables.spacing * tables.count
    assert landing_chain._path(policy, beyond) is None
    rows = tables.stages[0].reshape(tables.count, -1)
    assert np.all(rows[:, 8:] == np.round(rows[:, 8:]))
    kept = rows.copy()
    rows[:, 8:] = -policy.landing  # every atom is sent to the right now
    try:
        chain_of.cache_clear()
        chain = chain_of(policy)
        assert not chain.known and chain.high == np.inf
        assert np.all(np.isinf(mean_variance(policy, [10, 50])))
    finally:
        rows[:] = kept
        chain_of.cache_clear()


class Scaled(theory.S0Star):
    """A number in place of S0*."""

    number = 1.0

    def evaluate(self, setting, steps):
        return np.full(np.shape(steps), type(self).number)


@pytest.mark.parametrize(("factor", "word"), [(1.02, "holds"), (0.98, "violated")])
@pytest.mark.parametrize(("c", "eta"), list(itertools.product((0.25, 1.0, 4.0), (0.1,))))
def test_two_percent_are_decided(c, eta, factor, word):
    """The map's cells: 2048 runs decide a bound 2 % from the programme's value, which a range alone did not."""
    found = adversary(quadratic(float(cb.worst_case.floor(c, 1.0))), eta, c, 1.0, 2000, landing=8)
    run = cb.simulate(setting_of(found.policy), 2000, 2048, checkpoints=[2000], seed=6)
    bound = type("Number", (Scaled,), {"number": factor * found.value})()
    assert cb.compare(run, [bound]).verdicts[0].verdict == word
