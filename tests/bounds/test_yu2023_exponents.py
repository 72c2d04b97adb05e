"""Exponents of growing thresholds: the constant gamma against a search, the values of the page, hypotheses, bad input."""

import re

import numpy as np
import pytest

import clipbounds as cb
from clipbounds.bounds import HypothesesFail
from clipbounds.bounds.yu2023 import StrongRate, best_power, exponents, largest_theta, repulsion
from clipbounds.bounds.yu2023.drift import Clients, is_rotation_invariant
from clipbounds.bounds.yu2023.instances import line_problem
from clipbounds.bounds.yu2023.strong_rate import has_weak_moment
from clipbounds.methods import GrowingSmoothClip, PowerSchedule, Ring, SClipEF
from clipbounds.problems import ClientLogistic, ClientQuadratics

LAMBDA = 5 + 4 * np.sqrt(2)  # condition number up to which the component-wise operator has a theta with exponent .6


class TestRepulsion:
    @pytest.mark.parametrize(("l", "L"), [(0.0, 1.0), (1.0, 10.0), (-0.2, 1.0), (-0.5, 1.0), (-1.0, 1.0), (2.0, 2.0)])
    def test_is_the_least_value_of_the_form(self, l, L):
        """<M'e, Ae> >= -Gamma|e|² for random 0 <= M' <= I, l <= A <= L, and attained in the plane."""
        rng, lowest = np.random.default_rng(3), np.inf
        for _ in range(3000):
            a, b = rng.uniform(0, np.pi, 2)
            q = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            r = np.array([[np.cos(b), -np.sin(b)], [np.sin(b), np.cos(b)]])
            m = q @ np.diag(rng.uniform(0, 1, 2)) @ q.T
            e = np.array([1.0, 0.0])
            lowest = min(lowest, (m @ e) @ (r @ np.diag(rng.uniform(l, L, 2)) @ r.T) @ e)
        assert lowest >= -float(repulsion(l, L)) - 1e-12
        # the extremal pair: M' a projection with |M'e| = c, and A e = (L+l)/2 e - (L-l)/2 M'e/c
        c = np.linspace(1e-3, 1, 20_001)
        values = (L + l) / 2 * c**2 - (L - l) / 2 * c
        assert min(values.min(), 0.0) == pytest.approx(-float(repulsion(l, L)), abs=1e-7 * L)

    def test_values_of_the_page(self):
        assert repulsion(0.0, 8.0) == 1.0
        assert repulsion(-3.0, 3.0) == 3.0
        assert repulsion(1.0, LAMBDA) == pytest.approx(1.0, rel=1e-12)


class TestExponents:
    @pytest.mark.parametrize(
        ("p", "equal", "expected"), [(1.0, False, 0.6), (1.0, True, 0.7), (2.0, False, 1.0), (0.5, False, 0.3)]
    )
    def test_sclip_ef(self, p, equal, expected):
        for condition in (2, 10, 1000):
            made = exponents(1.0, 1.0, condition, p, curvature=0.0, operator="joint", equal_laws=equal)
            assert made.smallest == pytest.approx(expected) and made.start == 2.0

    def test_best_powers(self):
        for p in (0.4, 1.0, 1.5, 2.0):
            for equal, power, expected in ((False, 1 / (2 + p), 2 * p / (2 + p)), (True, 1 / (6 - p), 4 / (6 - p))):
                assert best_power(p, equal_laws=equal) == power
                if power >= 0.5:
                    continue
                options = dict(curvature=0.0, operator="joint", equal_laws=equal)
                assert exponents(9.0, 1.0, 10.0, p, power=power, **options).smallest == pytest.approx(expected)
                others = [exponents(9.0, 1.0, 10.0, p, power=power + h, **options).smallest for h in (-0.02, 0.02)]
                assert max(others) <= expected + 1e-12 and min(others) < expected
        assert exponents(9.0, 1.0, 1.0, 1.5, power=best_power(1.5, symmetric=False), curvature=1.0, symmetric=False)\
            .smallest == pytest.approx(2 / 3)  # fmt: skip

    def test_condition_number_of_the_component_wise_operator(self):
        """2 theta mu > .6 and theta Gamma < .3 are compatible iff L/mu < 5 + 4 sqrt2."""
        assert largest_theta(LAMBDA * 0.999, 1.0) > 0.3 > largest_theta(LAMBDA * 1.001, 1.0)
        assert largest_theta(1000.0, 1.0, operator="joint") == np.inf == largest_theta(1000.0, 0.0, dim=1)
        assert largest_theta(2.0) == 0.15  # only smooth: theta L < .3
        assert largest_theta(2.0, 0.0) == pytest.approx(1.2)  # convex: theta L < 2.4

    def test_hard_clip_and_common_minimiser(self):
        options = dict(curvature=0.0, operator="joint", equal_laws=True)
        assert exponents(1.0, 1.0, 2.0, 1.0, smooth=False, **options).bias == 0.6
        assert exponents(1.0, 1.0, 2.0, 1.0, same_minimiser=True, **options).bias == np.inf

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"theta": 0.31}, r"theta must be in \(0, 0\.3\), below q/gamma"),
            ({"p": 0.0}, r"p must be in \(0, 2\]"),
            ({"p": -1.0}, r"p must be in \(0, 2\]"),
            ({"p": 2.5}, "a higher moment gives nothing more"),
            ({"strong_convexity": 0.0}, "mean of the clients must be strongly convex"),
            ({"power": 0.5}, r"power, the q of T = T0 s\^q, must be in \(0, 0\.5\)"),
            ({"power": 0.0}, "power"),
            ({"symmetric": False}, r"without symmetry p must be in \(1, 2\]"),
            ({"operator": "both"}, "component-wise, joint"),
            ({"curvature": 2.0}, "curvature must be in"),
            ({"smoothness": -1.0}, "smoothness must be in"),
        ],
    )
    def test_bad_input(self, changes, message):
        arguments = dict(theta=0.1, strong_convexity=1.0, smoothness=1.0, p=1.0) | changes
        with pytest.raises(ValueError, match=message) as caught:
            exponents(**arguments)
        assert "\n" not in str(caught.value)


PLAIN = GrowingSmoothClip.standard(1.0, 3.0, 1 / 3)
PLANE = ClientQuadratics.random(3, 2, seed=5, condition=10.0)
LOG = cb.noise.LogTailed(1.0)


class TestStrongRate:
    @pytest.mark.parametrize(
        ("setting", "p", "expected"),
        [
            (cb.Setting(line_problem(), LOG, SClipEF.standard(1.0)), 1.0, 0.7),
            (cb.Setting(line_problem(noise_scales=(1, 1, 10)), LOG, SClipEF.standard(1.0)), 1.0, 0.6),
            (cb.Setting(line_problem(), LOG, SClipEF.standard(0.05)), 1.0, 2 * 0.05 * 5 / 3),
            (cb.Setting(line_problem(noise_scales=(1, 1, 10)), LOG, PLAIN), 1.0, 2 / 3),
            (cb.Setting(line_problem(), LOG, PLAIN.replace(smooth=False)), 1.0, 2 / 3),
            (cb.Setting(line_problem(), cb.noise.SymmetricLomax(1.0, 1.0), PLAIN), 1.0, 2 / 3),
            (cb.Setting(line_problem(), cb.noise.Pareto(1.5, 1.0), PLAIN), 1.4, 4 / 15),
            (cb.Setting(PLANE, LOG, SClipEF.standard(5.0, joint=True)), 1.0, 0.7),
        ],
    )  # fmt: skip
    def test_of_settings(self, setting, p, expected):
        assert StrongRate(p).exponent(setting) == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("setting", "p", "row"),
        [
            (cb.Setting(PLANE, LOG, SClipEF.standard(0.4)), 1.0, "theta gamma < q"),
            (cb.Setting(PLANE, LOG, PLAIN.replace(network=Ring(3))), 1.0, "on a server"),
            (cb.Setting(PLANE, LOG, PLAIN.replace(step_size=0.1)), 1.0, "step theta"),
            (cb.Setting(PLANE, LOG, SClipEF(PowerSchedule(1.0, -0.3))), 1.0, "standard powers"),
            (cb.Setting(PLANE, LOG, GrowingSmoothClip.standard(1.0, 3.0, 0.6)), 1.0, r"q in \(0, 1/2\)"),
            (cb.Setting(PLANE, LOG, PLAIN), 1.2, r"E\|xi\|\^p < inf"),
            (cb.Setting(PLANE, cb.noise.Pareto(1.5, 1.0), SClipEF.standard(0.05)), 1.2, "or the plain method"),
            (cb.Setting(PLANE, cb.noise.Pareto(1.5, 1.0), PLAIN), 1.5, "E xi = 0"),
        ],
    )
    def test_the_table_names_the_row_that_fails(self, setting, p, row):
        with pytest.raises(HypothesesFail) as caught:
            StrongRate(p).exponent(setting)
        failing = [line for line in str(caught.value).splitlines() if line.endswith("FAILS")]
        assert any(re.search(row, line) for line in failing)

    def test_the_table_gives_the_theta_that_would_do(self):
        setting = cb.Setting(PLANE, LOG, SClipEF.standard(0.4))
        row = StrongRate().hypotheses(setting)[-1]
        allowed = float(re.search(r"theta below ([\d.]+) would do", row.value).group(1))
        assert allowed == pytest.approx(0.3 / repulsion(1.0, 10.0), rel=1e-5)
        assert StrongRate().exponent(setting.replace(method=SClipEF.standard(0.999 * allowed))) > 0

    def test_is_never_asserted(self):
        setting = cb.Setting(line_problem(), LOG, SClipEF.standard(1.0))
        with pytest.raises(ValueError, match="draw"):
            cb.compare(cb.simulate(setting, 100, 8), [StrongRate()])

    def test_weak_moments(self):
        assert has_weak_moment(cb.noise.SymmetricLomax(0.7, 1.0), 0.7)
        assert not has_weak_moment(cb.noise.SymmetricLomax(0.7, 1.0), 0.71)
        assert has_weak_moment(cb.noise.StudentT(1.5, 1.0), 1.5) and not has_weak_moment(LOG, 1.1)
        assert not has_weak_moment(cb.noise.StudentT(2.0, 1.0), 2.0)


def test_curvatures_of_clients():
    """l_i <= Hessian of f_i <= L_i at random points, and nothing tighter for quadratics."""
    rows, labels = np.array([[1.0, 0.2], [-0.3, 1.0], [0.5, -1.0]]), np.array([1.0, -1.0, 1.0])
    logistic = ClientLogistic(rows, labels, [0, 1, 1], 0.1, [0.0, 0.0])
    rng = np.random.default_rng(1)
    for problem in (PLANE, logistic):
        for i in range(problem.clients):
            for _ in range(20):
                x, v = rng.normal(size=2), rng.normal(size=2)
                v /= np.linalg.norm(v)
                slope = (problem.client_gradient(i, x + 1e-5 * v) - problem.client_gradient(i, x - 1e-5 * v)) @ v / 2e-5
                assert problem.client_curvature[i] - 1e-8 <= slope <= problem.client_lipschitz[i] + 1e-8
    assert np.allclose(PLANE.client_curvature, 1.0) and np.allclose(PLANE.client_lipschitz, 10.0)
    assert Clients.of(PLANE).mean_concavity == 0.0


def test_rotation_invariance():
    assert is_rotation_invariant(cb.noise.Gaussian(1.0), 3) and is_rotation_invariant(LOG, 1)
    assert is_rotation_invariant(cb.noise.LogTailed(1.0, radial=True), 3) and not is_rotation_invariant(LOG, 3)
