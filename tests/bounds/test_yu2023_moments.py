"""The moment recursion of yu2023: an independent twin, exact laws, random instances, negative controls, hypotheses."""

import dataclasses
import itertools
import math
import re
import warnings

import numpy as np
import pytest
from random_yu2023 import instance, largest_ratio
from twin_yu2023 import twin

import clipbounds as cb
from clipbounds.bounds import HypothesesFail, Scaled
from clipbounds.bounds.yu2023 import MomentRecursion, Rate, StrongRate
from clipbounds.bounds.yu2023.drift import Clients, drifts
from clipbounds.bounds.yu2023.moments import curvature_constant, moment_curve, step_table
from clipbounds.methods import GrowingSmoothClip, Ring, SClipEF
from clipbounds.problems import ClientQuadratics

STEPS = 4


def two_clients(curvatures=(1.0, 3.0), minimisers=(0.0, 2.0), x0=4.0, scales=(1.0, 1.0)):
    return ClientQuadratics.scalar(curvatures, minimisers, x0, noise_scales=scales)


def enumerated(setting, steps=STEPS):
    """E r² after 0..steps steps under two-point noise ±sigma: all 2^(n·steps) equally likely paths, from the definitions."""
    problem, method, sigma = setting.problem, setting.method, setting.noise.sigma
    n, a, b = problem.clients, problem.hessians[:, 0, 0], problem.minimisers[:, 0]
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=n * steps))).reshape(-1, steps, n)
    x, m = np.full(len(signs), problem.x0[0]), np.zeros((len(signs), n))
    means = [float(np.mean((x - problem.minimiser[0]) ** 2))]
    for t in range(steps):
        g = a * (x[:, np.newaxis] - b) + sigma * problem.noise_scales * signs[:, t]
        if isinstance(method, SClipEF):
            phi, eps, beta, eta = (
                float(getattr(method, name).at(t)) for name in ("level", "smoothing", "averaging", "step_size")
            )
            m = beta * m + (1 - beta) * phi * (g - m) / np.sqrt((g - m) ** 2 + eps)
            x = x - eta * m @ problem.weights
        else:
            T = float(method.threshold.at(t))
            x = x - float(method.step_size.at(t)) * (g / np.sqrt(1 + (g / T) ** 2)) @ problem.weights
        means.append(float(np.mean((x - problem.minimiser[0]) ** 2)))
    return np.array(means)


EXACT = {
    "plain": GrowingSmoothClip.standard(0.3, 5.0, 1 / 3),
    "plain, small threshold": GrowingSmoothClip.standard(0.3, 0.5, 0.2),
    "SClip-EF": SClipEF.standard(0.1, smoothing=25.0),
    "SClip-EF, beta = .9": SClipEF.standard(0.1, smoothing=4.0, averaging=0.9),
}


class TestExactLaws:
    @pytest.mark.parametrize("name", EXACT)
    @pytest.mark.parametrize("scales", [(1.0, 1.0), (0.3, 4.0)])
    @pytest.mark.parametrize("x0", [1.5, 4.0, 40.0])
    def test_enumeration_is_below(self, name, scales, x0):
        setting = cb.Setting(two_clients(x0=x0, scales=scales), cb.noise.Rademacher(0.7), EXACT[name])
        exact = enumerated(setting)
        run = cb.simulate(setting, STEPS, 20_000, seed=1, checkpoints=range(STEPS + 1), threads=1)
        spread = run.squared_distance.values.std(axis=1) / math.sqrt(20_000)
        # the enumeration speaks about the simulated method: 6 standard errors, and rounding
        assert np.all(np.abs(run.squared_distance.values.mean(axis=1) - exact) <= 6 * spread + 1e-12 * exact)
        for p in (1.0, 2.0):
            assert np.all(MomentRecursion(p).value(setting, np.arange(1, STEPS + 1)) >= exact[1:] * (1 - 1e-12))

    def setting(self, **changes):
        options = dict(curvatures=(1.0, 1.0), minimisers=(0.0, 0.0), x0=0.0) | changes
        return cb.Setting(two_clients(**options), cb.noise.Rademacher(1.0), GrowingSmoothClip.standard(0.1, 20.0, 0.3))

    def test_half_the_noise_is_exceeded(self):
        """Clients that agree, from x*, T far above the noise: V_t is nearly E r², and with sigma/2 a quarter of it."""
        setting = self.setting()
        exact = enumerated(setting)[1:]
        wrong = setting.replace(problem=two_clients((1.0, 1.0), (0.0, 0.0), 0.0, (0.5, 0.5)))
        steps = np.arange(1, STEPS + 1)
        right = MomentRecursion(2.0).value(setting, steps)
        assert np.all(exact <= right) and np.all(right < 1.2 * exact)
        assert np.all(MomentRecursion(2.0).value(wrong, steps) < exact)

    def test_twice_the_pull_is_exceeded(self):
        setting = self.setting(x0=2.0)
        exact = enumerated(setting)
        clients = Clients.of(setting.problem)
        wrong = dataclasses.replace(clients, strong_convexity=2 * clients.strong_convexity)
        assert np.all(curve(setting, 2.0, clients) >= exact * (1 - 1e-12))
        assert np.all(curve(setting, 2.0, wrong)[1:] < exact[1:])

    def test_without_the_far_field_it_is_exceeded(self):
        """From far away every gradient is clipped: the way is a step of alpha T, not a share of the distance."""
        setting = self.setting(x0=2000.0)
        exact = enumerated(setting)
        assert np.all(curve(setting, 2.0) >= exact * (1 - 1e-12))
        assert np.all(curve(setting, 2.0, far_field=False)[1:] < exact[1:])


def curve(setting, p, clients=None, order=12, steps=STEPS, far_field=True):
    """moment_curve with the ingredients of the bound, some of them replaced."""
    bound, own = MomentRecursion(p, order), Clients.of(setting.problem)
    table = step_table(setting.method, steps, setting.problem.dim)
    start = float(setting.problem.distance(setting.problem.x0))
    factors = bound._noise_factors(setting, own)
    return moment_curve(clients or own, factors, table, drifts(setting), start, p, order, far_field)


TWINS = {
    "plain, component-wise": (GrowingSmoothClip.standard(0.2, 3.0, 0.3), False),
    "plain, joint": (GrowingSmoothClip.standard(0.2, 3.0, 0.3, joint=True), False),
    "SClip-EF": (SClipEF.standard(0.05, smoothing=9.0), False),
    "SClip-EF, joint, unequal": (SClipEF.standard(0.3, smoothing=9.0, joint=True), True),
    "no feedback": (SClipEF.standard(0.05, smoothing=9.0, error_feedback=False), True),
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(("noise", "p"), [(cb.noise.LogTailed(1.0), 1.0), (cb.noise.Gaussian(0.5), 2.0)])
def test_the_kernel_is_the_recursion_of_the_page(name, noise, p):
    """25 steps of sums of positive terms: their relative rounding is below 25·(some hundreds of operations)·eps < 1e-11."""
    method, unequal = TWINS[name]
    problem = ClientQuadratics.random(3, 2, seed=5, condition=4.0, distance=3.0)
    problem = problem.replace(weights=(0.2, 0.3, 0.5), noise_scales=(1.0, 0.5, 3.0) if unequal else (1.0,) * 3)
    setting = cb.Setting(problem, noise, method)
    assert np.allclose(curve(setting, p, order=5, steps=25), twin(setting, p, 5, 25), rtol=1e-11, atol=0)


def check_instances(numbers):
    tightest = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a large theta, on purpose
        for k in numbers:
            ratio, mean_ratio, setting = largest_ratio(k)
            assert ratio <= 1, f"instance {k}: the mean exceeds V_t by {ratio:.6g} at {setting.to_json()}"
            tightest = max(tightest, mean_ratio)
    return tightest


def test_never_exceeded_on_some_instances():
    tightest = check_instances(range(25))
    assert tightest > 0.5  # far from vacuous somewhere


@pytest.mark.full
def test_never_exceeded_on_five_hundred_instances():
    check_instances(range(500))


def test_instances_are_recorded():
    for k in (0, 7):
        first, second = instance(k), instance(k)
        assert first[0].digest == second[0].digest and first[1] == second[1]


def test_more_moments_forget_the_far_field():
    """Theorem 1: V_t falls with the order where the far field decides; each order is a bound by itself."""
    problem = ClientQuadratics.scalar((1.0, 4.0), (0.0, 2.0), 11.6)
    setting = cb.Setting(problem, cb.noise.LogTailed(1.0), GrowingSmoothClip.standard(0.6, 20.0, 1 / 3))
    values = [float(MomentRecursion(1.0, order).value(setting, 10**4)) for order in (2, 6, 12)]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize(
    "method",
    [SClipEF.standard(1.0, averaging=0.9), GrowingSmoothClip.standard(1.0, 20.0, 1 / 3)],
    ids=["SClip-EF", "plain"],
)
def test_it_falls_with_the_exponent_of_theorem_2(method):
    """Momentum and feedback cost nothing: with c M_{j-1} alone V_t of SClip-EF would fall like t^{-.4} in the end."""
    problem = ClientQuadratics.scalar((1.0, 1.0, 1.0), (-1.0, 0.0, 4.0), 5.0)
    setting, steps = cb.Setting(problem, cb.noise.LogTailed(1.0), method), np.array([10**5, 10**6])
    slope = -float(np.diff(np.log10(MomentRecursion().value(setting, steps)))[0])
    assert StrongRate().exponent(setting) - 0.01 <= slope <= StrongRate().exponent(setting) + 0.06


@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
@pytest.mark.parametrize(
    "problem",
    [
        ClientQuadratics.scalar((1.0, 1.0, 1.0), (-1.0, 0.0, 4.0), 5.0),
        ClientQuadratics.scalar((1.0, 1.2), (0.0, 1.0), 100.0),
        ClientQuadratics.random(3, 2, seed=1, condition=1.5),
    ],
    ids=["alike", "far", "plane"],
)
def test_d1_is_superseded(problem, share):
    """V_t of theorem 3 is below V_t of theorem D1 from the first step on, where D1 applies."""
    setting = cb.Setting(problem, cb.noise.LogTailed(1.0), SClipEF.standard(share * Rate.best_theta(problem)))
    steps = np.array([1, 2, 5, 10, 100, 1000, 10**4])
    assert np.all(MomentRecursion().value(setting, steps) < Rate().value(setting, steps))
    assert Rate.superseded_by == MomentRecursion.__name__


def test_verdict_on_a_proved_range():
    """Finite-sample bands rest on the sum of alpha_s T_s; a bound of an eighth is seen to be wrong."""
    setting = cb.Setting(PROBLEM, cb.noise.LogTailed(0.5), GrowingSmoothClip.standard(0.3, 5.0, 0.3, joint=True))
    run = cb.simulate(setting, 30, 4096, seed=3, checkpoints=[1, 3, 10, 30], threads=1)
    right, wrong = cb.compare(run, [MomentRecursion(), Scaled(MomentRecursion(), 0.125)]).verdicts
    assert (right.verdict, right.method) == ("holds", "betting") and wrong.verdict == "violated"


@pytest.mark.parametrize("p", [0.3, 1.0, 1.5, 2.0])
def test_curvature_constant(p):
    z = np.geomspace(1e-5, 1e5, 200_001)
    quotient = -np.expm1(-1.5 * np.log1p(z * z)) / z**p
    assert np.all(quotient <= curvature_constant(p)) and quotient.max() > curvature_constant(p) * (1 - 1e-7)


PROBLEM = ClientQuadratics.scalar((1.0, 3.0, 2.0), (0.0, 2.0, 1.0), 4.0)
GAUSS, PLAIN = cb.noise.Gaussian(1.0), GrowingSmoothClip.standard(0.3, 5.0, 0.3)


@pytest.mark.parametrize(
    ("setting", "row"),
    [
        (cb.Setting(PROBLEM, cb.noise.Pareto(1.5, 1.0), PLAIN), "noise symmetric"),
        (cb.Setting(PROBLEM, cb.noise.SymmetricLomax(0.9, 1.0), PLAIN), r"E\|xi\|\^p < inf"),
        (cb.Setting(PROBLEM, GAUSS, PLAIN.replace(smooth=False)), "smooth operator"),
        (cb.Setting(PROBLEM, GAUSS, PLAIN.replace(network=Ring(3))), "on a server"),
        (cb.Setting(PROBLEM, GAUSS, cb.methods.DistributedSGD(0.1)), "SClip-EF or GrowingSmoothClip"),
        (cb.Setting(cb.problems.Quadratic([1.0], [1.0]), GAUSS, cb.methods.SGD(0.1)), "over clients"),
    ],
)
def test_the_table_names_the_row_that_fails(setting, row):
    with pytest.raises(HypothesesFail) as caught:
        MomentRecursion().value(setting, 10)
    failing = [line for line in str(caught.value).splitlines() if line.endswith("FAILS")]
    assert any(re.search(row, line) for line in failing)


@pytest.mark.parametrize(
    "make", [lambda: MomentRecursion(0.0), lambda: MomentRecursion(order=1), lambda: MomentRecursion(order=41)]
)
def test_bad_parameters(make):
    with pytest.raises(ValueError, match="MomentRecursion"):
        make()
