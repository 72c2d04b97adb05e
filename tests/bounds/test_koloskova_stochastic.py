"""S0-S3, the floor and the finite lower bound: inequalities, an independent maximisation, exact laws and simulations.

Simulated means carry bands of 6 standard errors over 64 or more trajectories (independent time averages of a bounded
quantity): by Student's t
law with 63 degrees of freedom a false alarm has probability below 1e-7 in each comparison (asymptotic).
"""

import math

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import koloskova2023 as K
from clipbounds.bounds.koloskova2023.common import Constants
from clipbounds.bounds.koloskova2023.sharp import step_gain
from clipbounds.bounds.koloskova2023.stochastic import excess, large_threshold_kappa
from clipbounds.worst_case import drift, floor

ERRORS = 6
SLACK = 1 + 1e-9


def setting_for(problem, noise, eta, c, **options):
    return cb.Setting(problem, noise, cb.methods.ClippedSGD(eta, cb.clipping.NormClip(c), **options))


def simulated_mean(setting, steps, trajectories=64, seed=1):
    """Mean of the time-averaged gradient norm, and its standard error."""
    run = cb.simulate(setting, steps, trajectories, seed=seed, checkpoints=[steps], threads=2)
    values = run.mean_gradient_norm.values[-1]
    return values.mean(), values.std(ddof=1) / math.sqrt(trajectories)


def test_the_inequalities_behind_s2_and_s3():
    """kappa phi <= 2 u m + u*² for c >= sigma/2; c max(c, u) <= u m + c² + cK and u(c-m) <= cK for c <= sigma/2."""
    rng = np.random.default_rng(3)
    u = np.concatenate([[0.0], np.geomspace(1e-6, 1e4, 4000)])
    for sigma in np.exp(rng.uniform(-6, 6, 60)):
        c = 1.0
        m = drift(u, c, sigma)
        if sigma <= 2 * c:
            kappa = large_threshold_kappa(c, sigma)
            q = sigma / (2 * c)
            assert kappa == pytest.approx((2 + q * q - q * math.sqrt(q * q + 4)) / 2, rel=1e-9)
            assert np.all(kappa * u * np.minimum(u, c) <= 2 * u * m + floor(c, sigma) ** 2 + 1e-12 * (1 + u))
        else:
            K_ = excess(c, sigma)
            assert pytest.approx(math.sqrt(sigma**2 + c**2) - c, rel=1e-9) == K_
            assert np.all(u * (c - m) <= c * K_ * SLACK)
            assert np.all(c * np.maximum(c, u) <= u * m + c * c + c * K_ + 1e-9 * u)
            assert np.max(u * (c - m)) > 0.999 * c * K_  # attained: K is the best constant of S3
    # negative control: kappa cannot be 2 (small u at q -> 0 decides kappa <= 1)
    assert np.any(1.1 * u * np.minimum(u, 1) > 2 * u * drift(u, 1.0, 0.02) + floor(1.0, 0.02) ** 2 + 1e-12 * (1 + u))


def random_setting(rng):
    sigma, c = np.exp(rng.uniform(-3, 3)), np.exp(rng.uniform(-3, 2))
    if rng.random() < 0.5:
        problem = cb.problems.Quadratic([rng.uniform(0.1, 3)], [rng.normal() * 5])
    else:
        problem = cb.problems.Cosh(rng.uniform(0.2, 2), rng.uniform(0.2, 1.0), [rng.normal() * 2])
    pair = problem.smoothness.first_order()
    eta = rng.uniform(0.001, 0.3) / (pair.L0 + c * pair.L1)
    return setting_for(problem, cb.noise.Gaussian(sigma), eta, c)


def test_s0_against_a_brute_force_maximisation_and_the_other_bounds():
    """S0 is never below the infimum computed by brute force, at most 5e-4 above it, and S0 <= S1, S2, S3 (to its slack)."""
    rng = np.random.default_rng(5)
    for _ in range(25):
        setting = random_setting(rng)
        steps = np.unique(np.geomspace(1, 10 ** rng.uniform(1, 7), 7).astype(int))
        s0 = K.S0().value(setting, steps)
        k, sigma = K.S0().constants(setting), setting.sigma
        budget = setting.problem.initial_gap / (k.eta * steps)
        u = np.concatenate([[0.0], np.geomspace(1e-7, 1e7, 20_000)])
        gain = step_gain(u, k, sigma)
        top = k.c * (1 - 0.5 * k.eta * k.c * k.L1)
        lams = np.concatenate([np.geomspace(1e-6, 0.9, 400) * top, (1 - np.geomspace(1e-6, 0.1, 60)) * top])
        largest = np.array([np.max(lam * u - gain) for lam in lams])
        brute = np.min((budget[:, np.newaxis] + largest) / lams, axis=1)
        assert np.all(s0 >= brute * (1 - 2e-3)) and np.all(s0 <= brute * (1 + 5e-4))
        for bound in (K.S1(), K.S2(), K.S3()):
            if all(row.holds for row in bound.hypotheses(setting)):
                exact = SLACK if isinstance(bound, K.S1) else 1 + 1e-3
                assert np.all(s0 <= bound.value(setting, steps) * exact), bound.name


def test_the_maximum_in_s0_is_never_too_small():
    """For random slopes lam: the cell majorant is above lam u - Psi(u) at random u."""
    from clipbounds.bounds.koloskova2023.sharp import _cells, _largest

    rng = np.random.default_rng(8)
    for _ in range(200):
        c, sigma, L1 = np.exp(rng.uniform(-2, 2, 3))
        k = Constants(rng.uniform(0.01, 1) / (c * L1), c, rng.uniform(0, 3), L1, 1 / L1)
        edges = np.sort(rng.exponential(size=6) * 3 * c)
        u = edges[:-1] + np.diff(edges) * rng.random((50, 5))
        for lam in rng.uniform(0, c, 5):
            bound = _largest(np.array([lam]), _cells(edges, k, sigma))[0]
            assert np.all(lam * u - step_gain(u, k, sigma) <= bound)


def test_s1_has_its_simple_form_and_all_tend_to_the_floor():
    for c, sigma in [(1.0, 1.0), (0.5, 1.0), (3.0, 1.0), (0.1, 1.0), (1.0, 1e-3)]:
        setting = setting_for(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(sigma), 1e-2, c)
        steps = np.geomspace(1, 1e9, 40).astype(int)
        eps = 0.5 / (1e-2 * steps) + 0.5 * 1e-2 * c * c
        least = floor(c, sigma)
        assert np.all(K.S1().value(setting, steps) <= (least + 2 * np.sqrt(eps) + eps / c) * SLACK)
        assert np.all(K.S1().value(setting, steps) >= least)
    for c in (0.2, 0.5, 1.0, 4.0):
        setting = setting_for(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(1.0), 1e-9, c)
        for bound in (K.S0(), K.S1(), K.S2()):
            assert bound.value(setting, 10**16) == pytest.approx(float(floor(c, 1.0)), rel=1e-3)
        assert K.StochasticFloor().value(setting, 1) == floor(c, 1.0)


def test_upper_bounds_hold_on_random_settings():
    """Gaussian, Student, two-point noise on quadratic and cosh: mean minus 6 standard errors never exceeds a bound."""
    rng = np.random.default_rng(12)
    used = dict.fromkeys(["S0", "S1", "S2", "S3"], 0)
    for trial in range(40):
        base = random_setting(rng)
        sigma = base.sigma
        noise = [
            cb.noise.Gaussian(sigma),
            cb.noise.StudentT(3.0, sigma / math.sqrt(3)),
            cb.noise.TwoPoint(sigma, rng.uniform(0.05, 1)),
        ][trial % 3]
        setting = base.replace(noise=noise)
        steps = int(np.exp(rng.uniform(1, 7)))
        mean, error = simulated_mean(setting, steps, seed=trial)
        for bound in (K.S0(), K.S1(), K.S2(), K.S3()):
            if all(row.holds for row in bound.hypotheses(setting)):
                assert mean - ERRORS * error <= bound.value(setting, steps) * SLACK, (bound.name, setting)
                used[bound.name] += 1
    assert min(used.values()) >= 3


TIGHT = [  # (c, q, eta, T, least tightness of S0, S1, S2, S3); sigma = L = 1
    (1.0, 0.5, 2e-3, 100_000, {"S0": 0.95, "S1": 0.96, "S2": 0.85}),
    (0.05, 0.98, 1e-3, 1_000_000, {"S0": 0.95, "S1": 0.96, "S2": 0.85, "S3": 0.96}),
]


@pytest.mark.parametrize(("c", "q", "eta", "steps", "wanted"), TIGHT)
def test_tight_instances(c, q, eta, steps, wanted):
    """Two-point noise from its stationary point: measured/bound is as large as stated, and 0.9 x bound is exceeded.

    The lower bound alone, which is a theorem, certifies most of it without any sampling.
    """
    setting = K.two_point_setting(c, 1.0, q, 1.0, eta)
    mean, error = simulated_mean(setting, steps)
    least = float(K.FiniteLowerBound().value(setting, steps))
    assert least <= mean + ERRORS * error
    for name, share in wanted.items():
        bound = float(getattr(K, name)().value(setting, steps))
        assert mean - ERRORS * error <= bound and least <= bound
        assert mean - ERRORS * error >= share * bound
        assert mean - ERRORS * error > 0.9 * bound
        assert least >= 0.93 * bound
    class_value = K.best_skew(c, 1.0, 1.0, eta, steps)[1]
    assert least <= class_value * SLACK <= K.S0().value(setting, steps)


def test_finite_lower_bound_is_tight_and_breaks_when_enlarged():
    """Measured/bound at most 1.0006 on the page's tightest kind of instance; 1.1 x bound is violated."""
    setting = K.two_point_setting(0.05, 1.0, 0.9, 1.0, 1e-3)
    steps = 1_000_000
    mean, error = simulated_mean(setting, steps)
    least = float(K.FiniteLowerBound().value(setting, steps))
    assert least <= mean + ERRORS * error and (mean - ERRORS * error) / least <= 1.0006
    assert mean + ERRORS * error < 1.1 * least


def test_finite_lower_bound_on_short_runs_by_the_exact_law():
    """All 2^T noise sequences with their probabilities: the exact Gbar is above the bound, from any start."""
    rng = np.random.default_rng(4)
    informative = 0
    for _ in range(60):
        sigma, c, L = np.exp(rng.uniform(-1, 1, 3))
        q = rng.uniform(0.05, 0.95) * min(1, sigma / c)
        eta = np.exp(rng.uniform(-7, 0.4)) / L
        setting = K.two_point_setting(c, sigma, q, L, eta)
        start = setting.problem.x0 * rng.uniform(0.5, 4)
        setting = setting.replace(problem=setting.problem.replace(x0=start))
        atoms, weights = setting.noise.atoms()
        x, p, total, steps = np.array(start), np.ones(1), 0.0, 14
        for _ in range(steps):
            total += p @ np.abs(L * x)
            step = np.clip(L * x[:, np.newaxis] + atoms, -c, c)
            x, p = (x[:, np.newaxis] - eta * step).ravel(), (p[:, np.newaxis] * weights).ravel()
        value = float(K.FiniteLowerBound().value(setting, steps))
        assert value <= total / steps * SLACK
        informative += value > 0
        for bound in (K.S0(), K.S1(), K.S2(), K.S3()):
            if all(row.holds for row in bound.hypotheses(setting)):
                assert total / steps <= bound.value(setting, steps) * SLACK
    assert informative >= 10


@pytest.mark.parametrize("per_sample", [False, True])
def test_mini_batches(per_sample):
    """Clip after averaging: sigma/sqrt B; clip each sample: the single-sample sigma. Exchanging them breaks a bound."""
    c, batch = 2.0, 16
    noise = cb.noise.TwoPoint(1.0, 0.25)
    u = float(floor(c, 1.0))
    setting = setting_for(cb.problems.Quadratic([1.0], [u]), noise, 1e-3, c, batch_size=batch, per_sample=per_sample)
    steps = 100_000
    mean, error = simulated_mean(setting, steps)
    effective = 1.0 if per_sample else 1.0 / math.sqrt(batch)
    assert K.StochasticFloor().value(setting, 1) == pytest.approx(float(floor(c, effective)))
    single = setting.replace(
        method=setting.method.replace(batch_size=1, per_sample=False), noise=cb.noise.TwoPoint(effective, 0.25)
    )
    for bound in (K.S0(), K.S1(), K.S2()):
        value = float(bound.value(setting, steps))
        assert value == pytest.approx(float(bound.value(single, steps)), rel=1e-12)
        assert mean - ERRORS * error <= value
    if per_sample:  # per-sample clipping keeps the bias u*(c, sigma): S0 with sigma/sqrt B is violated
        averaged = setting.replace(method=setting.method.replace(per_sample=False))
        assert mean - ERRORS * error > K.S0().value(averaged, steps)
        assert mean == pytest.approx(u, rel=0.02)


def test_added_privacy_noise_enters_s1():
    setting = setting_for(cb.problems.Quadratic([2.0], [1.0]), cb.noise.Gaussian(1.0), 1e-2, 1.0)
    eps = 1.0 / (1e-2 * 1000) + 0.5 * 1e-2 * 2.0 * (1.0 + 3.0)
    v = max(0.25, math.sqrt(eps))
    assert K.S1(added_variance=3.0).value(setting, 1000) == pytest.approx(v + eps * (1 + 1 / v), rel=1e-12)
    with pytest.raises(ValueError, match="added_variance"):
        K.S1(added_variance=-1.0)


def test_large_smooth_constants_s2_on_cosh_is_tight():
    """A genuine (L0, L1) problem: cosh from its stationary point under the worst two-point noise."""
    c, q, eta, steps = 1.0, 0.5, 5e-4, 300_000
    u = 0.25
    problem = cb.problems.Cosh(1.0, 1.0, [math.asinh(u)])
    setting = setting_for(problem, cb.noise.TwoPoint(1.0, q), eta, c)
    mean, error = simulated_mean(setting, steps)
    for bound, share in ((K.S0(), 0.93), (K.S2(), 0.85)):
        value = float(bound.value(setting, steps))
        assert share * value <= mean - ERRORS * error <= value
    assert mean - ERRORS * error > 0.9 * K.S0().value(setting, steps)


def test_constants_of_the_wrong_form_break_the_step_inequality():
    """E f(x+) - f(x) <= -eta Psi(u) on f = e^{|x|} - |x| - 1, H0 = H1 = 1, from its minimum with noise ±c, eta c = ln 2.

    Exact: f(x+) = f(ln 2) on both sides. First-order constants 1/ln 2 satisfy it; Hessian constants used as first-order ones
    make it false (Phi(ln 2) = 1.28 times too small; 1.44 is the ratio of the constants themselves).
    """
    reach = math.log(2)
    gain = math.exp(reach) - 1 - reach
    for eta in (0.5, 1.0):
        c = reach / eta
        right = Constants(eta, c, 1 / math.log(2), 1 / math.log(2), math.log(2))
        wrong = Constants(eta, c, 1.0, 1.0, 1.0)
        assert gain <= -eta * float(step_gain(0.0, right, c))
        assert gain > 1.2 * -eta * float(step_gain(0.0, wrong, c))
    c = 1.0  # at the end of the wrong radius, eta c H1 = 1, by 2(e - 2) = 1.437
    assert math.e - 2 > 1.43 * -float(step_gain(0.0, Constants(1.0, c, 1.0, 1.0, 1.0), c))


def test_compare_judges_the_bounds_and_their_negative_controls():
    """256 trajectories, joint confidence 0.999: the tight bounds hold, nine tenths of them are violated."""

    def scaled(kind, factor):
        def evaluate(self, setting, steps):
            return factor * kind.evaluate(self, setting, steps)

        return type(f"Scaled{kind.__name__}", (kind,), {"evaluate": evaluate})()

    steps = 100_000
    run = cb.simulate(K.two_point_setting(1.0, 1.0, 0.5, 1.0, 2e-3), steps, 256, seed=3, checkpoints=[steps])
    bounds = [K.S0(), K.S1(), K.S2(), K.FiniteLowerBound()]
    bounds += [scaled(K.S0, 0.9), scaled(K.S1, 0.9), scaled(K.S2, 0.9), scaled(K.FiniteLowerBound, 1.1)]
    verdicts = [v.verdict for v in cb.compare(run, bounds).verdicts]
    assert verdicts == ["holds"] * 4 + ["violated"] * 4
