"""Theorem 2* and Lemma B1 against the values of the theory page, exact finite laws, and with .96 sigma as controls."""

import numpy as np
import pytest
from scipy.stats import binom

from clipbounds.bounds import nobile2026 as theory
from clipbounds.bounds.nobile2026.exponential import centred_constant, hilbert_factor, line_constant
from clipbounds.worst_case import clipping_bias

# theory page per-sample-2, reference values: p, n, delta, tau, G, one dimension, Hilbert space
PAGE_DEVIATIONS = [
    (1.5, 4096, 0.1, 36.956646394493454, 0.2, 0.11356130256392236, 0.12449687564269556),
    (1.5, 4096, 0.01, 25.26984477510183, 0.2, 0.13729484749799797, 0.15094323846529498),
    (1.5, 4096, 0.0001, 16.6533820966671, 0.2, 0.1690693441786732, 0.18669153454755416),
    (1.5, 4096, 1e-8, 10.743095559334423, 0.2, 0.21058678898236355, 0.23390565263114513),
    (2.0, 512, 0.01, 4.128718625836472, 0.2, 0.15843387511206541, 0.18105609843268708),
    (1.2, 512, 0.001, 5.343067375884068, 0.2, 0.5248148336197653, 0.5818460340727811),
    (1.8, 64, 0.01, 1.5167641107571461, 0.2, 0.46655444849323224, 0.6037712108828748),
]
PAGE_U = {
    1.05: (1.0191, 0.0541),
    1.2: (1.0893, 0.1656),
    1.5: (1.2538, 0.2958),
    1.8: (1.4312, 0.3761),
    2.0: (1.5527, 0.4161),
}


@pytest.mark.parametrize("p, n, delta, tau, norm, line, hilbert", PAGE_DEVIATIONS)
def test_deviations_of_the_page(p, n, delta, tau, norm, line, hilbert):
    thresholds = np.full(n, tau)
    assert theory.deviation_star(thresholds, norm, 1.0, p, delta) == pytest.approx(hilbert, rel=2e-3)
    assert hilbert < theory.deviation_bound(thresholds, norm, 1.0, p, delta)
    # the page's number in one dimension is .1 to .6 % larger than the infimum that it states; why is not known
    assert theory.deviation_star(thresholds, norm, 1.0, p, delta, dim=1) <= line


def constant_by_definition(theta, down, up, p):
    """C1 as the largest (e^{theta h(clip - g)} - 1 - theta h w)/|w|^p over w on both sides of g."""
    sizes = np.geomspace(1e-6, 1e6, 12_001)
    ahead = (np.expm1(theta * np.minimum(sizes * up, up)) - theta * sizes * up) / (sizes * up) ** p
    behind = (np.expm1(-theta * np.minimum(sizes * down, down)) + theta * sizes * down) / (sizes * down) ** p
    return max(ahead.max(), behind.max())


@pytest.mark.parametrize("p, n, delta, tau, norm, line, hilbert", PAGE_DEVIATIONS)
def test_the_form_in_one_dimension_against_its_definition(p, n, delta, tau, norm, line, hilbert):
    """At the value r the two infima over theta, found by another search from C1's definition, add up to delta."""
    from scipy.optimize import minimize_scalar

    def tail(r):
        def side(down, up):
            def exponent(log_theta):
                theta = np.exp(log_theta)
                return n * (np.log1p(constant_by_definition(theta, down, up, p)) - theta * r)

            return np.exp(minimize_scalar(exponent, bounds=np.log([1e-3 / tau, 30 / tau]), method="bounded").fun)

        return side(tau + norm, tau - norm) + side(tau - norm, tau + norm)

    found = theory.deviation_star(np.full(n, tau), norm, 1.0, p, delta, dim=1)
    assert tail(found) <= delta * (1 + 1e-4)  # valid; the grid of sizes misses at most 1e-6 of C1
    assert tail(found * 0.998) > delta  # and not 2e-3 too large


@pytest.mark.parametrize("p, U, scale", [(p, *pair) for p, pair in PAGE_U.items()])
def test_the_closed_form_and_its_scale(p, U, scale):
    found, at = theory.deviation_constant(p)
    assert found == pytest.approx(U, abs=6e-5)  # the page's last digit
    # both scales give that constant: min over y of lam (1 + lam^{-p} C(y))/y, C by its definition in the docstring
    y = np.geomspace(1e-2, 10, 20_001)
    kappa = np.expm1(y) - y
    turn = (p - 1) ** (p - 1) / p**p * y**p * (-np.expm1(-y)) ** (1 - p)
    size = np.maximum(kappa, np.where(-p * np.expm1(-y) >= (p - 1) * y, turn, 0.0))
    for lam in (at, scale):
        assert np.min(lam * (1 + lam**-p * size) / y) == pytest.approx(U, abs=6e-5)
    n, delta = 4000, 0.01
    log = np.log(2 / delta)
    closed = U * (log / n) ** ((p - 1) / p)
    assert theory.deviation_star(np.full(n, scale * (n / log) ** (1 / p)), 0.0, 1.0, p, delta) <= closed * (1 + 1e-3)


def random_law(draw, p):
    """A centred law on the line with two or three atoms and E|X|^p = 1."""
    places = draw.standard_normal(3) * 10 ** draw.uniform(-1, 1.5, 3)
    weights = draw.dirichlet(10 ** draw.uniform(-2, 0, 3))
    places -= weights @ places
    size = (weights @ np.abs(places) ** p) ** (1 / p)
    return (places / size, weights) if size > 1e-9 else random_law(draw, p)  # not one atom


def attacks(seed, count, fed=1.0):
    """Largest ratios to the bound, over exact laws of size 1: bias, one step of the moment generating function."""
    draw = np.random.default_rng(seed)
    bias = line = hilbert = 0.0
    for _ in range(count):
        p = draw.choice([1.1, 1.3, 1.5, 1.8, 2.0])
        if draw.random() < 0.5:
            places, weights = random_law(draw, p)
        else:  # two atoms, near the extremal ones
            q = 10 ** draw.uniform(-4, -0.31)
            places, weights = np.array([1.0, -q / (1 - q)]), np.array([q, 1 - q])
            places = places / (weights @ np.abs(places) ** p) ** (1 / p) * draw.choice([-1, 1])
        tau = 10 ** draw.uniform(-1, 1.5)
        norm = tau * draw.uniform(0, 1)
        clipped = np.clip(places + norm, -tau, tau)
        bias = max(bias, abs(weights @ clipped - norm) / float(theory.sharp_bias_bound(np.array([tau]), norm, fed, p)))
        theta = 10 ** draw.uniform(-1, 1) / tau
        for sign, down, up in ((1, tau + norm, tau - norm), (-1, tau - norm, tau + norm)):
            step = weights @ np.exp(sign * theta * (clipped - norm)) - 1
            if norm > 0 and down > 0 and up > 0:
                line = max(line, step / (fed**p * float(line_constant(np.array([theta]), down, up, p)[0])))
            hilbert = max(hilbert, step / (float(hilbert_factor(np.array([theta]), tau, norm, fed, p)[0]) - 1))
    return bias, line, hilbert


def test_no_exact_law_beats_lemma_b1_or_one_step():
    bias, line, hilbert = attacks(0, 1500)
    assert max(bias, line, hilbert) <= 1 + 1e-6
    assert bias > 0.98 and line > 0.9  # sharp: 2 % too good is found out


@pytest.mark.full
def test_no_exact_law_beats_them_in_ten_thousand_cases():
    bias, line, hilbert = attacks(1, 10_000)
    assert max(bias, line, hilbert) <= 1 + 1e-6 and bias > 0.995


def test_the_same_attack_beats_bounds_that_are_fed_a_smaller_sigma():
    """Negative control: .96 sigma."""
    bias, line, hilbert = attacks(0, 1500, fed=0.96)
    assert bias > 1.02 and line > 1 and hilbert > 1


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(thresholds=[1.0, 0.0]), "thresholds"), (dict(gradient_norm=2.0), "gradient_norm <= min"), (dict(sigma=-1.0), "sigma"),
        (dict(p=2.5), "p"), (dict(failure_probability=0.0), "failure_probability"), (dict(dim=0), "dim"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(change, words):
    given = dict(thresholds=[1.0, 2.0], gradient_norm=0.5, sigma=1.0, p=1.5, failure_probability=0.1) | change
    with pytest.raises(ValueError, match=words):
        theory.deviation_star(**given)


@pytest.mark.parametrize(
    "n, u, v", [(3000, 0.012, 0.009), (65_536, 0.5, 0.49), (65_536, 1e-4, 2e-5), (65_536, 0.01, 0.0098)]
)
def test_confusion_in_blocks_against_every_total(n, u, v):
    """Every total of a binomial law, added one by one. g(m) is about Q(d sqrt m), d = (u-v)/(u+v), so a block of w totals gives away at
    most w (z + 1) d/(2 sqrt m) of it, z = d sqrt m (Mills' ratio), at the smallest m that counts."""
    from clipbounds.bounds.nobile2026.lower import NODES, confusion

    totals = np.arange(n + 1)
    losses = binom.cdf(np.ceil(totals / 2) - 1, totals, u / (u + v)) + 0.5 * binom.pmf(totals / 2, totals, u / (u + v))
    exact = binom.pmf(totals, n, u + v) @ np.where(totals > 0, losses, 0.5)
    spread = np.sqrt(n * (u + v) * max(1 - u - v, 0))
    width = max(2.0, (24 * spread + 104) / NODES)
    d, root = (u - v) / (u + v), np.sqrt(max(n * (u + v) - 4 * spread, 1.0))
    lost = width * (d * root + 1) * d / (2 * root) if width > 2 else 1e-8
    assert exact * (1 - lost) <= confusion(n, u, v) <= exact * (1 + 1e-10)
    assert not exact * (1 - lost) <= confusion(n, 1.01 * u, v) <= exact  # control


# theory page per-sample-2, reference values: p, tau, theta, sigma, G, bound of E exp(-theta (clip X - g)), certified interval of its supremum
PAGE_MOMENTS = [
    (1.5, 1.0, 2.0, 0.1, 0.0, 1.1387941405087418, 1.1204242436297642, 1.1204257490479796),
    (1.2, 1.0, 1.0, 0.05, 0.0, 1.019726901892972, 1.0184853748126326, 1.0185765631859722),
    (1.5, 1.0, 0.3, 0.3, 0.0, 1.0204131320149332, 1.017675208193894, 1.017721659022179),
    (2.0, 1.0, 0.5, 0.2, 0.5, 1.0113020291604695, 1.0110049671689296, 1.011006367114751),
    (1.8, 1.0, 1.5, 0.1, 0.4, 1.043817670692054, 1.0430272617175227, 1.043030809950429),
]
# p, tau, G, largest bias of the linear program's dual, and of its primal
PAGE_BIASES = [
    (1.5, 1.0, 0.0, 0.28347873255804573, 0.28346645383062413), (1.2, 2.0, 1.0, 0.3705556006798427, 0.37054414311751516),
    (1.5, 2.0, 0.5, 0.24691961412282962, 0.2469159496796735),
]  # fmt: skip


@pytest.mark.parametrize("p, tau, theta, sigma, norm, bound, lower, upper", PAGE_MOMENTS)
def test_moment_generating_functions_of_the_page(p, tau, theta, sigma, norm, bound, lower, upper):
    factor = 1 + sigma**p * float(line_constant(np.array([theta]), tau - norm, tau + norm, p)[0])
    assert factor == pytest.approx(bound, rel=1e-6) and factor >= lower
    assert (factor - 1) / (upper - 1) <= 1.155  # the page: at most 15.5 % above the program's value


@pytest.mark.parametrize("p, tau, norm, dual, primal", PAGE_BIASES)
def test_biases_of_the_page(p, tau, norm, dual, primal):
    found = float(theory.sharp_bias_bound(np.array([tau]), norm, 1.0, p))
    assert primal <= found <= dual * (1 + 1e-6)  # the page's table rounds up by more than ours
    exact = float(clipping_bias(tau - norm, 1.0, p))
    assert exact <= found <= exact * (1 + 1.5e-6) and found == pytest.approx(dual, abs=1e-6)


@pytest.mark.parametrize("norm", [0.0, 0.3])
def test_long_schedules_choose_theta_by_a_few_thresholds(norm):
    """Whatever theta is, the bound is valid; against 400 values of theta with every threshold it is at most 1e-3 larger."""
    p, delta, tau = 1.5, 0.01, theory.growing_thresholds(1.0, 1.5, 1000)
    best = np.inf
    for theta in np.geomspace(1e-3, 10, 400) / tau[-1] * 10:
        factors = hilbert_factor(theta, tau, norm, 1.0, p) if norm else 1 + centred_constant(theta, tau, p)
        size = np.log(factors).sum() - np.log(delta)
        best = min(best, (size + np.log1p(np.sqrt(-np.expm1(-2 * size)))) / (tau.size * theta))
    assert best * (1 - 1e-3) <= theory.deviation_star(tau, norm, 1.0, p, delta) <= best * (1 + 1e-3)
