"""Theorem 3* against the theory page, its definition on a dense grid, and runs."""

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds import nobile2026 as nb
from clipbounds.bounds.nobile2026.mean_step import GROUPS
from clipbounds.worst_case import clipping_bias

M, QUADRATIC = cb.methods, cb.problems.Quadratic

# theory page per-sample-2, section 4: p = 1.5, sigma = L = 1, F0 = 10; n, T, eta, old Theorem 3, Theorem 3*
PAPER_SCHEDULE = [
    (64, 100, 1.0, 0.520, 0.516), (64, 100, 0.3, 0.841, 0.694), (64, 100, 0.1, 1.428, 1.098), (64, 100, 0.03, 2.597, 1.927),
    (256, 400, 1.0, 0.278, 0.276), (256, 400, 0.3, 0.425, 0.358), (256, 400, 0.1, 0.715, 0.557), (256, 400, 0.03, 1.295, 0.965),
]  # fmt: skip
CONSTANT = [(1.0, 1, 1000, 0.03, np.inf, 0.852), (1.0, 4, 300, 0.1, np.inf, 0.870), (2.0, 8, 300, 0.1, 0.908, 0.743)]
REFERENCE = [(64, 100, 0.5166336907760302), (256, 400, 0.2767025108175465)]


def points_of_phi(thresholds, sigma, p, omega, page):
    """(G, Phi*(G)) on a dense grid, by the definitions; `page`: with the page's ell and v, which are a little weaker."""
    tau = np.asarray(thresholds, dtype=np.float64)
    top = tau.max()
    norms = np.unique(np.concatenate([[0.0], np.geomspace(1e-4 * top, 3e3 * top, 6000), tau * (1 + 1e-9)]))[
        :, np.newaxis
    ]
    bias = clipping_bias(np.abs(tau - norms), sigma, p)
    held = np.minimum(norms, tau)
    l = held - bias
    far = norms / omega - l
    rest = np.minimum(tau**2 - np.maximum(l, 0) ** 2, sigma**2)
    lost = rest / (2 * far) if page else np.sqrt(far**2 + rest) - far
    ell = np.mean(np.where(norms > tau, l - lost, l), axis=1)
    reach = tau + held
    variance = np.minimum(reach ** (2 - p) * np.minimum(sigma, reach) ** p, tau**2)
    if not page:
        variance = np.minimum(variance, tau**2 - np.maximum(l, 0) ** 2)
    V = np.mean(variance, axis=1) / tau.size
    return norms[:, 0], 2 * norms[:, 0] * ell - omega * ell**2 - omega * V


def inverse(points, level):
    """inf over a of [level + max(a G - Phi*)]/a on the points."""
    norms, phi = points
    slopes = np.geomspace(1e-4, 2, 400) * phi[-1] / norms[-1]
    for _ in range(3):
        excess = slopes[:, np.newaxis] * norms - phi
        inside = np.argmax(excess, axis=1) < norms.size - 1  # elsewhere the maximum lies beyond the points
        found = np.where(inside, (level + np.max(excess, axis=1)) / slopes, np.inf)
        k = np.argmin(found)
        slopes = np.linspace(slopes[max(k - 1, 0)], slopes[min(k + 1, slopes.size - 1)], 50)
    return found.min()


@pytest.mark.parametrize("n, T, eta, old, new", PAPER_SCHEDULE)
def test_the_page_with_the_schedule_of_the_paper(n, T, eta, old, new):
    thresholds, level = nb.growing_thresholds(1.0, 1.5, n), 20 / (eta * T)
    assert float(nb.Descent(thresholds, 1.0, 1.5, eta).inverse(level)) == pytest.approx(old, abs=1e-3)
    assert float(nb.SharpDescent(thresholds, 1.0, 1.5, eta).inverse(level)) == pytest.approx(new, rel=5e-3)


@pytest.mark.parametrize("n, T, value", REFERENCE)
def test_the_reference(n, T, value):
    found = float(nb.SharpDescent(nb.growing_thresholds(1.0, 1.5, n), 1.0, 1.5, 1.0).inverse(20 / T))
    assert found == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize("tau, n, T, eta, old, new", CONSTANT)
def test_the_page_with_constant_thresholds(tau, n, T, eta, old, new):
    thresholds, level = np.full(n, tau), 20 / (eta * T)
    assert float(nb.Descent(thresholds, 1.0, 1.5, eta).inverse(level)) == pytest.approx(old, abs=1e-3)
    weaker = inverse(points_of_phi(thresholds, 1.0, 1.5, eta, page=True), level)
    found = float(nb.SharpDescent(thresholds, 1.0, 1.5, eta).inverse(level))
    assert weaker == pytest.approx(new, rel=5e-3)  # the page's own ell and v; its evaluation rounds up
    assert weaker * (1 - 7e-3) <= found <= weaker * (1 + 1e-4)  # ours may be smaller


@pytest.mark.parametrize("p", [1.1, 1.5, 2.0])
@pytest.mark.parametrize("omega", [1.0, 0.05])
@pytest.mark.parametrize("thresholds", [[0.3], [1.0] * 5, list(np.arange(1, 10) ** 0.7), [0.5, 40.0]])
def test_against_its_definition(p, omega, thresholds):
    """The certified value is above the one on points, and at most 1e-3 above it."""
    descent, points = nb.SharpDescent(thresholds, 0.8, p, omega), points_of_phi(thresholds, 0.8, p, omega, page=False)
    assert np.allclose(descent.progress(points[0]), points[1], rtol=1e-5, atol=1e-5)
    for level in (0.02, 0.5, 3.0):
        expected = inverse(points, level)
        if expected < 50 * max(thresholds):  # beyond, the points end too early
            assert expected * (1 - 1e-4) <= float(descent.inverse(level)) <= expected * (1 + 1e-3)


def test_never_above_theorem_3():
    draw = np.random.default_rng(3)
    for _ in range(60):
        p, n, omega = draw.uniform(1.05, 2), draw.integers(1, 20), 10 ** draw.uniform(-2, 0)
        thresholds = np.full(n, 10 ** draw.uniform(0, 1.5)) * (np.arange(1, n + 1) ** (1 / p) if n % 2 else 1)
        level = 10 ** draw.uniform(-2, 1.5)
        old = float(nb.Descent(thresholds, 1.0, p, omega).inverse(level))
        assert float(nb.SharpDescent(thresholds, 1.0, p, omega).inverse(level)) <= old * (1 + 1e-4)


@pytest.mark.parametrize("tau, p", [(1e-2, 1.5), (1e-2, 1.2), (0.1, 1.05), (1.0, 1.01), (1e-3, 2.0)])
def test_finite_for_every_threshold(tau, p):
    assert np.isinf(nb.Descent([tau], 1.0, p, 0.1).inverse(1.0))  # Theorem 3 says nothing
    assert np.isfinite(nb.SharpDescent([tau], 1.0, p, 0.1).inverse(1.0))


def test_without_noise_it_is_the_bound_of_gradient_descent():
    """ell = G up to tau: Phi* = (2 - omega) G², and the mean is at most the root."""
    for omega in (1.0, 0.1):
        found = float(nb.SharpDescent([5.0], 0.0, 1.5, omega).inverse(0.4))
        assert found == pytest.approx(np.sqrt(0.4 / (2 - omega)), rel=1e-4)


def test_long_schedules_only_lose():
    thresholds = nb.growing_thresholds(1.0, 1.3, 1500)
    norms = np.linspace(1, 500, 40)
    descent = nb.SharpDescent(thresholds, 1.0, 1.3, 1.0)
    bias = clipping_bias(np.abs(thresholds - norms[:, np.newaxis]), 1.0, 1.3)
    l = np.minimum(norms[:, np.newaxis], thresholds) - bias
    beyond = norms[:, np.newaxis] > thresholds
    far, rest = norms[:, np.newaxis] - l, np.minimum(thresholds**2 - np.maximum(l, 0) ** 2, 1.0)
    ell = np.mean(np.where(beyond, l - (np.sqrt(far**2 + rest) - far), l), axis=1)
    assert descent.step.least.size <= GROUPS < 1500 and np.any(descent.step.most > descent.step.least)  # grouped
    cells = descent.step.cells(norms, norms)
    lower = cells.shift + cells.slope * norms
    assert np.all(lower <= ell * (1 + 1e-9)) and np.all(lower >= 0.97 * ell)
    assert np.any(lower < ell * (1 - 1e-6))  # the groups do lose something
    few = nb.SharpDescent(nb.growing_thresholds(1.0, 1.3, 300), 1.0, 1.3, 1.0)
    assert few.step.least.size <= GROUPS  # 300 thresholds in groups, against all 300 one by one
    points = points_of_phi(nb.growing_thresholds(1.0, 1.3, 300), 1.0, 1.3, 1.0, page=False)
    expected = inverse(points, 0.05)
    assert expected * (1 - 1e-4) <= float(few.inverse(0.05)) <= expected * 1.01


def setting(method, p=1.5, noise=None, dim=3):
    law = noise or cb.noise.StudentT(p + 0.1, 1.0, radial=True)
    law = law.replace(scale=1 / float(law.vector_moment(p, dim)) ** (1 / p))
    return cb.Setting(QUADRATIC(np.linspace(0.2, 1.0, dim), np.full(dim, 2.0)), law, method)


def test_units_samples_groups_and_whole_batches():
    """A batch clipped after averaging is one unit with the sigma of the mean; groups likewise."""
    p, clip = 1.5, cb.clipping.NormClip(2.0)
    for method, count, size in (
        (M.PerSampleClippedSGD(0.5, clip, 8), 8, 1),
        (M.MicroBatchClippedSGD(0.5, clip, 8, 4), 4, 2),  # four groups of two
        (M.ClippedSGD(0.5, clip, 8), 1, 8),
        (M.ClippedSGD(0.5, clip), 1, 1),
    ):
        found = float(nb.Theorem3Star(p).value(setting(method), 100))
        gap = setting(method).problem.initial_gap
        sigma = (size**-p * (1 + nb.moment_growth(p) * (size - 1))) ** (1 / p)
        expected = inverse(points_of_phi([2.0] * count, sigma, p, 0.5, page=False), 2 * gap / 50)
        assert expected * (1 - 1e-4) <= found <= expected * (1 + 1e-3)


@pytest.mark.parametrize("n, tau", [(1, 0.7), (16, 0.7), (16, 6.0)])
def test_it_holds_in_simulation_where_theorem_3_says_nothing(n, tau):
    """Bounded by 4 standard errors of a mean of bounded variables; 256 trajectories."""
    case = setting(M.PerSampleClippedSGD(0.3, cb.clipping.NormClip(tau), n))
    run = cb.simulate(case, 200, 256, seed=15, checkpoints=[1, 10, 50, 200])
    mean, error = run.mean_gradient_norm.mean("trajectory").values, run.mean_gradient_norm.std("trajectory").values / 16
    bound = nb.Theorem3Star(1.5).value(case, run.checkpoint.values)
    assert np.all(mean - 4 * error <= bound)
    assert np.any(mean + 4 * error > 0.3 * bound)  # control: a third of it is beaten


@pytest.mark.parametrize(
    "change, what",
    [
        (dict(method=M.PerSampleClippedSGD(1.1, cb.clipping.NormClip(1.0), 4)), "eta <= 1/L"),
        (dict(method=M.PerSampleClippedSGD(0.1, cb.clipping.CoordinateClip(1.0), 4)), "clips the norm"),
        (dict(method=M.SGD(0.1)), "units of a batch are clipped"),
    ],
)
def test_hypotheses_that_fail_are_named(change, what):
    case = setting(M.ClippedSGD(0.1, cb.clipping.NormClip(1.0))).replace(**change)
    with pytest.raises(HypothesesFail, match=what):
        nb.Theorem3Star(1.5).value(case, 10)
    for bad in (1.0, 2.5, np.nan):
        with pytest.raises(ValueError, match=r"p must be a number in \(1, 2\]"):
            nb.Theorem3Star(bad)
    for bad in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match=r"threshold must be a number in \(0, inf\)"):
            cb.clipping.NormClip(bad)
        with pytest.raises(ValueError, match=r"thresholds must be a vector with entries in \(0, inf\)"):
            nb.SharpDescent([1.0, bad], 1.0, 1.5, 0.5)
    for omega in (0.0, 1.1):
        with pytest.raises(ValueError, match="omega = L eta must be in"):
            nb.SharpDescent([1.0], 1.0, 1.5, omega)
    with pytest.raises(ValueError, match="sigma"):
        nb.SharpDescent([1.0], -1.0, 1.5, 0.5)


@pytest.mark.parametrize("p, tau, eta", [(1.2, 1.0, 0.3), (1.5, 0.3, 1.0), (1.5, 3.0, 0.03), (2.0, 10.0, 1.0)])
def test_for_one_unit_the_exact_infimum_over_noise_is_never_larger(p, tau, eta):
    """S0* minimises the same one-step expression over all laws; in batches of clipped samples Theorem 3* may be smaller."""
    from clipbounds.bounds.koloskova2023 import S0Star

    noise = cb.noise.Rademacher(1.0)
    one = cb.Setting(QUADRATIC(1.0, 4.0), noise, M.ClippedSGD(eta, cb.clipping.NormClip(tau)))
    assert float(S0Star(p).value(one, 500)) <= float(nb.Theorem3Star(p).value(one, 500)) * (1 + 1e-3)
    many = one.replace(method=M.ClippedSGD(eta, cb.clipping.NormClip(tau), 64, per_sample=True))
    if tau >= 3:
        assert float(nb.Theorem3Star(p).value(many, 500)) < float(S0Star(p).value(many, 500))
