"""Bounds of yu2023: constants against their definitions, verdicts on runs, negative controls, hypotheses."""

import math
import warnings

import mpmath
import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds.yu2023 import (
    EstimatorSize,
    Growth,
    NearOptimumLaw,
    Rate,
    divergence_radii,
    divergence_threshold,
    noiseless_error_limit,
    smooth_bias_limit,
    smooth_fixed_point,
    smoothing_constant,
    tail_index,
    vanilla_fixed_points,
)
from clipbounds.bounds.yu2023.instances import CURVATURES, MINIMISERS, ablations, alike_problem, line_problem
from clipbounds.lanes import LANES, kernel
from clipbounds.lanes.elementary import random_direction
from clipbounds.lanes.random import threefry
from clipbounds.methods import PowerSchedule, Ring, SClipEF
from clipbounds.methods.error_feedback import DIVERGENCE_THRESHOLD
from clipbounds.noise import FILL, Noise, SymmetricLomax
from clipbounds.problems import ClientQuadratics, divergence_example
from clipbounds.specs import POSITIVE, inf, parameter


@kernel(FILL)
def cauchy(out, first, count, params, seed, stream, trajectory):
    """params: scale; the tangent of a uniform direction."""
    for i in range(count):
        for l in range(LANES):
            a, _ = threefry(seed, stream, np.uint64(first + i), trajectory + np.uint64(l))
            cosine, sine = random_direction(a)
            out[i * LANES + l] = params[0] * sine / cosine


class Cauchy(Noise):
    scale: float = parameter(POSITIVE)
    fill = cauchy
    symmetric = True

    def moment(self, p):
        return inf if p >= 1 else self.scale**p / math.cos(0.5 * math.pi * p)


def psi(y, level, width):
    return level * y / np.hypot(y, width)


def test_smoothing_constant():
    assert smoothing_constant() == pytest.approx(0.6560656959, abs=5e-11)
    z = np.linspace(1e-3, 50, 200001)
    assert np.all((1 - (1 + z * z) ** -1.5) / z <= smoothing_constant() * (1 + 1e-12))


class TestClosedForms:
    def test_values_of_the_page(self):
        assert smooth_bias_limit(CURVATURES, MINIMISERS) == pytest.approx(-129.6, rel=1e-12)
        assert 1e4 * (smooth_fixed_point(CURVATURES, MINIMISERS, 1e4) - 6) == pytest.approx(-129.8085, abs=5e-5)
        assert noiseless_error_limit(CURVATURES, MINIMISERS, 1.0) == pytest.approx(-0.50625, abs=1e-12)
        assert vanilla_fixed_points((1, 3), (0, 10), 3.0) == (3.0, 9.0)

    def test_a_vanilla_fixed_point_balances_the_clipped_gradients(self):
        rng = np.random.default_rng(1)
        for _ in range(300):
            a, c, w = rng.uniform(0.1, 5, 2), rng.uniform(0.1, 10), rng.dirichlet((2, 2))
            b = np.array([0.0, rng.uniform(0.1, 10)])
            x = vanilla_fixed_points(a, b, c, w)[0]
            assert w @ np.clip(a * (x - b), -c, c) == pytest.approx(0, abs=1e-12)

    def test_divergence_constants(self):
        assert divergence_threshold() == pytest.approx(1.88479520514, abs=1e-11)
        assert divergence_threshold() == pytest.approx(DIVERGENCE_THRESHOLD, abs=1e-11)
        assert [divergence_radii(t)[1] for t in (1.9, 3, 5)] == pytest.approx([1.31143, 3.01444, 5.37902], abs=6e-6)
        with mpmath.workdps(50):  # the fold by another route: the smallest theta over the radius

            def ratio(r):
                net = 2 * r / mpmath.sqrt(r * r + 1) - 3 * r / mpmath.sqrt(9 * r * r + 1)
                return mpmath.mpf("0.9") * r / net

            fold = mpmath.findroot(lambda r: mpmath.diff(ratio, r), 1.2)
            assert abs(ratio(fold) - mpmath.mpf(divergence_threshold())) < 1e-14

    def test_upper_radius_is_stable_and_lower_is_not(self):
        def drift(theta, r):
            return theta / 3 * (2 * psi(r, 1, 1) - psi(3 * r, 1, 1)) - 0.3 * r

        for theta in (1.9, 3.0, 5.0):
            low, high = divergence_radii(theta)
            assert drift(theta, low * 0.99) < 0 < drift(theta, low * 1.01)
            assert drift(theta, high * 0.99) > 0 > drift(theta, high * 1.01)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: divergence_radii(1.8), "at least 1.88479520514"),
            (lambda: noiseless_error_limit(CURVATURES, MINIMISERS, 0.3), "exceed 3/5"),
            (lambda: vanilla_fixed_points((1, 3, 4), (0, 10), 1.0), "two numbers"),
            (lambda: vanilla_fixed_points((1, 3), (10, 0), 1.0), "b_1 < b_2"),
        ],
    )
    def test_bad_input(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()


class _TooSmall(Growth):
    def evaluate(self, setting, steps):
        return 0.9 * super().evaluate(setting, steps)


class _TooSmallEstimator(EstimatorSize):
    def evaluate(self, setting, steps):
        return 0.9 * super().evaluate(setting, steps)


class TestGrowth:
    far = cb.Setting(ClientQuadratics.scalar([1.0], [-1e9]), cb.noise.NoNoise(), SClipEF.standard(1.0))

    @pytest.mark.parametrize("name", ablations(1.0))
    @pytest.mark.parametrize("network", [None, Ring(4)])
    def test_holds_under_cauchy_noise(self, name, network):
        problem = ClientQuadratics.random(4, 3, seed=3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            setting = cb.Setting(problem, Cauchy(5.0), ablations(1.0, network=network)[name])
            run = cb.simulate(setting, 2000, 64, seed=5)
            verdicts = cb.compare(run, [Growth(), EstimatorSize()]).verdicts
        assert [v.verdict for v in verdicts] == ["holds", "holds"]
        assert verdicts[1].tightness > 0.5  # heavy noise nearly fills the bound

    def test_is_attained_by_a_client_far_away(self):
        run = cb.simulate(self.far, 10**4, 1)
        good = cb.compare(run, [Growth(), EstimatorSize()]).verdicts
        assert [v.verdict for v in good] == ["holds", "holds"] and min(v.tightness for v in good) > 0.999
        bad = cb.compare(run, [_TooSmall(), _TooSmallEstimator()]).verdicts
        assert [v.verdict for v in bad] == ["violated", "violated"]

    def test_closed_form_is_above_the_recursion(self):
        steps = np.unique(np.geomspace(1, 10**5, 60).astype(int))
        for beta in (0.0, 0.5, 0.9):
            setting = self.far.replace(method=SClipEF.standard(0.3, averaging=beta))
            sharp, closed = Growth().value(setting, steps), Growth().closed_form(setting, steps)
            assert np.all(sharp <= closed)
            K = (1 - beta / math.sqrt(2)) / (1 - beta)
            assert np.all(EstimatorSize().value(setting, steps) <= K * steps**-0.5 * (1 + 1e-12))
        with pytest.raises(ValueError, match="standard powers"):
            Growth().closed_form(self.far.replace(method=SClipEF(1.0)), 10)


def rate_setting(noise=None, **changes):
    problem = alike_problem()
    options = {"theta": Rate.best_theta(problem), **changes}
    return cb.Setting(problem, noise or cb.noise.LogTailed(1.0), SClipEF.standard(**options))


class _FasterRate(Rate):
    """What V_t would be if the error decayed like 1/t from the start."""

    def evaluate(self, setting, steps):
        return setting.problem.distance(setting.problem.x0) ** 2 / (1 + steps)


class TestRate:
    @pytest.mark.parametrize(
        "noise", [cb.noise.LogTailed(1.0), cb.noise.Gaussian(1.0), cb.noise.SymmetricPareto(1.2, 1.0)]
    )
    def test_holds(self, noise):
        setting = rate_setting(noise)
        run = cb.simulate(setting, 300, 8192, seed=2, checkpoints=[1, 3, 10, 30, 100, 300])
        verdict, wrong = cb.compare(run, [Rate(), _FasterRate()]).verdicts
        assert (verdict.verdict, verdict.method) == ("holds", "betting")  # on the range that Growth proves
        assert wrong.verdict == "violated"

    def test_one_step_by_hand(self):
        """t = 1: m = 0 before, so c_0 is its second part only; d = 1, L_i = mu = 1, gradients (2, 1, -3) at x* = 1."""
        setting = rate_setting(theta=0.4)
        a, beta, width, sigma, R0 = 0.4 * 20, 0.5, 20.0, 1.0, 4.0
        alpha, C1 = a * (1 - beta) / width, smoothing_constant()
        G = np.array([2.0, 1.0, 3.0])
        r = C1 * ((R0 + G) / 2 + sigma) / width
        pull = 1 - np.mean(r + C1 * G / (2 * width))
        c = alpha * C1 * np.mean(G * (G / 2 + sigma)) / width
        expected = (1 - 2 * alpha * pull) * R0**2 + 2 * c * R0 + (a * (1 - beta)) ** 2
        assert expected < (R0 + a * (1 - beta)) ** 2
        assert Rate().value(setting, 1) == pytest.approx(expected, rel=1e-12)

    def test_curve_approaches_its_exponent(self):
        setting = rate_setting()
        assert Rate().exponent(setting) == pytest.approx(0.4)
        t = np.array([10**3, 10**4, 10**5])
        slopes = np.diff(np.log(Rate().value(setting, t))) / math.log(10)
        assert -0.4 < slopes[1] < slopes[0] < -0.2

    def test_best_theta(self):
        problem = ClientQuadratics.scalar((1.0, 1.2), (0.0, 1.0))
        best = Rate.best_theta(problem)
        values = [
            Rate().exponent(cb.Setting(problem, cb.noise.Gaussian(1.0), SClipEF.standard(best * f)))
            for f in (0.9, 1, 1.1)
        ]
        assert values[1] == max(values) == pytest.approx(0.4573 / 1.0 * (1.1 / 1.2) ** 2, rel=1e-3)

    @pytest.mark.parametrize(
        ("setting", "row"),
        [
            (rate_setting(cb.noise.Pareto(1.5, 1.0)), "noise symmetric"),
            (rate_setting(SymmetricLomax(0.7, 1.0)), r"E\|xi_k\| <= sigma"),
            (rate_setting(theta=1.0), "rho L < mu"),
            (rate_setting(joint=True), "component-wise"),
            (rate_setting(network=Ring(3)), "on a server"),
            (rate_setting(error_feedback=False), "with feedback"),
            (cb.Setting(alike_problem(), cb.noise.Gaussian(1.0), SClipEF(PowerSchedule(1.0, -0.3))), "standard powers"),
            (
                cb.Setting(cb.problems.Quadratic([1.0], [1.0]), cb.noise.Gaussian(1.0), cb.methods.SGD(0.1)),
                "over clients",
            ),
        ],
    )
    def test_the_table_names_the_row_that_fails(self, setting, row):
        import re

        with pytest.raises(HypothesesFail) as caught:
            Rate().value(setting, 10)
        failing = [line for line in str(caught.value).splitlines() if line.endswith("FAILS")]
        assert any(re.search(row, line) for line in failing)

    def test_radial_noise_is_symmetric(self):
        assert Rate().value(rate_setting(cb.noise.Pareto(1.5, 1.0, radial=True)), 1) > 0


class TestLaw:
    @pytest.mark.parametrize(
        ("noise", "scales", "expected"),
        [
            (SymmetricLomax(0.4, 1.0), (1, 1, 1), 0.52),
            (SymmetricLomax(0.4, 1.0), (1, 1, 10), 0.24),
            (SymmetricLomax(0.7, 1.0), (1, 1, 1), 0.61),
            (SymmetricLomax(0.7, 1.0), (1, 1, 10), 0.42),
            (cb.noise.SymmetricPareto(1.5, 1.0), (1, 1, 10), 0.85),
            (cb.noise.LogTailed(1.0), (1, 1, 1), 0.70),
            (cb.noise.LogTailed(1.0), (1, 1, 10), 0.60),
            (cb.noise.Gaussian(1.0), (1, 1, 10), 1.0),
        ],
    )
    def test_column_of_the_page(self, noise, scales, expected):
        setting = cb.Setting(line_problem(noise_scales=scales), noise, SClipEF.standard(1.0))
        assert NearOptimumLaw().exponent(setting) == pytest.approx(expected, abs=2e-3)

    def test_start_exponent(self):
        setting = cb.Setting(line_problem(), cb.noise.Gaussian(1.0), SClipEF.standard(0.05))
        assert NearOptimumLaw().exponent(setting) == pytest.approx(2 * 0.05 * 5 / 3)

    def test_is_never_asserted(self):
        setting = cb.Setting(line_problem(), cb.noise.Gaussian(1.0), SClipEF.standard(1.0))
        run = cb.simulate(setting, 100, 8)
        with pytest.raises(ValueError, match="draw"):
            cb.compare(run, [NearOptimumLaw()])
        assert NearOptimumLaw.kind == "prediction" and not NearOptimumLaw.asserted

    def test_tail_indices(self):
        assert tail_index(cb.noise.StudentT(1.7, 1.0)) == pytest.approx(1.7)
        assert tail_index(cb.noise.TwoPoint(1.0, 0.5)) == 2.0
        assert tail_index(cb.noise.LogTailed(3.0)) == pytest.approx(1.0, abs=1e-3)


def test_the_warning_names_the_example_and_scales_with_the_smoothness():
    def build(factor, theta):
        problem = divergence_example(1.0)
        return cb.Setting(
            problem.replace(hessians=factor * problem.hessians), cb.noise.NoNoise(), SClipEF.standard(theta)
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(1.0, 1.884)
        build(0.5, 3.7)
    for factor, theta in ((1.0, 1.885), (0.5, 3.8)):
        with pytest.warns(UserWarning, match=r"divergence_example"):
            build(factor, theta)
