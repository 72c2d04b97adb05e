"""Theorems 3-5, Corollary 3', normalised SGD: independent oracles, exact laws, and simulation."""

import numpy as np
import pytest
from scipy.stats import binom

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import nobile2026 as nb
from clipbounds.bounds.nobile2026.expectation import inverse_of_minorant

M, QUADRATIC = cb.methods, cb.problems.Quadratic


def hull_of_phi(thresholds, sigma, p, kappa):
    """Corners of the convex hull of 2000 points of Phi, by Theorem 1's functions; the last point is far out."""
    top = thresholds.max()
    norms = np.concatenate([[0.0], np.geomspace(1e-4 * top, 2 * top, 2000), [1e6 * top]])
    bias, variance = (
        np.concatenate([f(thresholds, part, sigma, p) for part in np.array_split(norms, 20)])
        for f in (nb.bias_bound, nb.variance_bound)
    )
    hull = []
    for x, y in zip(norms, (norms - bias) * (norms + bias) - kappa * variance, strict=True):
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (x - hull[-2][0]) >= (y - hull[-2][1]) * (
            hull[-1][0] - hull[-2][0]
        ):
            hull.pop()
        hull.append((x, y))
    return np.array(hull).T


def largest_root(hull, level):
    x, y = hull
    k = np.flatnonzero(y <= level)[-1]
    return x[k] + (level - y[k]) * (x[k + 1] - x[k]) / (y[k + 1] - y[k])


@pytest.mark.parametrize("p", [1.1, 1.5, 2.0])
@pytest.mark.parametrize("n", [1, 9, 400])
@pytest.mark.parametrize("growing", [True, False])
def test_inverse_of_the_envelope_against_a_convex_hull(p, n, growing):
    sigma, kappa = 0.7, 0.8
    thresholds = nb.growing_thresholds(1.4, p, n) if growing else nb.constant_thresholds(3.0, n)
    descent = nb.Descent(thresholds, sigma, p, kappa)
    hull = hull_of_phi(thresholds, sigma, p, kappa)
    for level in (1e-3, 0.3, 4.0, 300.0):
        expected = largest_root(hull, level)
        found = float(descent.inverse(level))
        assert expected * (1 - 1e-4) <= found <= expected * (1 + (1e-2 if n > 256 else 5e-4))


def test_no_bound_without_a_mean_threshold_above_sigma():
    for thresholds in ([0.9], [0.5, 1.5]):
        descent = nb.Descent(thresholds, 1.0, 1.5, 1.0)
        assert np.all(np.isinf(descent.inverse([1e-6, 1.0])))
    assert np.isfinite(nb.Descent([1.05], 1.0, 1.5, 1.0).inverse(1.0))
    setting = cb.Setting(QUADRATIC(1.0, 1.0), cb.noise.Rademacher(1.0), M.PerSampleClippedSGD(1.0, growing(0.5), 2))
    assert np.isinf(nb.Theorem3(1.5).value(setting, 10))


def growing(alpha, p=1.5):
    return cb.clipping.GrowingClip(alpha, p)


def test_condensed_schedules_only_make_phi_smaller():
    thresholds, norms = nb.growing_thresholds(1.0, 1.3, 5000), np.linspace(0, 900, 50)
    descent = nb.Descent(thresholds, 1.0, 1.3, 1.0)
    bias, variance = nb.bias_bound(thresholds, norms, 1.0, 1.3), nb.variance_bound(thresholds, norms, 1.0, 1.3)
    assert np.all(descent.bias(norms) >= bias * (1 - 1e-12)) and np.all(descent.bias(norms) <= bias * 1.001)
    assert np.all(descent.variance(norms) >= variance * (1 - 1e-12))
    assert np.all(descent.variance(norms) <= variance * 1.01)


def test_comparison_with_normalised_sgd_of_the_page():
    """(n, T) = (64, 100), p = 1.5, L = sigma = 1, F0 = 10: 1.043 at the best eta against .520."""
    problem, noise = QUADRATIC(1.0, np.sqrt(20.0)), cb.noise.Rademacher(1.0)
    clipped = cb.Setting(problem, noise, M.PerSampleClippedSGD(1.0, growing(1.0), 64))
    normalised = cb.Setting(problem, noise, M.NormalizedSGD(np.sqrt(2 * 10 / 100), 64))
    assert nb.Theorem3(1.5).value(clipped, 100) == pytest.approx(0.520, abs=1e-3)
    assert nb.NormalizedSGDBound(1.5).value(normalised, 100) == pytest.approx(1.043, abs=1e-3)


def test_corollary_is_weaker_than_theorem_3():
    for p in (1.2, 1.5, 2.0):
        for n in (1, 50, 2000):
            for tau in (4.0, 30.0):
                method = M.PerSampleClippedSGD(0.5, cb.clipping.NormClip(tau), n)
                setting = cb.Setting(QUADRATIC(1.0, 5.0), cb.noise.Rademacher(1.0), method)
                steps = [1, 30, 1000, 10**6]
                exact = nb.Theorem3(p).value(setting, steps)
                assert np.all(exact <= nb.Corollary3(p).value(setting, steps) * (1 + 1e-4))


def test_minorant_is_inverted():
    corner, rng = 2.0, np.random.default_rng(1)
    for _ in range(200):
        values = 10 ** rng.uniform(-2, 1.5, 3)
        weights = rng.dirichlet(np.ones(3))
        level = weights @ np.minimum(values**2, corner * values)
        assert weights @ values <= inverse_of_minorant(level, corner) * (1 + 1e-12)
    assert inverse_of_minorant(0.49, corner) == pytest.approx(0.7)  # attained by a constant
    # attained beyond the corner by a mixture of a/2 with a far value, in the limit
    far, share = 1e6, 1e-4
    level = (1 - share) * 1.0 + share * corner * far
    assert (1 - share) * 1.0 + share * far == pytest.approx(inverse_of_minorant(level, corner), rel=1e-2)


def split_slope(p):
    budgets = np.array([1e12, 1e15])
    bounds = [nb.best_split(int(n), 10.0, 1.0, 1.0, p).bound for n in budgets]
    return np.log(bounds[1] / bounds[0]) / np.log(budgets[1] / budgets[0])


@pytest.mark.parametrize("p", [1.3, 1.5, 1.8, 2.0])
def test_rate_of_the_best_split(p):
    expected = -(p - 1) / (3 * p - 2)
    assert split_slope(p) == pytest.approx(expected, abs=0.01)
    assert abs(split_slope(p) + (p - 1) / (2 * p - 1)) > 0.02  # control: another exponent is rejected


def test_best_split_is_one_of_its_own_bounds():
    split = nb.best_split(10**6, 10.0, 1.0, 1.0, 1.5)
    method = M.PerSampleClippedSGD(1.0, cb.clipping.NormClip(split.threshold), split.batch_size)
    setting = cb.Setting(QUADRATIC(1.0, np.sqrt(20.0)), cb.noise.Rademacher(1.0), method)
    assert nb.Corollary3(1.5).value(setting, split.steps) == pytest.approx(split.bound, rel=1e-9)
    with pytest.raises(ValueError, match="needs batches of n >= 8"):
        nb.best_split(5, 10.0, 1.0, 1.0, 1.5)


def exact_mean_gradient(start, curvature, step_size, sizes, probability, thresholds, steps):
    """E of G_t, t < steps <= 2, on f = L x²/2 with two-atom noise and one common threshold: a binomial sum."""
    slope = curvature * start
    norms = [abs(slope)]
    if steps == 2:
        n, tau = len(thresholds), thresholds[0]
        k = np.arange(n + 1)
        high, low = (np.clip(slope + s, -tau, tau) for s in sizes)
        estimate = (k * high + (n - k) * low) / n
        norms.append(binom.pmf(k, n, probability) @ np.abs(slope - curvature * step_size * estimate))
    return norms


def test_theorem_3_on_a_thousand_exact_configurations():
    """One and two steps without sampling. Largest ratio >= .8; the first half of the theorem is tight too."""
    rng = np.random.default_rng(7)
    ratios, progress = [], []
    for _ in range(1000):
        p, n, steps = rng.uniform(1.05, 2), int(2 ** rng.uniform(0, 6)), int(rng.integers(1, 3))
        curvature, start = 10 ** rng.uniform(-1, 1), 10 ** rng.uniform(-1, 1.5)
        step_size = rng.choice([1.0, 0.5, 0.1]) / curvature
        q = 10 ** rng.uniform(-3, -0.3)
        sizes = np.array([1.0, 0.0]) - q
        sigma = (q * (1 - q) ** p + (1 - q) * q**p) ** (1 / p)
        tau = sigma * 10 ** rng.uniform(0.05, 2)
        thresholds = np.full(n, tau)
        norms = exact_mean_gradient(start, curvature, step_size, sizes, q, thresholds, steps)
        descent = nb.Descent(thresholds, sigma, p, min(1.0, curvature * step_size))
        level = curvature * start**2 / (step_size * steps)
        ratios.append(np.mean(norms) / float(descent.inverse(level)))
        if steps == 1:
            progress.append(float(descent.progress(norms[0])) / level)
    assert max(ratios) <= 1 and max(ratios) >= 0.8
    assert max(progress) <= 1 and max(progress) > 0.999
    assert np.any(np.array(ratios) > 0.9)  # control: nine tenths of the bound would be reported


def heavy_setting(p, n, method, dim=3):
    noise = cb.noise.StudentT(p + 0.1, 1.0, radial=True)
    sigma = float(noise.vector_moment(p, dim)) ** (1 / p)
    noise = noise.replace(scale=1 / sigma)
    problem = QUADRATIC(np.linspace(0.2, 1.0, dim), np.full(dim, 2.0))
    return cb.Setting(problem, noise, method)


@pytest.mark.parametrize("p", [1.3, 1.8])
def test_expectation_bounds_hold_in_simulation(p):
    """Normal bands: G_t has all moments, as the clipped estimate is bounded. False alarms: below 1e-4 a point."""
    n = 16
    methods = {
        "growing": M.PerSampleClippedSGD(1.0, growing(1.0, p), n),
        "constant": M.PerSampleClippedSGD(1.0, cb.clipping.NormClip(n ** (1 / p)), n),
        "groups": M.MicroBatchClippedSGD(0.5, growing(1.0, p), n, 4),
    }
    for method in methods.values():
        setting = heavy_setting(p, n, method)
        run = cb.simulate(setting, 200, 256, seed=5, checkpoints=[1, 10, 50, 200])
        mean = run.mean_gradient_norm.mean("trajectory").values
        error = run.mean_gradient_norm.std("trajectory").values / 16
        bound = nb.Theorem3(p).value(setting, run.checkpoint.values)
        assert np.all(mean - 4 * error <= bound)
        assert np.any(mean + 4 * error > 0.3 * bound)  # it is no vacuous bound


def test_micro_batches_enter_through_sigma_m():
    p = 1.5
    setting = heavy_setting(p, 16, M.MicroBatchClippedSGD(0.5, cb.clipping.NormClip(4.0), 16, 4))
    units = nb.units_of(setting, p)
    assert units.count == 4 and units.thresholds.size == 4
    assert units.sigma == pytest.approx((4**-p * (1 + nb.moment_growth(p) * 3)) ** (1 / p), rel=1e-9)
    once = heavy_setting(p, 16, M.ClippedSGD(0.5, cb.clipping.NormClip(4.0), 16))
    assert nb.units_of(once, p).count == 1
    assert nb.units_of(once, p).sigma == pytest.approx(nb.group_sigma(1.0, p, 16), rel=1e-9)


def probable_setting(step_size, tau, n):
    noise = cb.noise.TwoPoint(1.0, 0.05, radial=True)
    method = M.PerSampleClippedSGD(step_size, cb.clipping.NormClip(tau), n)
    return cb.Setting(QUADRATIC(1.0, [0.5, 0.5]), noise, method)


@pytest.mark.parametrize("bound", [nb.Theorem4(2.0, 0.1), nb.Theorem5(2.0, 0.1), nb.Theorem5Gap(2.0, 0.1)])
def test_high_probability_bounds_hold_in_simulation(bound):
    """512 trajectories; more than 51 + 5·6.8 = 85 failures would reject delta = .1 at level 1e-6; none is seen."""
    n = 1024 if isinstance(bound, nb.Theorem4) else 64
    setting = probable_setting(1.0 if n == 1024 else 0.02, 8.0, n)
    steps = np.array([1, 20, 200])
    value = bound.value(setting, steps)
    assert np.all(np.isfinite(value))
    run = cb.simulate(setting, 200, 512, seed=6, checkpoints=steps)
    failures = (run[bound.quantity].values > value[:, np.newaxis]).sum(axis=1)
    assert failures.max() <= 85
    # control: at a tenth of the bound nearly every trajectory is outside somewhere
    assert (run[bound.quantity].values > 0.1 * value[:, np.newaxis]).any(axis=0).mean() > 0.5


def test_theorem_5_solves_its_fixed_point():
    setting = probable_setting(0.02, 8.0, 64)
    bound, steps = nb.Theorem5(2.0, 0.1), 200.0
    units, tau, L, eta, bias = bound.constants(setting)
    log_term, spread = np.log(20.0), 1.0 / 64
    D = setting.problem.initial_gap
    for _ in range(200):  # from below, monotone
        W = max(np.sqrt(2 * L * D), bias)
        D = (
            setting.problem.initial_gap
            + 0.75 * eta * steps * bias**2
            + (np.e - 1) / 2 * L * eta**2 * steps * spread
            + log_term * (max(4 * (np.e - 2) * eta * spread, 2 * eta * tau * W / 64) + 2 * L * eta**2 * tau**2)
        )
    assert units.count == 64
    assert float(bound.excursion(setting, steps)) == pytest.approx(D, rel=1e-10)


def test_nothing_is_claimed_where_the_threshold_is_too_small():
    setting = probable_setting(1.0, 3.0, 16)
    assert np.all(np.isinf(nb.Theorem4(2.0, 0.1).value(setting, [1, 100])))
    assert np.all(np.isinf(nb.Theorem5(2.0, 0.1).value(setting, [1, 100])))


def test_normalised_sgd_bound_holds_in_simulation():
    setting = heavy_setting(1.5, 16, M.NormalizedSGD(0.1, 16))
    run = cb.simulate(setting, 300, 256, seed=8, checkpoints=[1, 30, 300])
    mean = run.mean_gradient_norm.mean("trajectory").values
    assert np.all(mean <= nb.NormalizedSGDBound(1.5).value(setting, [1, 30, 300]))


@pytest.mark.parametrize(
    ("bound", "change", "what"),
    [
        (nb.Theorem3(1.5), {"method": M.PerSampleClippedSGD(1.1, growing(1.0), 4)}, "eta <= 1/L"),
        (nb.Theorem3(1.5), {"method": M.PerSampleClippedSGD(1.0, growing(1.0), 4, 0.5)}, "momentum = 0"),
        (nb.Theorem3(1.5), {"method": M.SGD(1.0, 4)}, "units of a batch are clipped"),
        (nb.Theorem3(1.9), {}, "E‖xi‖\\^p < inf"),
        (nb.Theorem3(1.5), {"problem": cb.problems.Cosh(1.0, 1.0, [1.0, 1.0, 1.0])}, "f is L-smooth"),
        (
            nb.Theorem3(1.5),
            {"method": M.PerSampleClippedSGD(1.0, cb.clipping.CoordinateClip(1.0), 4)},
            "clips the norm",
        ),
        (nb.Corollary3(1.5), {}, "tau >= 4 sigma"),
        (nb.Theorem4(1.5, 0.1), {}, "constant threshold"),
        (nb.NormalizedSGDBound(1.5), {}, "gbar"),
    ],
)
def test_hypotheses_that_fail_are_named(bound, change, what):
    setting = heavy_setting(1.7, 4, M.PerSampleClippedSGD(1.0, growing(1.0), 4)).replace(**change)
    with pytest.raises(HypothesesFail, match=what):
        bound.value(setting, 10)


def test_bad_parameters():
    with pytest.raises(ValueError, match=r"p must be a number in \(1, 2\]"):
        nb.Theorem3(2.5)
    with pytest.raises(ValueError, match=r"failure_probability must be a number in \(0, 1\)"):
        nb.Theorem4(1.5, 1.0)
